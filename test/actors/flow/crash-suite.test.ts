/**
 * The promises of flows and sessions, each in a scenario whose worker dies once at every commit, before it and after: a
 * run for each of these places, and all of them have to end as if nothing had happened.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FlowError, flow, protocol, TransientError } from '../../../src/index.ts';
import type { TestNode } from '../../../src/testing/index.ts';
import { type CrashScenario, crashEverywhere } from './crash-points.ts';
import { scripted } from './scripts.ts';
import { account, tradingFlows } from './trading.ts';

const counts: string[] = [];
afterAll(() => {
  console.log(`crash points, a run for each:\n${counts.join('\n')}`);
});

/** Runs the scenario at every crash point and holds all ends to the expected one. */
async function holds<T>(name: string, scenario: CrashScenario<T>, expected: T): Promise<void> {
  const runs = await crashEverywhere(scenario);
  expect(runs.expected).toEqual(expected);
  expect(runs.different).toEqual([]);
  counts.push(`${String(runs.points).padStart(4)}  ${name}`);
}

const endings = async (kit: TestNode) =>
  (await kit.node().list()).flows
    .map(({ flow: name, status, error }) => `${name} ${status}${error === undefined ? '' : ` ${error.code}`}`)
    .sort();

const once = { clientRequestId: 'one' };

