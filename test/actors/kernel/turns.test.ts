import { describe, expect, it } from 'vitest';
import type { Ref } from '../../../src/actors/kernel/index.ts';
import { escalate, gate, recorder, restartAtOnce, testSystem, turnTeller } from './support.ts';

describe('turns', () => {
  it('AK1 handles one message at a time, also when handlers are asynchronous', async () => {
    const { system, settle } = testSystem();
    const first = gate();
    const events: string[] = [];
    const ref = system.spawn('one', turnTeller(events, first));
    ref.tell('a');
    ref.tell('b');
    await settle();
    expect(events).toEqual(['a begins']);
    first.open();
    await settle();
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('AK1 keeps the order of each sender over many turns', async () => {
    const { system, settle } = testSystem();
    const received: string[] = [];
    const sink = system.spawn('sink', recorder(received));
    const senders = Array.from({ length: 40 }, (_, sender) =>
      system.spawn<number>(`sender-${sender}`, () => ({ message: (n) => void sink.tell(`${sender}:${n}`) })),
    );
    for (let n = 0; n < 100; n += 1) for (const sender of senders) sender.tell(n);
    await settle();
    for (const sender of senders.keys()) {
      const own = received.filter((message) => message.startsWith(`${sender}:`));
      expect(own).toEqual(Array.from({ length: 100 }, (_, n) => `${sender}:${n}`));
    }
  });

  it('AK1 an actor that tells itself for ever does not keep others from their turns', async () => {
    const { system } = testSystem();
    let rounds = 0;
    const greedy = system.spawn<'go'>('greedy', ({ self }) => ({
      message() {
        rounds += 1;
        if (rounds < 1_000) self.tell('go');
      },
    }));
    const seenAt = new Promise<number>((resolve) => {
      const other = system.spawn<'go'>('other', () => ({ message: () => resolve(rounds) }));
      greedy.tell('go');
      other.tell('go');
    });
    expect(await seenAt).toBeLessThan(200);
  });

  it('AK1 messages wait until an asynchronous behaviour is made', async () => {
    const { system, settle } = testSystem();
    const made = gate();
    const received: string[] = [];
    const ref = system.spawn<string>('slow', async () => {
      await made.opened;
      return { message: (message) => void received.push(message) };
    });
    ref.tell('early');
    await settle();
    expect(system.tree()[0]).toMatchObject({ state: 'starting', mailbox: 1 });
    made.open();
    await settle();
    expect(received).toEqual(['early']);
  });

  it('AK1 a context may be taken apart', async () => {
    const { system, settle } = testSystem();
    const received: string[] = [];
    system.spawn<string>('parent', ({ spawn, self, startTimer }) => {
      spawn('child', recorder(received)).tell('from spawn');
      self.tell('from self');
      startTimer('t', 'from timer', 0);
      return { message: (message) => void received.push(message) };
    });
    await settle();
    expect(received.sort()).toEqual(['from self', 'from spawn', 'from timer']);
  });
});

describe('mailbox limit', () => {
  it('AK2 refuses a message beyond the capacity with an answer, and takes messages again later', async () => {
    const { system, settle } = testSystem();
    const received: number[] = [];
    const ref = system.spawn('small', recorder(received), { capacity: 2 });
    expect([ref.tell(1), ref.tell(2), ref.tell(3)]).toEqual(['accepted', 'accepted', 'full']);
    await settle();
    expect(ref.tell(4)).toBe('accepted');
    await settle();
    expect(received).toEqual([1, 2, 4]);
  });

  it('AK2 system entries are never refused and go first', async () => {
    const { system, settle } = testSystem();
    const held = gate();
    const events: string[] = [];
    const watched = system.spawn<string>('watched', () => ({ message: () => undefined }));
    const full = system.spawn<string>(
      'full',
      (context) => {
        context.watch(watched);
        return {
          async message(message) {
            if (message === 'hold') await held.opened;
            events.push(message);
          },
          signal: ({ type }) => void events.push(type),
        };
      },
      { capacity: 1 },
    );
    full.tell('hold');
    await settle();
    full.tell('queued');
    expect(full.tell('too many')).toBe('full');
    await system.stop(watched);
    held.open();
    await settle();
    expect(events).toEqual(['hold', 'terminated', 'queued']);
  });

  it('WK12 memory of a flooded actor is bounded: what is beyond the limit is refused and counted', async () => {
    const { system } = testSystem();
    const stuck = system.spawn<number>('stuck', () => new Promise(() => undefined), { capacity: 100 });
    const answers = Array.from({ length: 1_000 }, (_, n) => stuck.tell(n));
    expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(100);
    expect(system.counts()).toMatchObject({ accepted: 100, handled: 0, deadLettered: 0, queued: 100, refused: 900 });
  });

  it('AK2 the stash holds as many messages as the mailbox, and gives them back oldest first', async () => {
    const { system, settle } = testSystem();
    const handled: string[] = [];
    const answers: string[] = [];
    const ref = system.spawn<string>(
      'stashing',
      ({ stash, unstashAll }) => {
        let open = false;
        return {
          message(message) {
            if (message === 'open') {
              open = true;
              unstashAll();
            } else if (open) handled.push(message);
            else answers.push(stash(message));
          },
        };
      },
      { capacity: 2 },
    );
    for (const message of ['a', 'b', 'c']) {
      ref.tell(message);
      await settle();
    }
    ref.tell('open');
    ref.tell('d');
    await settle();
    expect(answers).toEqual(['accepted', 'accepted', 'full']);
    expect(handled).toEqual(['a', 'b', 'd']);
  });
});

describe('failures', () => {
  const thrown: readonly (readonly [string, unknown])[] = [
    ['an Error', new Error('boom')],
    ['a string', 'boom'],
    ['undefined', undefined],
    ['null', null],
  ];
  for (const [what, value] of thrown) {
    for (const how of ['thrown', 'rejected'] as const) {
      it(`AK4 ${what}, ${how}, reaches the failure policy with its cause`, async () => {
        const { system, settle } = testSystem();
        const failures: unknown[] = [];
        const ref = system.spawn<'go'>(
          'failing',
          () => ({
            message() {
              if (how === 'rejected') return Promise.reject(value);
              throw value;
            },
          }),
          {
            onFailure: ({ error }) => {
              failures.push(value instanceof Error ? error : error.cause);
              return { type: 'stop' };
            },
          },
        );
        ref.tell('go');
        await settle();
        expect(failures).toEqual([value]);
        expect(await system.terminated(ref)).toMatchObject({ type: 'failed' });
      });
    }
  }

  it('AK6 a policy that throws is a failure that escalates, with both causes', async () => {
    const { system, settle } = testSystem();
    const escalated: Error[] = [];
    system.onEscalation((_path, error) => escalated.push(error));
    const ref = system.spawn<'go'>(
      'failing',
      () => ({
        message() {
          throw new Error('first');
        },
      }),
      {
        onFailure() {
          throw new Error('second');
        },
      },
    );
    ref.tell('go');
    await settle();
    expect(escalated[0]).toMatchObject({ code: 'WEIR_POLICY_FAILED', cause: { message: 'first' } });
    expect(escalated[0]?.message).toContain('second');
  });

  it('AK6 a cause that escalates keeps its chain to the top', async () => {
    const { system, settle } = testSystem();
    const escalated: Error[] = [];
    system.onEscalation((_path, error) => escalated.push(error));
    system.spawn<never>(
      'top',
      (top) => {
        top.spawn<never>(
          'middle',
          (middle) => {
            const leaf = middle.spawn<'go'>(
              'leaf',
              () => ({ message: () => Promise.reject(new Error('root cause')) }),
              escalate,
            );
            leaf.tell('go');
            return { message: () => undefined };
          },
          escalate,
        );
        return { message: () => undefined };
      },
      escalate,
    );
    await settle();
    const chain: string[] = [];
    for (let error: unknown = escalated[0]; error instanceof Error; error = error.cause) chain.push(error.message);
    expect(chain).toEqual([
      '/top/middle failed and could not be helped',
      '/top/middle/leaf failed and could not be helped',
      'root cause',
    ]);
  });

  it('AK6 a start that always fails, restarted without limit and delay, starves nobody', async () => {
    const { system } = testSystem();
    let starts = 0;
    const failing = system.spawn<never>(
      'failing',
      () => {
        starts += 1;
        throw new Error('never');
      },
      restartAtOnce,
    );
    const answered = new Promise<void>((resolve) => {
      system.spawn<'go'>('other', () => ({ message: () => resolve() })).tell('go');
    });
    await answered;
    expect(starts).toBeGreaterThan(0);
    await system.stop(failing);
  });

  it('AK6 a failure noticed outside a turn is handled as if it had been thrown', async () => {
    const { system, settle } = testSystem();
    let fail: (error: Error) => void = () => undefined;
    const ref: Ref<never> = system.spawn<never>('outside', (context) => {
      fail = context.fail;
      return { message: () => undefined };
    });
    await settle();
    fail(new Error('connection lost'));
    await settle();
    expect(await system.terminated(ref)).toMatchObject({ type: 'failed', error: { message: 'connection lost' } });
  });
});
