/**
 * The figures that a worker adds up while it runs, for Prometheus. They live as long as the process: a service or an HTTP
 * edge that is started anew goes on with them. No figure has a label for a flow, a member or a request.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Counting, Meter, Timing } from '../../ports/index.ts';

const buckets = {
  /** Commits and steps, in seconds. */
  short: [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  /** Claims and restores. */
  long: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
  /** Bodies of steps may wait for somebody. */
  wide: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600],
};

const timings: Readonly<Record<Timing, readonly [name: string, help: string, buckets: number[]]>> = {
  claim: [
    'weir_shard_claim_seconds',
    'Claim of a shard in the log; on Kafka with the reading of its state',
    buckets.long,
  ],
  restore: ['weir_shard_restore_seconds', 'Restore of a shard from what was read', buckets.long],
  takeover: ['weir_shard_takeover_seconds', 'From the beginning of a claim until the shard runs', buckets.long],
  commit: ['weir_commit_seconds', 'Commit of a shard, until it is durable', buckets.short],
  step: ['weir_step_seconds', 'One attempt of the body of a step', buckets.wide],
  replay: ['weir_replay_seconds', 'Rebuilding a flow from its journal, until it waits again', buckets.short],
};

const repeats = {
  repeatedDelivery: 'delivery',
  repeatedStart: 'start',
  repeatedRequest: 'request',
  repeatedMessage: 'message',
} as const satisfies Partial<Record<Counting, string>>;

export interface WorkerFigures extends Meter {
  /** In the text format of Prometheus. */
  text(): Promise<string>;
}

export function workerFigures(): WorkerFigures {
  const registry = new Registry();
  const registers = [registry];
  const histogram = ([name, help, bounds]: (typeof timings)[Timing]) => {
    const made = new Histogram({ name, help, buckets: bounds, registers });
    made.zero({});
    return made;
  };
  const observed: Readonly<Record<Timing, Histogram>> = {
    claim: histogram(timings.claim),
    restore: histogram(timings.restore),
    takeover: histogram(timings.takeover),
    commit: histogram(timings.commit),
    step: histogram(timings.step),
    replay: histogram(timings.replay),
  };
  const rebalances = new Counter({
    name: 'weir_rebalances_total',
    help: 'How often the group has given out its shards anew',
    registers,
  });
  const fenced = new Counter({
    name: 'weir_shards_fenced_total',
    help: 'Shards of this worker that another one has claimed before they were given up',
    registers,
  });
  const repeated = new Counter({
    name: 'weir_dedupe_hits_total',
    help: 'What came again and changed nothing: deliveries of shards, starts, requests through the log, session messages',
    labelNames: ['of'],
    registers,
  });
  for (const of of Object.values(repeats)) repeated.inc({ of }, 0);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, of user and system',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1_000_000);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  return {
    time: (what, ms) => observed[what].observe(ms / 1_000),
    count(what, times = 1) {
      switch (what) {
        case 'rebalance':
          return rebalances.inc(times);
        case 'fenced':
          return fenced.inc(times);
        default:
          return repeated.inc({ of: repeats[what] }, times);
      }
    },
    text: () => registry.metrics(),
  };
}