describe('at every crash point', () => {
  it('FE2 FE20 SM7 a trade takes effect once: messages, steps and two persistent actors', async () => {
    let bodies = new Map<string, number>();
    const trading = () => {
      bodies = new Map();
      const { buy, sell } = tradingFlows({ bodies });
      return {
        members: { BUYER: { flows: [buy], actors: [account] }, SELLER: { flows: [sell], actors: [account] } },
        shards: 2,
      };
    };
    const { buy } = tradingFlows();
    const balance = async (kit: TestNode, member: string, key = 'cash'): Promise<string> => {
      const { balance, movements } = await kit.node().ask(member, account, key, 'read', null);
      return `${member} ${balance} in ${movements}`;
    };
    await holds(
      'FE2 FE20 SM7 a trade of two flows, three steps, two actors',
      {
        settings: trading,
        start: (kit) => kit.node().start('BUYER', buy, { seller: 'SELLER', item: 'tea', price: 10n }, once),
        outcome: async (kit) => ({
          endings: await endings(kit),
          balances: [await balance(kit, 'BUYER'), await balance(kit, 'SELLER', 'sales')],
          steps: bodies.size,
        }),
        time: '3 hours',
      },
      { endings: ['buy COMPLETED', 'sell COMPLETED'], balances: ['BUYER 10 in 1', 'SELLER 10 in 1'], steps: 3 },
    );
  });

  it('FE3 a start that is repeated gives the same flow, and its steps have one result', async () => {
    const twice = flow('twice', {
      version: 1,
      states: { start: z.number() },
      result: z.number(),
      stages: {
        *start(n, { step }) {
          return n * (yield* step('double', () => 2));
        },
      },
    });
    const ids = new Set<string>();
    await holds(
      'FE3 a start that is repeated',
      {
        settings: () => {
          ids.clear();
          return { members: { A: { flows: [twice] } } };
        },
        start: async (kit) => {
          for (let n = 0; n < 3; n++) ids.add((await kit.node().start('A', twice, 4, once)).flowId);
        },
        outcome: async (kit) => ({
          flows: (await kit.node().list()).flows.map(({ result }) => result),
          ids: ids.size,
        }),
      },
      { flows: [8], ids: 1 },
    );
  });

  it('FE6 a step that fails for a moment is tried again until it succeeds', async () => {
    const flaky = scripted(
      'flaky',
      function* ({ step }) {
        return yield* step('try', ({ attempt }) => {
          if (attempt < 3) throw new TransientError('not yet');
          return 'done';
        });
      },
      { retry: { attempts: 5, min: '1 min' } },
    );
    await holds(
      'FE6 a step that fails twice for a moment',
      {
        settings: () => ({ members: { A: { flows: [flaky] } } }),
        start: (kit) => kit.node().start('A', flaky, null, once),
        outcome: async (kit) => (await kit.node().list()).flows.map(({ status, result }) => ({ status, result })),
      },
      [{ status: 'COMPLETED', result: 'done' }],
    );
  });

  it('FE8 a flow that is STUCK stays there until an operator acts, and then goes on', async () => {
    let mended = false;
    const fragile = scripted('fragile', function* ({ step }) {
      yield* step('before', () => undefined);
      return yield* step('break', () => {
        if (!mended) throw new TypeError('a bug');
        return 'mended';
      });
    });
    await holds(
      'FE8 STUCK, and an operator’s retry',
      {
        settings: () => {
          mended = false;
          return { members: { A: { flows: [fragile] } } };
        },
        start: async (kit) => {
          const { flowId } = await kit.node().start('A', fragile, null, once);
          await kit.advance('1 min');
          mended = true;
          if ((await kit.node().get({ flowId })).status === 'STUCK') await kit.node().retry({ flowId }, 'mended');
        },
        outcome: endings,
      },
      ['fragile COMPLETED'],
    );
  });

  const greet = protocol('greet', {
    version: 1,
    initiator: { word: z.number() },
    responder: { never: z.null() },
  });
  const silent = flow('silent', {
    version: 1,
    responds: greet,
    states: { start: z.looseObject({}) },
    stages: {
      *start(_from, { sleep }) {
        yield* sleep('30 days');
      },
    },
  });

  it('FE11 a sleep and a deadline of a receive end when they are due', async () => {
    const patient = scripted('patient', function* ({ sleep, session, now }) {
      const began = yield* now();
      yield* sleep('1 hour');
      const peer = yield* session('B', greet);
      const answer = yield* peer.receive({ within: '2 hours' });
      const hours = ((yield* now()).getTime() - began.getTime()) / 3_600_000;
      return `${answer.type} after ${Math.round(hours * 10) / 10} hours`;
    });
    await holds(
      'FE11 a sleep and a deadline',
      {
        settings: () => ({ members: { A: { flows: [patient] }, B: { flows: [silent] } } }),
        start: (kit) => kit.node().start('A', patient, null, once),
        outcome: async (kit) => (await kit.node().list({ flow: 'patient' })).flows.map(({ result }) => result),
        time: '6 hours',
      },
      ['timedOut after 3 hours'],
    );
  });

  it('SM8 messages that overtake each other on the way are read in order, each once', async () => {
    let read: number[] = [];
    const talker = scripted('talker', function* ({ session }) {
      const peer = yield* session('B', greet);
      for (let n = 1; n <= 8; n++) yield* peer.send('word', n);
    });
    const listener = flow('listener', {
      version: 1,
      responds: greet,
      states: { start: z.looseObject({}) },
      result: z.array(z.number()),
      stages: {
        *start(_from, { initiator }) {
          const words: number[] = [];
          try {
            for (;;) words.push((yield* initiator.receive()).body);
          } catch (error) {
            if (!(error instanceof FlowError)) throw error;
            read = words;
            return words;
          }
        },
      },
    });
    await holds(
      'SM8 eight messages over a network that loses, repeats and reorders',
      {
        settings: () => {
          read = [];
          return {
            members: { A: { flows: [talker] }, B: { flows: [listener] } },
            shards: 2,
            peerFaults: { lose: 0.2, repeat: 0.3, reorder: 0.5 },
          };
        },
        start: (kit) => kit.node().start('A', talker, null, once),
        outcome: async (kit) => ({ endings: await endings(kit), read }),
        time: '3 hours',
      },
      { endings: ['listener COMPLETED', 'talker COMPLETED'], read: [1, 2, 3, 4, 5, 6, 7, 8] },
    );
  });
});
