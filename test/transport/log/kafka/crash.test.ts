/** Flows over sessions on the Kafka driver and the model of a broker: crashed, cut off and moved at random. */
import { describe, expect, it } from 'vitest';
import { type Clock, seededRandom } from '../../../../src/ports/index.ts';
import { type TestNodeSettings, virtualClock } from '../../../../src/testing/index.ts';
import { testNodeOn } from '../../../../src/testing/test-node.ts';
import { settledWithin } from '../../../../src/testing/until.ts';
import { type KafkaModelCluster, kafkaModelCluster } from '../../../../src/transport/log/index.ts';
import type { Node } from '../../../../src/worker/index.ts';
import { verified } from '../../../actors/flow/audited.ts';
import { account, tradingFlows } from '../../../actors/flow/trading.ts';

const orders = 6;
const shards = 3;

interface Storm extends Partial<TestNodeSettings> {
  /** Odds that a commit or an append loses its answer. */
  readonly lostAcks?: number;
  /** What happens to the brokers between two orders. */
  readonly brokers?: (broker: KafkaModelCluster['broker'], random: () => number, clock: Clock) => void;
}

/** Runs `orders` trades through a storm and checks what must hold whatever happened. */
async function survive(seed: number, { lostAcks = 0, brokers, ...settings }: Storm = {}): Promise<number> {
  const { buy, sell, effects } = tradingFlows();
  const random = seededRandom(seed);
  const clock = virtualClock();
  let cluster: KafkaModelCluster | undefined;
  let crashesLeft = 1 + Math.floor(random.next() * 8);
  let calm = false;
  const odds = 0.01 + random.next() * 0.1;
  const workers = settings.workers ?? 1;
  const drive = async <T>(promise: Promise<T>): Promise<T | undefined> =>
    (await settledWithin(clock, '1 hour', promise))?.value;
  const fate = () => (!calm && random.next() < lostAcks ? 'lost-ack' : 'ok');
  const kit = await drive(
    testNodeOn(
      {
        members: { BUYER: { flows: [buy], actors: [account] }, SELLER: { flows: [sell], actors: [account] } },
        shards,
        seed,
        logFaults: { commit: fate, append: fate },
        crashAt: (point) => {
          if (!point.startsWith('commit') || crashesLeft === 0 || random.next() > odds) return false;
          crashesLeft--;
          return true;
        },
        ...settings,
      },
      {
        clock,
        cluster: (setup) => {
          cluster = kafkaModelCluster(setup);
          return cluster;
        },
      },
    ),
  );
  if (kit === undefined || cluster === undefined) throw new Error('the node has not started');
  const { broker } = cluster;

  const revive = async (): Promise<void> => {
    const down = (): number => Array.from({ length: workers }, (_, worker) => kit.isDown(worker)).indexOf(true);
    for (let worker = down(); worker >= 0; worker = down()) await drive(kit.restart(worker)).catch(() => undefined);
  };
  const disturb = async (): Promise<void> => {
    brokers?.(broker, () => random.next(), clock);
    const target = Math.floor(random.next() * workers);
    if (workers === 1 || random.next() < 0.5 || kit.isDown(target)) return;
    const moving = kit
      .move(Math.floor(random.next() * shards), target, { rude: random.next() < 0.5 })
      .catch(() => undefined);
    await settledWithin(clock, '20 s', moving);
  };
  /** What the node of a worker answers, unless the worker dies meanwhile. */
  const ask = async <T>(worker: number, question: (node: Node) => Promise<T>): Promise<T | undefined> => {
    if (kit.isDown(worker)) return undefined;
    const gone = kit.crashed(worker).then(() => undefined);
    const answer = question(kit.node(worker)).catch(() => undefined);
    return (await settledWithin(clock, '2 min', Promise.race([answer, gone])))?.value;
  };
  const accepted = new Map<string, string>();
  for (let i = 0; i < orders; i++) {
    const id = `order-${i}`;
    while (!accepted.has(id)) {
      await revive();
      await disturb();
      await revive();
      const order = { seller: 'SELLER', item: id, price: 10n };
      const worker = Math.floor(random.next() * workers);
      const handle = await ask(worker, (node) => node.start('BUYER', buy, order, { clientRequestId: id }));
      if (handle !== undefined) accepted.set(id, handle.flowId);
    }
  }
  for (let round = 0; round < 200; round++) {
    await revive();
    await disturb();
    await kit.advance('10 min');
    const page = await ask(0, (node) => node.list());
    if (page?.flows.length === 2 * orders && page.flows.every(({ status }) => status !== 'RUNNING')) break;
  }
  crashesLeft = 0;
  calm = true;
  await revive();
  await kit.advance('10 min');
  for (let partition = 0; workers > 1 && partition < shards; partition++) await drive(kit.move(partition, 0));
  await kit.advance('1 min');

  const node = kit.node();
  for (const [id, flowId] of accepted) {
    expect(await node.get({ member: { name: 'BUYER', group: 'default' }, clientRequestId: id })).toMatchObject({
      flowId,
      status: 'COMPLETED',
    });
  }
  const sold = await node.list({ flow: 'sell' });
  expect(sold.flows.map(({ status, result }) => `${status} ${String(result)}`)).toEqual(
    Array(orders).fill('COMPLETED thanks'),
  );
  const total = BigInt(orders) * 10n;
  expect(await drive(node.ask('BUYER', account, 'cash', 'read', null))).toEqual({ balance: total, movements: orders });
  expect(await drive(node.ask('SELLER', account, 'sales', 'read', null))).toEqual({
    balance: total,
    movements: orders,
  });
  expect(effects.bodies.size).toBe(3 * orders);
  // Every start and every end once, whatever the brokers gave twice or late.
  const answered = async <T>(promise: Promise<T>): Promise<T> => {
    const answer = await settledWithin(clock, '1 hour', promise);
    if (answer === undefined) throw new Error('nobody answered');
    return answer.value;
  };
  const done = (await verified(node, answered)).map(({ act, flow }) => `${act} ${flow}`).sort();
  const each = (words: string): string[] => Array(orders).fill(words);
  expect(done).toEqual([...each('end buy'), ...each('end sell'), ...each('start buy'), ...each('start sell')]);
  const { crashes } = kit;
  await drive(kit.stop());
  return crashes;
}

