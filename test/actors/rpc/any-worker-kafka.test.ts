/** Three workers on a real broker: whoever is asked, the answer is that of the worker with the shard. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { flow, type StartedNode, silentLogger, startNode, WeirError } from '../../../src/index.ts';
import { describeKafka } from '../../rig/describe-kafka.ts';
import { till } from './till.ts';

const wait = flow('wait', {
  version: 1,
  states: { start: z.null() },
  result: z.string(),
  signals: { go: z.string() },
  stages: {
    *start(_, { signal }) {
      return (yield* signal('go')).body;
    },
  },
});

const keys = Array.from({ length: 12 }, (_, n) => `till-${n}`);

describeKafka('three workers that are asked for one another', { brokers: 1 }, (kafka) => {
  const worker = async (name: string): Promise<StartedNode> => {
    const data = mkdtempSync(join(tmpdir(), 'weir-any-worker-'));
    const node = await startNode({
      members: { A: { flows: [wait], actors: [till] } },
      ...{ data, shards: 6, logger: silentLogger },
      kafka: { brokers: kafka().brokers, prefix: 'any.', worker: name, replication: 1, minInsyncReplicas: 1 },
    });
    onTestFinished(async () => {
      await node.stop();
      rmSync(data, { recursive: true, force: true });
    });
    return node;
  };

  it('RP9 WK9 answers at any of them, and counts each act once while shards move from one to another', async () => {
    const nodes = await Promise.all(['one', 'two', 'three'].map(worker));
    const [one, , three] = nodes;
    if (one === undefined || three === undefined) throw new Error('three workers were started');

    // Whoever was told "accepted" asks at once, and anywhere.
    const started = await Promise.all(
      keys.map(async (clientRequestId) => {
        const { flowId } = await one.start('A', wait, null, { clientRequestId });
        const described = await Promise.all(nodes.map((node) => node.describe({ flowId })));
        expect(described.map(({ waitingOn }) => waitingOn?.label)).toEqual(['go', 'go', 'go']);
        return { flowId };
      }),
    );
    const latencies: number[] = [];
    const add = async (node: StartedNode, key: string): Promise<void> => {
      const before = performance.now();
      await node.ask('A', till, key, 'add', 1);
      latencies.push(performance.now() - before);
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all(nodes.flatMap((node) => keys.map((key) => add(node, key))));
    }
    latencies.sort((a, b) => a - b);
    const [p50, p99] = [0.5, 0.99].map((part) => latencies[Math.floor(part * latencies.length)]?.toFixed(1));
    console.log(`asks at any of three workers: ${latencies.length}, p50 ${p50} ms, p99 ${p99} ms`);

    // One of them leaves under load: what was asked of its shards goes after them.
    const unknown: string[] = [];
    const asking = Promise.all(
      Array.from({ length: 20 }, async () => {
        for (const key of keys) {
          await add(one, key).catch((error: unknown) => {
            if (!WeirError.is(error)) throw error;
            unknown.push(error.code);
          });
        }
      }),
    );
    await three.stop();
    await asking;
    expect(unknown).toEqual([]);
    for (const key of keys) expect(await one.ask('A', till, key, 'read', null)).toBe(30 + 20);

    for (const { flowId } of started) {
      expect(await one.signal(wait, { flowId }, 'go', 'gone')).toEqual({ accepted: true });
      expect(await one.settled({ flowId })).toMatchObject({ status: 'COMPLETED', result: 'gone' });
    }
  }, 120_000);
});
