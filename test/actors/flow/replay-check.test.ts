/** The continuous replay check: mistakes of determinism show in the first test, with both lines of code. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type FlowContext, flow, type Operation } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { nodeOf, type Script, scripted } from './scripts.ts';

let kit: TestNode;
afterEach(() => kit.stop());

/** Runs a script for a day of its time; nothing is restarted. */
async function runOf(script: Script, settings: { readonly replayCheck?: boolean } = {}) {
  const trying = scripted('trying', script);
  kit = await nodeOf([trying], settings);
  const handle = await kit.node().start('A', trying, null);
  await kit.advance('1 day');
  return { ...(await handle.view()), name: { flowId: handle.flowId } };
}

let shared = 0;

describe('a mistake of determinism', () => {
  it.each<[string, () => Script, RegExp]>([
    [
      'chance in a label',
      () =>
        function* ({ step, sleep }) {
          yield* step(`draw ${Math.random()}`, () => 1);
          yield* sleep('1 hour');
        },
      /operation 0: step "draw 0\.\d+", at \S+replay-check\.test\.ts:\d+:\d+ where step "draw 0\.\d+", at \S+:\d+:\d+ was/,
    ],
    [
      'a time that goes on, on the path',
      () => {
        let now = Date.now();
        return function* ({ sleep }) {
          yield* sleep(now++ % 2 === 0 ? '1 hour' : '2 hours');
        };
      },
      /operation 0: sleep "[12] hours?", at \S+:\d+:\d+ where sleep "[12] hours?", at \S+:\d+:\d+ was recorded/,
    ],
    [
      'a closure over state that changes',
      () => {
        let runs = 0;
        return function* ({ step, sleep }) {
          runs += 1;
          if (runs > 1) yield* step('again', () => 1);
          yield* sleep('1 hour');
        };
      },
      /operation 0: step "again", at \S+:\d+:\d+ where sleep "1 hour", at \S+:\d+:\d+ was recorded/,
    ],
    [
      'a variable of the module',
      () =>
        function* ({ step, sleep }) {
          yield* step('first', () => 1);
          shared += 1;
          yield* step(`number ${shared}`, () => 1);
          yield* sleep('1 hour');
        },
      /operation 1: step "number \d+", at \S+ where step "number \d+", at \S+ was recorded/,
    ],
    [
      'what a step leaves behind in a variable',
      () =>
        function* ({ step, sleep }) {
          let total = 0;
          yield* step('add', () => {
            total = 5;
          });
          if (total > 0) yield* step('book', () => 1);
          yield* sleep('1 hour');
        },
      /operation 1: sleep "1 hour", at \S+ where step "book", at \S+ was recorded/,
    ],
    [
      'what was awaited in a step, and not recorded',
      () =>
        function* ({ step, sleep }) {
          let rate = 0;
          yield* step('load', () => {
            void Promise.resolve(7).then((loaded) => {
              rate = loaded;
            });
          });
          yield* sleep('1 min');
          if (rate === 7) yield* sleep('1 hour');
        },
      /operation 2: the end of the stage where sleep "1 hour", at \S+ was recorded/,
    ],
    [
      'an error that only a replay meets',
      () => {
        let open = true;
        return function* ({ sleep }) {
          if (!open) throw new Error('closed already');
          open = false;
          yield* sleep('1 hour');
        };
      },
      /operation 0: the error "closed already" where sleep "1 hour", at \S+ was recorded/,
    ],
    [
      'another result',
      () =>
        function* ({ sleep }) {
          yield* sleep('1 min');
          return Math.random();
        },
      /operation 1: the end of the stage, with another outcome, where the end of the stage was recorded/,
    ],
    [
      'a branch that is not always there',
      () => {
        let runs = 0;
        return function* ({ all, sleep, step }) {
          runs += 1;
          const branches = runs > 1 ? [sleep('1 hour')] : [sleep('1 hour'), step('beside', () => 1)];
          yield* all(branches as Operation<unknown>[]);
        };
      },
      /operation 1: nothing but waiting where step "beside", at \S+ was recorded/,
    ],
  ])('FE2 is found at the first suspension, with both places: %s', async (_what, make, message) => {
    const { status, error } = await runOf(make());
    expect([status, error?.code]).toEqual(['STUCK', 'WEIR_FLOW_DIVERGED']);
    expect(error?.message).toMatch(message);
    expect(error?.remedy).toContain('take time, randomness and effects from the context');
  });

  it('FE2 is not looked for in production', async () => {
    let runs = 0;
    const script: Script = function* ({ step, sleep }) {
      runs += 1;
      yield* step(`run ${runs}`, () => 1);
      yield* sleep('1 hour');
      return runs;
    };
    expect(await runOf(script, { replayCheck: false })).toMatchObject({ status: 'COMPLETED', result: 1 });
  });

  it('FE2 W3 has no effect: what was asked for in the same advance never happens', async () => {
    const bodies: string[] = [];
    let runs = 0;
    const { status } = await runOf(function* ({ step }) {
      runs += 1;
      yield* step(`run ${runs}`, () => bodies.push('ran'));
    });
    expect([status, bodies]).toEqual(['STUCK', []]);
  });

  it('FE2 in a message is found before its receiver has read it twice', async () => {
    const { protocol } = await import('../../../src/index.ts');
    const talk = protocol('talk', { version: 1, initiator: { say: z.number() }, responder: {} });
    const hearing = flow('hearing', {
      version: 1,
      responds: talk,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { initiator }) {
          yield* initiator.receive();
        },
      },
    });
    const saying = scripted('saying', function* ({ session, sleep }) {
      const peer = yield* session('A', talk);
      yield* peer.send('say', Math.random());
      yield* sleep('1 hour');
    });
    kit = await testNode({ members: { A: { flows: [hearing, saying] } }, shards: 1 });
    const handle = await kit.node().start('A', saying, null);
    await kit.advance('1 min');
    const { error } = await handle.view();
    expect(error?.message).toMatch(/operation 1: send ".* say", at \S+ with other contents where send ".* say", at /);
  });
});

describe('code that does the same every time', () => {
  /** A stage of many steps: how often its code has begun is how often it was replayed. */
  const long = (steps: number, begun: () => void) =>
    flow('long', {
      version: 1,
      result: z.int(),
      states: { start: z.null() },
      stages: {
        *start(_input, { step, sleep, log }: FlowContext) {
          begun();
          log.info({}, 'begun');
          let sum = 0;
          for (let number = 0; number < steps; number++) sum += yield* step(`step ${number}`, () => number);
          yield* sleep('1 min');
          log.info({}, 'ended');
          return sum;
        },
      },
    });

  it.each([
    [20, 23],
    [2_000, 90],
  ])(
    'FE2 is replayed at growing intervals: %i steps, at most %i times; its log is not doubled',
    async (steps, most) => {
      let begun = 0;
      const counted = long(steps, () => {
        begun += 1;
      });
      kit = await testNode({ members: { A: { flows: [counted] } }, shards: 1 });
      const handle = await kit.node().start('A', counted, null);
      await kit.advance('1 hour');
      expect(await handle.view()).toMatchObject({ status: 'COMPLETED', result: (steps * (steps - 1)) / 2 });
      expect(begun).toBeGreaterThan(10);
      expect(begun).toBeLessThanOrEqual(most);
      const own = kit.log.lines.filter(({ fields }) => 'flowId' in fields).map(({ message }) => message);
      expect(own).toEqual(['begun', 'ended']);
    },
  );
});
