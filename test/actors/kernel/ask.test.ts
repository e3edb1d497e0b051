import { describe, expect, it } from 'vitest';
import type { ActorSystem, Behavior, Ref } from '../../../src/actors/kernel/index.ts';
import { collected } from '../../rig/collected.ts';
import { gate, restartAtOnce, testSystem } from './support.ts';

interface Question {
  readonly replyTo: Ref<string>;
}

const echo: Behavior<Question> = ({ self }) => ({ message: ({ replyTo }) => void replyTo.tell(self.path) });
const silent: Behavior<Question> = () => ({ message: () => undefined });
const day = 86_400_000;

describe('ask', () => {
  it('AK9 resolves with the reply', async () => {
    const { system } = testSystem();
    const ref = system.spawn('echo', echo);
    expect(await system.ask(ref, (replyTo: Ref<string>) => ({ replyTo }), { withinMs: 1_000 })).toBe('/echo');
  });

  it('AK9 whoever keeps a question that was answered keeps none of those that were asked after it', async () => {
    const { system } = testSystem();
    const ref = system.spawn('echo', echo);
    const asked: Array<WeakRef<Ref<string>>> = [];
    let kept: Ref<string> | undefined;
    const ask = (replyTo: Ref<string>): Question => {
      kept ??= replyTo;
      asked.push(new WeakRef(replyTo));
      return { replyTo };
    };
    await Promise.all(Array.from({ length: 20 }, () => system.ask(ref, ask, { withinMs: day })));
    await collected();
    expect(asked.filter((question) => question.deref() !== undefined).length).toBeLessThan(5);
    expect(kept?.path).toBe(asked[0]?.deref()?.path);
  });

  it('AK9 fails at its deadline, not before', async () => {
    const { clock, system } = testSystem();
    const ref = system.spawn('silent', silent);
    const outcomes: string[] = [];
    for (const withinMs of [100, 200, 100]) {
      system
        .ask(ref, (replyTo: Ref<string>) => ({ replyTo }), { withinMs })
        .catch(({ code }) => outcomes.push(`${code} after ${withinMs}`));
    }
    await clock.advance(99);
    expect(outcomes).toEqual([]);
    await clock.advance(1);
    expect(outcomes).toEqual(['WEIR_ASK_TIMEOUT after 100', 'WEIR_ASK_TIMEOUT after 100']);
    await clock.advance(100);
    expect(outcomes.at(-1)).toBe('WEIR_ASK_TIMEOUT after 200');
    expect(system.counts()).toMatchObject({ timedOut: 3, queued: 0 });
    expect(clock.pending()).toBe(0);
  });

  it('AK9 works beyond 24.8 days', async () => {
    const { clock, system } = testSystem();
    const ref = system.spawn('silent', silent);
    let failed = false;
    system
      .ask(ref, (replyTo: Ref<string>) => ({ replyTo }), { withinMs: 30 * day })
      .catch(() => {
        failed = true;
      });
    await clock.advance(30 * day - 1);
    expect(failed).toBe(false);
    await clock.advance(1);
    expect(failed).toBe(true);
  });

  it('AK9 questions asked later of one limit keep their own deadlines', async () => {
    const { clock, system } = testSystem();
    const ref = system.spawn('silent', silent);
    const failedAt: number[] = [];
    const ask = (): void =>
      void system
        .ask(ref, (replyTo: Ref<string>) => ({ replyTo }), { withinMs: 100 })
        .catch(() => failedAt.push(clock.monotonic()));
    ask();
    await clock.advance(30);
    ask();
    await clock.advance(200);
    expect(failedAt).toEqual([100, 130]);
  });

  it('AK9 a late reply is a dead letter', async () => {
    const { clock, system } = testSystem();
    const letters: string[] = [];
    system.onDeadLetter(({ reason }) => letters.push(reason));
    let late: Ref<string> | undefined;
    const ref = system.spawn<Question>('slow', () => ({
      message({ replyTo }) {
        late = replyTo;
      },
    }));
    const answer = system.ask(ref, (replyTo: Ref<string>) => ({ replyTo }), { withinMs: 10 });
    const outcome = expect(answer).rejects.toMatchObject({ code: 'WEIR_ASK_TIMEOUT' });
    await clock.advance(10);
    await outcome;
    expect(late?.tell('too late')).toBe('dead');
    expect(letters).toEqual(['late-reply']);
  });

  it('AK9 says at once when the mailbox is full, or nobody is there', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<Question>('stuck', () => new Promise(() => undefined), { capacity: 1, shutdownMs: 0 });
    const ask = (): Promise<string> => system.ask(ref, (replyTo: Ref<string>) => ({ replyTo }), { withinMs: 1_000 });
    const first = ask();
    first.catch(() => undefined);
    await expect(ask()).rejects.toMatchObject({ code: 'WEIR_MAILBOX_FULL' });
    const stopped = system.stop(ref);
    await settle();
    await stopped;
    await expect(ask()).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD' });
    await system.terminate();
    await expect(first).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD' });
  });

  it('AK9 an actor may ask from its turn; messages wait meanwhile', async () => {
    const { system, settle } = testSystem();
    const target = system.spawn('echo', echo);
    const events: string[] = [];
    const asker = system.spawn<string>('asker', ({ ask }) => ({
      async message(message) {
        events.push(`${message}: ${await ask(target, (replyTo: Ref<string>) => ({ replyTo }), { withinMs: 10 })}`);
      },
    }));
    asker.tell('a');
    asker.tell('b');
    await settle();
    expect(events).toEqual(['a: /echo', 'b: /echo']);
  });
});