const topics = ['weir.flow.state', 'weir.flow.events', 'weir.flow.status', 'weir.flow.audit'];

/** One thing at a time: a leader changes, brokers restart, ids are forgotten, a partition is compacted. */
function unrest(broker: KafkaModelCluster['broker'], random: () => number, clock: Clock): void {
  const topic = topics[Math.floor(random() * topics.length)] ?? '';
  const partition = Math.floor(random() * shards);
  const id = `weir.flow.state-${partition}`;
  const acts = [
    () => broker.changeLeader(topic, partition),
    () => {
      broker.changeLeader(topic, partition, { unaware: true });
      clock.after(5_000, () => broker.settleLeader(topic, partition));
    },
    () => broker.restart(),
    () => broker.compact(topic, partition),
    () => broker.expireTransactionalId(id),
    () => broker.exhaustTransactionalId(id),
  ];
  acts[Math.floor(random() * acts.length)]?.();
}

const seeds = Array.from({ length: 10 }, (_, i) => i + 1);

describe('two flows over a session on Kafka, crashed at random commits', () => {
  let crashes = 0;
  it.each(seeds)('FE2 WK2 every effect happens once (seed %i)', async (seed) => {
    crashes += await survive(seed);
  });

  it('was crashed often enough to mean something', () => {
    expect(crashes).toBeGreaterThan(2 * seeds.length);
  });

  it.each(seeds)('WK2 the same while answers of brokers are lost (seed %i)', async (seed) => {
    await survive(seed, { lostAcks: 0.1 });
  });

  it.each(seeds)('WK18 the same with every message through the log (seed %i)', async (seed) => {
    await survive(seed, { forceLogRoute: true });
  });

  it.each(seeds)('WK18 W1 the same with two workers between which shards move (seed %i)', async (seed) => {
    await survive(seed, { workers: 2 });
  });

  it.each(seeds)(
    'WK5 WK6 the same while leaders change, logs are compacted and producer ids rotate (seed %i)',
    async (seed) => {
      await survive(seed, { workers: 2, lostAcks: 0.05, brokers: unrest });
    },
  );
});
