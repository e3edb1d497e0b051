/** A scenario for tests of the simulation itself: two nodes that trade, with every fault that two nodes can meet. */
import { z } from 'zod';
import { flow } from '../../../src/index.ts';
import type { Random } from '../../../src/ports/index.ts';
import type { Invariant, Plan, Scenario, SimFault } from '../../../src/testing/index.ts';
import { account, tradingFlows } from '../../actors/flow/trading.ts';

interface Buy {
  readonly id: string;
  readonly price: number;
}

export interface TradeOptions {
  readonly orders?: number;
  readonly faults?: number;
  readonly invariants?: readonly Invariant[];
  readonly log?: 'memory' | 'kafka';
  /** Runs in the first stage of every seller. */
  readonly mischief?: () => void;
}

export function tradeScenario({
  orders = 4,
  faults = 3,
  invariants = [],
  log = 'memory',
  mischief,
}: TradeOptions = {}): Scenario<Buy> {
  return {
    name: 'trade',
    version: 1,
    about: 'two nodes trade over sessions',
    plan: (random): Plan<Buy> => ({
      nodes: ['BUYER', 'SELLER'].map((member) => ({
        name: member === 'BUYER' ? 'east' : 'west',
        members: [member],
        workers: 1,
        shards: 2,
        log,
        forceLogRoute: random.next() < 0.3,
      })),
      network: { lose: 0.05, repeat: 0.05 },
      actions: Array.from({ length: orders }, (_, index) => ({
        at: 50 + random.next() * 2_000,
        what: { id: `order-${index}`, price: 10 },
      })),
      faults: Array.from({ length: faults }, () => ({ at: random.next() * 3_000, what: drawFault(random) })),
    }),
    prepare() {
      const { buy, sell } = tradingFlows();
      const sly = flow('sly', {
        version: 1,
        result: z.null(),
        states: { start: z.null() },
        stages: {
          // biome-ignore lint/correctness/useYield: it never waits
          *start() {
            mischief?.();
            return null;
          },
        },
      });
      const flows = { BUYER: [buy, sly], SELLER: [sell, sly] };
      return {
        settings: ({ members }) => ({
          members: Object.fromEntries(
            members.map((name) => [name, { flows: name === 'BUYER' ? flows.BUYER : flows.SELLER, actors: [account] }]),
          ),
        }),
        async perform({ id, price }, world) {
          await world.clients.start('BUYER', buy, { seller: 'SELLER', item: id, price: BigInt(price) }, id);
          if (mischief !== undefined) await world.clients.start('SELLER', sly, null, `sly-${id}`);
        },
        invariants,
        describe: ({ id }) => `buy ${id}`,
      };
    },
  };
}

function drawFault(random: Random): SimFault {
  const node = random.next() < 0.5 ? 'east' : 'west';
  const worker = 0;
  const faults: readonly SimFault[] = [
    { type: 'crash', node, worker, downMs: 500 },
    { type: 'crash', node, worker, on: 'log', when: 'before', downMs: 500 },
    { type: 'crash', node, worker, on: 'log', when: 'after', downMs: 500 },
    { type: 'lost-ack', node, worker, times: 2 },
    { type: 'partition', between: ['east', 'west'], forMs: 1_000 },
    { type: 'hang', node, worker, for: 2_000 },
    { type: 'clock-skew', node, worker, by: 60_000, for: 1_000 },
  ];
  return faults[Math.floor(random.next() * faults.length)] ?? { type: 'reorder', node, worker };
}
