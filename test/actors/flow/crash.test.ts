import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/ports/index.ts';
import { type TestNodeSettings, testNode } from '../../../src/testing/index.ts';
import { account, tradingFlows } from './trading.ts';

const orders = 6;

/** Runs `orders` trades through random crashes and checks what must hold whatever happened. */
async function surviveCrashes(seed: number, settings: Partial<TestNodeSettings> = {}): Promise<number> {
  const { buy, sell, effects } = tradingFlows();
  const random = seededRandom(seed);
  let crashesLeft = 1 + Math.floor(random.next() * 8);
  const odds = 0.01 + random.next() * 0.15;
  const workers = settings.workers ?? 1;
  const kit = await testNode({
    members: { BUYER: { flows: [buy], actors: [account] }, SELLER: { flows: [sell], actors: [account] } },
    shards: 3,
    seed,
    crashAt: (point) => {
      if (!point.startsWith('commit') || crashesLeft === 0 || random.next() > odds) return false;
      crashesLeft--;
      return true;
    },
    ...settings,
  });

  const revive = async (): Promise<void> => {
    const down = (): number => Array.from({ length: workers }, (_, worker) => kit.isDown(worker)).indexOf(true);
    // One worker may crash while another one is started again.
    for (let worker = down(); worker >= 0; worker = down()) await kit.restart(worker).catch(() => undefined);
  };
  /** With two workers, shards are moved under load, half of the times without a word to their owner. */
  const move = async (): Promise<void> => {
    const target = Math.floor(random.next() * workers);
    if (workers === 1 || random.next() < 0.5 || kit.isDown(target)) return;
    const moving = kit
      .move(Math.floor(random.next() * 3), target, { rude: random.next() < 0.5 })
      .catch(() => undefined);
    await Promise.race([moving, kit.crashed(target), kit.advance('20 s')]);
  };
  const accepted = new Map<string, string>();
  const start = async (id: string): Promise<void> => {
    while (!accepted.has(id)) {
      await revive();
      await move();
      await revive();
      const worker = Math.floor(random.next() * workers);
      const node = kit.node(worker);
      const started = node.start('BUYER', buy, { seller: 'SELLER', item: id, price: 10n }, { clientRequestId: id });
      const gone = kit.crashed(worker).then(() => undefined);
      const later = workers === 1 ? [] : [kit.advance('1 min').then(() => undefined)];
      const handle = await Promise.race([started.catch(() => undefined), gone, ...later]);
      if (handle !== undefined) accepted.set(id, handle.flowId);
    }
  };
  for (let i = 0; i < orders; i++) await start(`order-${i}`);
  for (let round = 0; round < 200; round++) {
    await revive();
    await move();
    await kit.advance('10 min');
    if (kit.isDown()) continue;
    const { flows } = await kit.node().list();
    if (flows.length === 2 * orders && flows.every(({ status }) => status !== 'RUNNING')) break;
  }
  crashesLeft = 0;
  await revive();
  await kit.advance('10 min');

  const node = kit.node();
  // From outside an actor is asked where its shard runs.
  for (let partition = 0; workers > 1 && partition < 3; partition++) await kit.move(partition, 0);
  await kit.advance('1 min');
  for (const [id, flowId] of accepted) {
    // No client that was told "accepted" ever finds its flow missing (W8).
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
  expect(await node.ask('BUYER', account, 'cash', 'read', null)).toEqual({ balance: total, movements: orders });
  expect(await node.ask('SELLER', account, 'sales', 'read', null)).toEqual({ balance: total, movements: orders });
  // A body may run again after a crash, but always as the same step.
  expect(effects.bodies.size).toBe(3 * orders);
  const { crashes } = kit;
  await kit.stop();
  return crashes;
}

const seeds = Array.from({ length: 50 }, (_, i) => i + 1);

describe('two flows over a session, crashed at random commits', () => {
  let crashes = 0;
  it.each(seeds)('FE2 WK2 every effect happens once (seed %i)', async (seed) => {
    crashes += await surviveCrashes(seed);
  });

  it('was crashed often enough to mean something', () => {
    expect(crashes).toBeGreaterThan(2 * seeds.length);
  });

  it.each(seeds.slice(0, 20))(
    'SM7 SM8 the same over a network that loses, repeats and reorders (seed %i)',
    async (seed) => {
      await surviveCrashes(seed, { peerFaults: { lose: 0.1, repeat: 0.1, reorder: 0.2 } });
    },
  );

  it.each(seeds.slice(0, 20))('WK18 the same with every message through the log (seed %i)', async (seed) => {
    await surviveCrashes(seed, { forceLogRoute: true });
  });

  it.each(seeds.slice(0, 30))('WK18 W1 the same with two workers between which shards move (seed %i)', async (seed) => {
    await surviveCrashes(seed, { workers: 2 });
  });
});
