import { describe, expect, it } from 'vitest';
import type { Behavior, Ref } from '../../../src/actors/kernel/index.ts';
import { testSystem } from './support.ts';

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
