/**
 * One worker of the Kafka bench, in a process of its own: does what it is told, one thing at a time, and tells when it is
 * done. Its clients are in the same process; what they start may belong to a shard of any worker.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { clientRoutingKey } from '../src/actors/flow/protocol.ts';
import { partitionOf } from '../src/actors/shard/index.ts';
import { flow, silentLogger } from '../src/index.ts';
import { startWorker } from '../src/worker/start-node.ts';
import { tell } from './child.ts';
import type { WorkerAnswer, WorkerOrder } from './kafka-cluster.ts';
import { load } from './load.ts';
import { hundredBytes, threeStep } from './three-step.ts';

const [, , brokers = '', replicas = '1', prefix = '', worker = '', shards = '8', data = ''] = process.argv;
const member = { name: 'BENCH', group: 'default' };
const sleeper = flow('sleeper', {
  version: 1,
  states: { start: z.object({ data: z.string() }) },
  stages: {
    *start(_, { sleep }) {
      yield* sleep('7 days');
    },
  },
});

// A worker whose bench has died must not stay.
process.on('disconnect', () => process.exit(1));
let changed: () => void = () => undefined;
const node = await startWorker(
  {
    members: { BENCH: { flows: [threeStep, sleeper] } },
    ...{ data, shards: Number(shards), logger: silentLogger, http: { port: 0 } },
    kafka: {
      ...{ brokers: brokers.split(','), prefix, worker },
      ...{ replication: Number(replicas), minInsyncReplicas: Math.min(2, Number(replicas)) },
    },
    onMemberId: (group, memberId) => tell({ type: 'member', group, memberId }),
  },
  ({ onChange }) => {
    onChange(() => changed());
    return [];
  },
);
tell({ type: 'ready', url: node.url ?? '' } satisfies WorkerAnswer);

process.on('message', (order: WorkerOrder) => {
  act(order).then(tell, (error: unknown) => {
    process.stderr.write(`${worker}: ${String(error)}\n`);
    process.exit(1);
  });
});

async function act(order: WorkerOrder): Promise<WorkerAnswer> {
  switch (order.type) {
    case 'load':
      return { type: 'loaded', ...(await load(order.flows, order.inFlight, oneFlow)) };
    case 'suspend':
      await load(order.flows, 200, async () => void (await node.start('BENCH', sleeper, hundredBytes)));
      return { type: 'done' };
    case 'own':
      await owned(order.shards);
      return { type: 'done' };
    case 'probe':
      return { type: 'probed', longestMs: await probe(order.shard, order.ms) };
    case 'idle': {
      // What it did before leaves garbage, which V8 goes on collecting for some seconds after it has nothing to do.
      globalThis.gc?.();
      await pause(order.settleMs);
      const before = process.cpuUsage();
      await pause(order.ms);
      const { user, system } = process.cpuUsage(before);
      return { type: 'idled', cpu: (user + system) / 1_000 / order.ms };
    }
    case 'stop':
      await node.stop();
      process.disconnect();
      return { type: 'done' };
  }
}

async function oneFlow(): Promise<void> {
  await (await node.start('BENCH', threeStep, hundredBytes)).result();
}

/** Resolves when so many shards run here, and no other is on its way. */
function owned(count: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      const { shards: here } = node.status();
      if (here.length === count && here.every(({ phase }) => phase === 'running')) resolve();
    };
    changed = look;
    look();
  });
}

/** Runs flows of one shard, one after the other, for `ms`: the longest that any of them took. */
async function probe(shard: number, ms: number): Promise<number> {
  const until = performance.now() + ms;
  let longestMs = 0;
  for (let n = 0; performance.now() < until; n++) {
    const clientRequestId = `${worker}-${process.pid}-${until}-${n}`;
    if (partitionOf(clientRoutingKey(member, clientRequestId), Number(shards)) !== shard) continue;
    const at = performance.now();
    await (await node.start('BENCH', threeStep, hundredBytes, { clientRequestId })).result();
    longestMs = Math.max(longestMs, performance.now() - at);
  }
  return longestMs;
}
