/** What `/metrics` shows of a worker that runs flows, read as Prometheus reads it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { flow, type StartedNode, type StartNodeSettings, silentLogger, startNode } from '../../../src/index.ts';
import { systemClock, systemRandom } from '../../../src/ports/index.ts';
import { openKafkaLog } from '../../../src/transport/log/index.ts';
import { describeKafka } from '../../rig/describe-kafka.ts';

const wait = flow('wait', {
  version: 1,
  states: { start: z.null() },
  signals: { go: z.null() },
  stages: {
    *start(_, { step, signal }) {
      yield* step('one', async () => 1);
      yield* step('two', () => 2);
      yield* signal('go');
    },
  },
});

function start(more: Partial<StartNodeSettings>): Promise<StartedNode> {
  const data = mkdtempSync(join(tmpdir(), 'weir-figures-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  return startNode({ members: { ACME: { flows: [wait] } }, data, logger: silentLogger, ...more }).then((node) => {
    onTestFinished(() => node.stop());
    return node;
  });
}

/** The page as a map: `name{label="value"}` to its value. */
async function scrape({ url }: StartedNode): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('figures of a worker', () => {
  it('MO5 tell of commits, steps, replays, repeats and the process, and of no flow by name', async () => {
    const node = await start({ shards: 1, maxHotFlows: 1, http: { port: 0 } });
    const ids = ['a', 'b', 'c'];
    for (const clientRequestId of ids) await node.start('ACME', wait, null, { clientRequestId });
    const [first = ''] = ids;
    const again = await node.start('ACME', wait, null, { clientRequestId: first });
    for (const clientRequestId of ids) {
      const name = { member: { name: 'ACME', group: 'default' }, clientRequestId };
      await expect.poll(async () => (await node.describe(name)).waitingOn?.what).toBe('signal');
      await node.signal(wait, name, 'go', null);
      await node.settled(name);
    }
    const page = await scrape(node);
    const of = (name: string): number => page.get(name) ?? Number.NaN;
    expect(of('weir_step_seconds_count')).toBe(6);
    expect(of('weir_dedupe_hits_total{of="start"}')).toBe(1);
    expect(of('weir_dedupe_hits_total{of="message"}')).toBe(0);
    // Each flow makes three commits that wait for one another.
    expect(of('weir_commit_seconds_count')).toBeGreaterThanOrEqual(9);
    expect(of('weir_commit_seconds_sum')).toBeGreaterThan(0);
    // One generator is kept: those that were put away are rebuilt.
    expect(of('weir_replay_seconds_count')).toBeGreaterThanOrEqual(2);
    expect(of('weir_shard_takeover_seconds_count')).toBe(1);
    expect(of('weir_shard_restore_seconds_count')).toBe(1);
    expect(of('weir_shards{phase="running"}')).toBe(1);
    expect([of('weir_ready'), of('weir_log_stalled'), of('weir_mailbox_messages')]).toEqual([1, 0, 0]);
    expect(of('process_cpu_seconds_total')).toBeGreaterThan(0.1);
    expect(of('process_resident_memory_bytes')).toBeGreaterThan(2 ** 24);
    const text = [...page.keys()].join();
    for (const secret of [again.flowId, 'ACME', first.padStart(3, '"'), wait.name.padStart(5, '"')]) {
      expect(text).not.toContain(secret);
    }
  });
});

describeKafka('figures of a worker on a real broker', {}, (kafka) => {
  it('MO5 DP4 a worker without clients shows them elsewhere: claims, lag, rebalances, and shards that it has lost', async () => {
    const connection = { brokers: kafka().brokers, prefix: 'figures.', replication: 1, minInsyncReplicas: 1 };
    const flows = await start({
      ...{ roles: ['flow'], shards: 2, monitoring: { port: 0 } },
      kafka: { ...connection, worker: 'flows' },
    });
    const before = await scrape(flows);
    expect(before.get('weir_shard_claim_seconds_count')).toBe(2);
    expect(before.get('weir_shard_takeover_seconds_count')).toBe(2);
    expect(before.get('weir_rebalances_total')).toBeGreaterThanOrEqual(1);
    expect(before.get('weir_shards_fenced_total')).toBe(0);
    // As old as the heartbeat that measures it, every two seconds.
    const lag = async () => (await scrape(flows)).get('weir_shard_lag_records{shard="1"}');
    await expect.poll(lag, { timeout: 20_000 }).toBe(0);
    // Clients are refused where there are none.
    expect((await fetch(`${flows.url}/api/v1/flows`)).status).toBe(404);
    expect((await fetch(`${flows.url}/health/ready`)).status).toBe(200);

    const ports = { clock: systemClock(), random: systemRandom(), logger: silentLogger };
    const other = await openKafkaLog({ ...connection, ...ports, worker: 'other' });
    onTestFinished(() => other.close());
    await other.topics();
    await (await other.claim({ topic: 'flow.state', partition: 0 })).release();
    const clients = await start({ roles: ['rpc'], http: { port: 0 }, kafka: { ...connection, worker: 'clients' } });
    // A commit of each shard: one of them finds out that it is not its own any more, and is claimed again.
    for (let n = 0; n < 8; n++) await clients.start('ACME', wait, null);
    const after = await scrape(flows);
    expect(after.get('weir_shards_fenced_total')).toBe(1);
    expect(after.get('weir_shard_claim_seconds_count')).toBe(3);
    expect(after.get('weir_rebalances_total')).toBeGreaterThan(before.get('weir_rebalances_total') ?? 0);
  }, 120_000);
});
