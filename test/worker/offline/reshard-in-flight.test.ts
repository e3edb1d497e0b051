/**
 * Nodes that die with messages between their shards under way, and are given another number of shards before they start
 * again: every payment is booked once.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { type AuditRecord, auditRecord, chainStart, entryHash } from '../../../src/persistence/index.ts';
import { seededRandom, silentLogger, systemRandom } from '../../../src/ports/index.ts';
import { openEmbeddedLog } from '../../../src/transport/log/index.ts';
import { loopbackTransport } from '../../../src/transport/peer/index.ts';
import { createNode, type Node, openOffline, reshardLog } from '../../../src/worker/index.ts';
import { account, tradingFlows } from '../../actors/flow/trading.ts';
import { temporaryDirectory } from '../../transport/log/support/directory.ts';
import { clock } from './support.ts';

const { buy, sell } = tradingFlows(undefined, '1 ms');
const random = systemRandom();
const trades = 40;
const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Runs a node until its shards have made so many commits, when it dies; or to the end. */
async function run<T>(data: string, shards: number | undefined, commits: number, use: (node: Node) => Promise<T>) {
  const log = await openEmbeddedLog({ directory: data, clock, logger: silentLogger, reserveBytes: 0 });
  let died: () => void = () => undefined;
  const death = new Promise<undefined>((resolve) => {
    died = () => resolve(undefined);
  });
  let left = commits;
  const node = await createNode(
    {
      members: { BUYER: { flows: [buy], actors: [account] }, SELLER: { flows: [sell], actors: [account] } },
      ...(shards === undefined ? {} : { shards }),
      // The test ends its workers, and no flow does.
      deathsAlone: 1_000,
    },
    { log, clock, random, logger: silentLogger, peer: loopbackTransport({ clock, random }) },
    () => [],
    {
      // Everything between shards goes through the log, so that it is there when the node dies.
      forceLogRoute: true,
      crashPoint: (point) => {
        if (point === 'commit.after') left -= 1;
        if (left === 0) died();
      },
    },
  );
  void death.then(() => node.internals.abandon());
  const used = use(node);
  used.catch(() => undefined);
  const outcome = await Promise.race([used.then((value) => ({ value })), death]);
  if (outcome !== undefined) await node.stop();
  else await log.close();
  return outcome;
}

/** Starts every trade, or finds it again, and waits for its end. */
async function trade(node: Node): Promise<void> {
  await Promise.all(
    Array.from({ length: trades }, async (_, n) => {
      const order = { seller: 'SELLER', item: `item-${n}`, price: 7n };
      const handle = await node.start('BUYER', buy, order, { clientRequestId: `trade-${n}` });
      await handle.result();
    }),
  );
}

/** Checks every chain of the audit from its first entry on; answers how many entries there are. */
async function auditEntries(data: string): Promise<number> {
  const log = await openOffline({ configuration: { data, kafka: undefined }, clock, logger: silentLogger });
  const chains = new Map<number, AuditRecord[]>();
  for (
    let partition = 0;
    partition < (log.topics.find(({ name }) => name === 'flow.audit')?.partitions ?? 0);
    partition++
  ) {
    for await (const chunk of log.records('flow.audit', partition)) {
      for (const { key, value } of chunk) {
        if (value === null || key.endsWith('/anchor')) continue;
        const chain = Number.parseInt(key, 10);
        chains.set(chain, [...(chains.get(chain) ?? []), auditRecord.decode(value)]);
      }
    }
  }
  await log.close();
  for (const [chain, entries] of chains) {
    let before: AuditRecord | undefined;
    for (const entry of entries) {
      expect(entry.number).toBe((before?.number ?? 0) + 1);
      expect(entry.previous).toEqual(before?.hash ?? chainStart.hash);
      expect(entry.hash).toEqual(entryHash(chain, entry));
      before = entry;
    }
  }
  return [...chains.values()].reduce((sum, { length }) => sum + length, 0);
}

describe('another number of shards, with messages under way', () => {
  it.each([1, 2])('WK20 W4 every payment is booked once (seed %i)', async (seed) => {
    const draw = seededRandom(seed);
    const { path: data, remove } = await temporaryDirectory();
    closing.push(remove);
    const below = (most: number): number => Math.floor(draw.next() * most);
    let shards: number | undefined = 1 + below(6);
    let deaths = 0;
    for (let round = 0; round < 8; round += 1) {
      const outcome = await run(data, shards, 2 + below(25), trade);
      if (outcome === undefined) deaths += 1;
      shards = undefined;
      const offline = await openOffline({ configuration: { data, kafka: undefined }, clock, logger: silentLogger });
      await reshardLog(offline, 1 + below(8), clock);
      await offline.close();
    }
    expect(deaths).toBeGreaterThanOrEqual(2);
    const outcome = await run(data, undefined, Number.POSITIVE_INFINITY, async (node) => {
      await trade(node);
      const { flows } = await node.list({ limit: 1_000 });
      for (const { flowId } of flows) await node.settled({ flowId });
      return {
        cash: await node.ask('BUYER', account, 'cash', 'read', null),
        sales: await node.ask('SELLER', account, 'sales', 'read', null),
        flows: (await node.list({ limit: 1_000 })).flows.map(({ flow, status }) => `${flow} ${status}`),
      };
    });
    const all = { balance: BigInt(7 * trades), movements: trades };
    expect(outcome?.value).toMatchObject({ cash: all, sales: all });
    expect(outcome?.value.flows.filter((flow) => flow === 'buy COMPLETED')).toHaveLength(trades);
    expect(new Set(outcome?.value.flows)).toEqual(new Set(['buy COMPLETED', 'sell COMPLETED']));
    // Chains of shards that were no more for a while go on where they were.
    expect(await auditEntries(data)).toBe(2 * (outcome?.value.flows.length ?? 0));
  });
});