describe('an ask whose answerer ends', () => {
  const ask = (system: ActorSystem, ref: Ref<Question>) =>
    system.ask(ref, (replyTo: Ref<string>) => ({ replyTo }), { withinMs: 60_000 });

  it('AK9 fails at once when its question still waits in the mailbox', async () => {
    const { system, settle } = testSystem();
    const held = gate();
    const ref = system.spawn<Question>('asked', () => ({ message: () => held.opened }), { shutdownMs: 10 });
    await settle();
    const first = ask(system, ref);
    const second = ask(system, ref);
    await settle();
    const gone = system.stop(ref);
    held.open();
    await expect(second).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD', context: { path: '/asked' } });
    await gone;
    // The first one was handled: its answer may still come from elsewhere, and its deadline stands.
    expect(await Promise.race([first, Promise.resolve('open')])).toBe('open');
    expect(system.counts()).toMatchObject({ accepted: 2, handled: 1, deadLettered: 1, queued: 0 });
    await Promise.all([expect(first).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD' }), system.terminate()]);
  });

  it('AK9 fails at once when its question was stashed', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<Question>('asked', ({ stash }) => ({ message: (question) => void stash(question) }));
    const asked = ask(system, ref);
    await settle();
    await Promise.all([expect(asked).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD' }), system.stop(ref)]);
    expect(system.counts()).toMatchObject({ accepted: 2, handled: 1, deadLettered: 1, queued: 0 });
  });

  it('AK9 is answered by the next incarnation when its question waits over a restart, or in the stash', async () => {
    const { system, settle } = testSystem();
    let starts = 0;
    const ref = system.spawn<Question | 'open' | 'crash'>(
      'asked',
      ({ stash, unstashAll }) => {
        starts += 1;
        let open = false;
        return {
          message(message) {
            if (message === 'crash') throw new Error('boom');
            if (message === 'open') {
              open = true;
              unstashAll();
            } else if (open) message.replyTo.tell(`answered by ${starts}`);
            else stash(message);
          },
        };
      },
      restartAtOnce,
    );
    const asked = ask(system, ref);
    await settle();
    ref.tell('crash');
    await settle();
    ref.tell('open');
    expect(await asked).toBe('answered by 2');
  });

  it('AK9 fails at once when it was asked of one incarnation that is over', async () => {
    const { system, settle } = testSystem();
    const held = gate();
    const selves: Ref<Question | 'crash'>[] = [];
    const ref = system.spawn<Question | 'crash'>(
      'asked',
      ({ self }) => {
        selves.push(self);
        return {
          async message(message) {
            if (message !== 'crash') return;
            await held.opened;
            throw new Error('boom');
          },
        };
      },
      restartAtOnce,
    );
    ref.tell('crash');
    await settle();
    const [self = ref] = selves;
    const waiting = ask(system, self);
    await settle();
    held.open();
    await expect(waiting).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD' });
    await expect(ask(system, self)).rejects.toMatchObject({ code: 'WEIR_ACTOR_DEAD' });
  });

  it('AK9 a question that nobody waits for any more is handled all the same', async () => {
    const { clock, system, settle } = testSystem();
    const handled: string[] = [];
    const ref = system.spawn<Question>('asked', () => ({
      message: ({ replyTo }) => void handled.push(replyTo.tell('late')),
    }));
    await settle();
    system.steer.suspend('/asked');
    const asked = ask(system, ref);
    const failed = expect(asked).rejects.toMatchObject({ code: 'WEIR_ASK_TIMEOUT' });
    await clock.advance(60_000);
    await failed;
    system.steer.resume('/asked');
    await settle();
    expect(handled).toEqual(['dead']);
  });
});
