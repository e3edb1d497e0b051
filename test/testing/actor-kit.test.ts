/** Probes, virtual time and the captured log of the kit for actors. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ActorKit,
  actorKit,
  type Behavior,
  capturedLog,
  ExpectationError,
  type Ref,
} from '../../src/testing/index.ts';

interface Total {
  readonly total: number;
}
type Count =
  | { readonly type: 'add'; readonly count: number }
  | { readonly type: 'read'; readonly replyTo: Ref<Total> }
  | { readonly type: 'remind'; readonly who: Ref<string>; readonly afterMs: number }
  | { readonly type: 'ring'; readonly who: Ref<string> }
  | { readonly type: 'leave' }
  | { readonly type: 'break' };

const counter: Behavior<Count> = ({ log, startTimer, finish }) => {
  let total = 0;
  return {
    message(message) {
      switch (message.type) {
        case 'add':
          total += message.count;
          log.info({ total }, 'added');
          return;
        case 'read':
          message.replyTo.tell({ total });
          return;
        case 'remind':
          startTimer('remind', { type: 'ring', who: message.who }, message.afterMs);
          return;
        case 'ring':
          message.who.tell('now');
          return;
        case 'leave':
          finish();
          return;
        case 'break':
          throw new Error('it broke');
      }
    },
  };
};

let kit: ActorKit = actorKit();
afterEach(() => kit.stop());

function start(): Ref<Count> {
  kit = actorKit();
  return kit.spawn('counter', counter);
}

describe('a probe', () => {
  it('TK1 expects a message, equal or by a test that narrows its type', async () => {
    const ref = start();
    const probe = kit.probe<Total | string>();
    ref.tell({ type: 'add', count: 2 });
    ref.tell({ type: 'read', replyTo: probe.ref });
    ref.tell({ type: 'read', replyTo: probe.ref });
    await probe.expect({ total: 2 });
    const narrowed = await probe.expect((message): message is Total => typeof message === 'object');
    expect(narrowed.total).toBe(2);
  });

  it('TK1 waits in virtual time, and no longer than it takes', async () => {
    const ref = start();
    const probe = kit.probe<string>();
    const began = kit.clock.now();
    ref.tell({ type: 'remind', who: probe.ref, afterMs: 86_400_000 });
    await probe.expectNoMessage('23 hours');
    await probe.expect('now', { within: '2 hours' });
    expect(kit.clock.now() - began).toBe(86_400_000);
  });

  it('TK1 fishes for one message, and skips those before it', async () => {
    const ref = start();
    const probe = kit.probe<Total>();
    for (let count = 0; count < 5; count++) {
      ref.tell({ type: 'read', replyTo: probe.ref });
      ref.tell({ type: 'add', count: 1 });
    }
    expect(await probe.fish(({ total }) => total === 3)).toEqual({ total: 3 });
    expect(await probe.receive()).toEqual({ total: 4 });
    expect(probe.waiting).toEqual([]);
  });

  it('TK1 hears of the end of an actor, and how it ended', async () => {
    const ref = start();
    ref.tell({ type: 'leave' });
    expect(await kit.probe().expectTerminated(ref)).toEqual({ type: 'finished' });
    const other = kit.spawn('other', counter);
    other.tell({ type: 'break' });
    expect((await kit.probe().expectTerminated(other)).error?.message).toBe('it broke');
  });

  it.each([
    ['probe-1 was told nothing within 3 s: expected { total: 1 }', () => kit.probe<Total>().expect({ total: 1 })],
    [
      'x waited 1 s for a message that passes the test, and was told nothing at all',
      () => kit.probe('x').fish(() => true, { within: '1 s' }),
    ],
    ['/counter still lives after 3 s', () => kit.probe().expectTerminated(kit.spawn('counter', counter))],
  ])('TK1 says what it has waited for: %s', async (message, test) => {
    kit = actorKit();
    const failed = await test().catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(ExpectationError);
    expect(String(failed)).toContain(message);
  });

  it('TK1 shows the message that came in place of the other', async () => {
    const ref = start();
    const probe = kit.probe<Total>('customer');
    ref.tell({ type: 'read', replyTo: probe.ref });
    await expect(probe.expect({ total: 1 })).rejects.toThrow(
      'customer was told something else than expected\nexpected { total: 1 }\nfound    { total: 0 }',
    );
    ref.tell({ type: 'read', replyTo: probe.ref });
    await expect(probe.expectNoMessage()).rejects.toThrow('customer was told { total: 0 }: expected no message');
    ref.tell({ type: 'read', replyTo: probe.ref });
    await expect(probe.fish(({ total }) => total === 9)).rejects.toThrow('was told only\n  { total: 0 }');
  });

  it('TK1 points at the line of the test', async () => {
    start();
    const probe = kit.probe<string>();
    const error = await probe.expect('now').catch((thrown: unknown) => thrown);
    expect(error instanceof Error ? error.stack?.split('\n')[1] : '').toContain('actor-kit.test.ts');
  });
});

describe('a kit for actors', () => {
  it('TK1 asks, and moves time until there is an answer', async () => {
    const ref = start();
    ref.tell({ type: 'add', count: 4 });
    expect(await kit.ask<Count, Total>(ref, (replyTo) => ({ type: 'read', replyTo }))).toEqual({ total: 4 });
    await expect(kit.ask<Count, Total>(ref, () => ({ type: 'add', count: 1 }))).rejects.toThrow(
      '/counter did not answer within 3 s',
    );
  });

  it('TK1 keeps dead letters and escalations', async () => {
    const ref = start();
    ref.tell({ type: 'leave' });
    await kit.probe().expectTerminated(ref);
    ref.tell({ type: 'leave' });
    expect(kit.deadLetters).toMatchObject([{ path: '/counter', reason: 'dead', message: { type: 'leave' } }]);
    const failing = kit.spawn('failing', counter, { onFailure: () => ({ type: 'escalate' }) });
    failing.tell({ type: 'break' });
    await kit.advance(0);
    expect(kit.escalations).toMatchObject([{ path: '/failing', error: { message: 'it broke' } }]);
  });
});

describe('a captured log', () => {
  it('TK1 is kept with the fields that were bound, and redacted when it is shown', async () => {
    const ref = start();
    ref.tell({ type: 'add', count: 4 });
    await kit.advance(0);
    expect(kit.log.lines).toMatchObject([{ level: 'info', message: 'added', fields: { total: 4, actor: '/counter' } }]);
    const log = capturedLog({ clock: kit.clock });
    log.logger.child({ password: 'x' }).warn({ count: 1n }, 'careful');
    expect(log.text()).toBe('00:00:00.000 WARN  careful password=[redacted] count=1\n');
  });

  it('TK1 is shown only when the test fails', async () => {
    const shown: string[] = [];
    const log = capturedLog();
    const { write } = process.stderr;
    process.stderr.write = (text: string | Uint8Array) => shown.push(String(text)) > 0;
    try {
      log.logger.info({}, 'quiet');
      expect(await log.showOnFailure(() => 7)).toBe(7);
      expect(shown).toEqual([]);
      await expect(log.showOnFailure(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    } finally {
      process.stderr.write = write;
    }
    expect(shown.join('')).toMatch(/INFO {2}quiet\n$/);
  });

  it('TK1 forgets the oldest lines beyond its limit, and says so', () => {
    const forwarded = capturedLog();
    const log = capturedLog({ limit: 2, forward: forwarded.logger });
    for (const line of ['a', 'b', 'c']) log.logger.debug({}, line);
    expect(log.lines.map(({ message }) => message)).toEqual(['b', 'c']);
    expect(log.text()).toMatch(/^… 1 older lines were dropped\n/);
    expect(forwarded.lines).toHaveLength(3);
    log.clear();
    expect(log.text()).toBe('');
  });
});
