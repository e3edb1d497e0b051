/**
 * The Kafka section: the three-step flow on one broker and on three, with 1, 2 and 4 workers, beside the embedded log;
 * takeovers, moves and an idle worker. `BENCH_SCALE=0.1` runs a tenth of everything, to see that it works.
 */
import { kafkaMissing } from '../test/rig/kafka-home.ts';
import { measureApart, progress } from './child.ts';
import { type Figure, figure, figures, type Section, type Target } from './figures.ts';
import type { FlowsRun } from './flows.ts';
import { type BenchCluster, type BenchWorker, withCluster } from './kafka-cluster.ts';
import { type MovesResult, measureMoves } from './kafka-moves.ts';

const scale = Number(process.env.BENCH_SCALE ?? 1);
const scaled = (count: number): number => Math.max(1, Math.round(count * scale));
const runs = 3;
const workerCounts = [1, 2, 4];
const loads = [
  // One after the other they take a while to become compiled code: what a worker that has just started costs is not asked.
  { inFlight: 1, flows: scaled(300), warmUp: scaled(1_500) },
  { inFlight: 100, flows: scaled(5_000), warmUp: scaled(3_000) },
];
const states = scaled(20_000);
const sessionMs = 10_000;

interface Run {
  readonly flowsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export async function kafka(): Promise<Section> {
  const missing = kafkaMissing();
  if (missing !== undefined) throw new Error(missing);
  const embedded: Figure[] = [];
  for (const { inFlight, flows, warmUp } of loads) {
    const measured = await measureApart<FlowsRun[]>('flows.ts', { runs, flows, inFlight, warmUp });
    embedded.push(...flowFigures(`embedded, ${inFlight} in flight: `, measured, {}));
  }
  const [one, moves] = await withCluster(1, async (cluster) => [
    await flowsOn(cluster),
    await measureMoves(cluster, { states, deaths: scaled(8), losses: scaled(2), moves: scaled(6), idleMs: 10_000 }),
  ]);
  const three = await withCluster(3, flowsOn);
  return {
    name: 'kafka',
    title: 'Three-step flow on Kafka (input and results of 100 bytes, 8 shards), and shards that change their worker',
    figures: [...embedded, ...one, ...three, ...moveFigures(moves)],
    notes: [
      'brokers, workers and clients share this machine: more workers than idle cores cannot be faster',
      'clients are in the workers; of what they start, the shards of other workers do (workers - 1) / workers',
      'one broker acknowledges from memory, three when two of them have it there: none waits for a disk',
      `takeover: SIGKILL until the other worker runs the shard with its ${states} suspended flows, which it reads and restores`,
      `lost host: nobody tells the group, so the session of ${sessionMs / 1_000} s has to run out first`,
      'move: the longest time of one three-step flow of the shard while it is drained, moved and claimed',
    ],
  };
}

async function flowsOn(cluster: BenchCluster): Promise<Figure[]> {
  const found: Figure[] = [];
  for (const count of workerCounts) {
    const prefix = `flows-${count}.`;
    const names = Array.from({ length: count }, (_, index) => `worker-${index + 1}`);
    const workers = await Promise.all(names.map((name) => cluster.worker(prefix, name, 8)));
    await Promise.all(workers.map((worker) => worker.ask({ type: 'own', shards: 8 / count }, 'done')));
    for (const { inFlight, flows, warmUp } of loads) {
      await together(workers, warmUp, inFlight);
      const measured: Run[] = [];
      for (let run = 1; run <= runs; run++) {
        measured.push(await together(workers, flows, inFlight));
        const rate = Math.round(measured.at(-1)?.flowsPerSecond ?? 0);
        progress(`${cluster.brokers} broker(s), ${count} worker(s), ${inFlight} in flight: ${rate} flows/s`);
      }
      const head = `${cluster.brokers === 1 ? '1 broker' : '3 brokers'}, ${count === 1 ? '1 worker' : `${count} workers`}`;
      const targets = count === 1 ? targetsOf(cluster.brokers, inFlight) : {};
      found.push(...flowFigures(`${head}, ${inFlight} in flight: `, measured, targets));
    }
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  return found;
}

/** The load of all workers at once, each with its part of the clients. One in flight is one client, at the first. */
async function together(workers: readonly BenchWorker[], flows: number, inFlight: number): Promise<Run> {
  const asked = inFlight === 1 ? workers.slice(0, 1) : workers;
  const part = { flows: Math.ceil(flows / asked.length), inFlight: Math.ceil(inFlight / asked.length) };
  const at = performance.now();
  const all = await Promise.all(asked.map((worker) => worker.ask({ type: 'load', ...part }, 'loaded')));
  const seconds = (performance.now() - at) / 1_000;
  return {
    flowsPerSecond: (part.flows * asked.length) / seconds,
    p50: Math.max(...all.map(({ p50 }) => p50)),
    p99: Math.max(...all.map(({ p99 }) => p99)),
  };
}

interface FlowTargets {
  readonly throughput?: Target;
  readonly p50?: Target;
}

function targetsOf(brokers: number, inFlight: number): FlowTargets {
  if (inFlight === 1) return { p50: { sign: '<=', value: brokers === 1 ? 3 : 12 } };
  return brokers === 1 ? { throughput: { sign: '>=', value: 3_000 }, p50: { sign: '<=', value: 40 } } : {};
}

function flowFigures(head: string, measured: readonly Run[], { throughput, p50 }: FlowTargets): Figure[] {
  return figures(head, measured, [
    [
      'flowsPerSecond',
      'throughput',
      'flows/s',
      ...(throughput === undefined ? ([] as const) : ([throughput] as const)),
    ],
    ['p50', 'latency p50', 'ms', ...(p50 === undefined ? ([] as const) : ([p50] as const))],
    ['p99', 'latency p99', 'ms'],
  ]);
}

function moveFigures({ deathMs, lossMs, restoreRates, moveMs, idleCpu }: MovesResult): Figure[] {
  const worst = (values: readonly number[]): number[] => [Math.max(...values)];
  return [
    figure('takeover after SIGKILL, its parent lives', 'ms', deathMs),
    figure('… the longest', 'ms', worst(deathMs), { sign: '<=', value: 2_000 }),
    figure('takeover of a lost host, the longest', 'ms', worst(lossMs), { sign: '<=', value: sessionMs + 2_000 }),
    figure('restore of a shard, with its claim', 'states/s', restoreRates, { sign: '>=', value: 100_000 }),
    figure('move of a shard: the longest flow', 'ms', moveMs, { sign: '<=', value: 200 }),
    figure(
      'idle worker',
      '% CPU',
      idleCpu.map((cpu) => cpu * 100),
      { sign: '<=', value: 2 },
    ),
  ];
}
