/**
 * One run: a load on a cluster of real processes, acts against it for a stated time, then peace, and the ledger.
 * Owns the order, and the verdict.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../../src/ports/index.ts';
import type { ClusterUnderTest } from './cluster.ts';
import { type Load, startLoad, type Told } from './load.ts';
import { type Ledger, type MarketPlace, settle } from './market.ts';
import { type Act, nameOf, proofOf, scheduleFrom } from './schedule.ts';
import { clearAll, Deaths, perform } from './strike.ts';
import { StruckCounts, watchCounts } from './struck-counts.ts';

export interface ChaosSetup {
  readonly cluster: ClusterUnderTest;
  /** The market that the cluster works on. */
  readonly place: MarketPlace;
  readonly seed: number;
  /** How long acts go on. */
  readonly durationMs: number;
  /** Clients come by way of a load balancer, which asks workers whether they are ready. Default: no. */
  readonly balanced?: boolean;
  /** What is done instead of acts that are drawn: under the same load, to the end, whatever time it takes. */
  readonly script?: (scene: Scene) => Promise<void>;
  /** Told what happens, as lines for people. */
  readonly tell: (line: string) => void;
}

/** What a script finds. */
export interface Scene {
  /** What each worker is to die of. */
  readonly deaths: Deaths;
  /** What clients have heard up to now. */
  readonly told: Told;
}

export interface ActCount {
  readonly name: string;
  readonly done: number;
  /** How often it struck: signals sent, deaths seen, else as the node counted; one that dies takes its last counts along. */
  readonly struck: number;
}

export interface Report {
  readonly seed: number;
  readonly durationMs: number;
  /** What `npm run chaos` is told to have such a cluster again; empty for the one that it has by default. */
  readonly clusterFlags: string;
  readonly acts: readonly ActCount[];
  /** Processes that ended and were started again. */
  readonly restarts: number;
  readonly retries: number;
  /** What requests met that were made again, and how often. */
  readonly causes: ReadonlyMap<string, number>;
  readonly given: number;
  readonly accepted: number;
  readonly settled: number;
  readonly refused: number;
  readonly longestStallMs: number;
  /** Accepted, but without an outcome in the ledger. */
  readonly lost: readonly string[];
  /** With more than one outcome, started twice, or told two different things of. */
  readonly doubled: readonly string[];
  /** Whatever else must not be: money that appeared or vanished, processes that ended by themselves. */
  readonly problems: readonly string[];
}

const clients = 24;
const progressMs = 5_000;
/** After the last act everything must come to an end within this. */
const peaceMs = 120_000;

export async function runChaos({
  cluster,
  place,
  seed,
  durationMs,
  balanced,
  script,
  tell,
}: ChaosSetup): Promise<Report> {
  const { workers, brokers } = cluster;
  const random = seededRandom(seed);
  const schedule = scheduleFrom(random, brokers === undefined ? 'embedded' : 'kafka');
  const done = new Map<string, Done>();
  const counts = new StruckCounts();
  const deaths = new Deaths();
  const problems: string[] = [];
  let restarts = 0;
  cluster.onExit((exit) => {
    const { worker, code, signal, log } = exit;
    counts.died(worker);
    const { cause, expected } = deaths.died(exit);
    if (!expected) problems.push(`${worker} ended by itself (${signal ?? `exit code ${code}`}): ${log.at(-1) ?? ''}`);
    const blow = cause === undefined ? undefined : done.get(cause);
    if (blow !== undefined) blow.deaths += 1;
    restarts += 1;
  });

  await cluster.start();
  const urls = (): string[] => workers.flatMap((worker) => worker.url() ?? []);
  const load = startLoad({ urls, seed, clients, balanced });
  const began = performance.now();
  const left = (): number => durationMs - (performance.now() - began);
  const watching = new AbortController();
  const watch = watchCounts(cluster, counts, watching.signal);
  const progress = setInterval(() => tell(progressLine(durationMs - left(), load, done, restarts)), progressMs);
  try {
    await script?.({ deaths, told: load });
    while (script === undefined && left() > 0) {
      const { afterMs, act } = schedule.next();
      await pause(Math.min(afterMs, Math.max(0, left())));
      if (left() <= 0) break;
      const name = nameOf(act);
      const before = done.get(name) ?? { act, times: 0, deaths: 0 };
      done.set(name, before);
      if (await perform(act, cluster, random, deaths)) before.times += 1;
    }
    tell('Faults are over; waiting for every payment that was given.');
    const patience = AbortSignal.timeout(peaceMs);
    // A script injects no faults by name, and may leave workers stopped.
    if (script === undefined) await Promise.race([clearAll(cluster), pause(peaceMs, undefined, { ref: false })]);
    await load.finish(patience);
    if (patience.aborted)
      problems.push(`within ${peaceMs / 1_000} s after the last fault, not every payment had an outcome`);
  } finally {
    clearInterval(progress);
    watching.abort();
    await watch;
  }
  for (const { name } of workers) deaths.terminates(name);
  const { accepted, outcomes, contradictions, given, retries, causes, longestStallMs } = load;
  await cluster.stop();
  tell('Stopped; settling the ledger from what was given.');
  const ledger = await settle(place, given);
  return {
    ...{ seed, durationMs, retries, causes, longestStallMs, given: given.length, accepted: accepted.size },
    clusterFlags:
      brokers === undefined ? '' : ` --cluster kafka --workers ${workers.length} --brokers ${brokers.brokers.length}`,
    acts: actCounts(done, counts),
    restarts: restarts - workers.length,
    settled: ledger.proof.settled,
    refused: [...ledger.proof.refused.values()].reduce((sum, count) => sum + count, 0),
    lost: [...new Set([...load.lost, ...[...accepted].filter((id) => !ledger.results.has(id))])],
    doubled: [...doubledIn(ledger), ...contradictions],
    problems: [...problems, ...problemsOf(ledger, outcomes)],
  };
}

interface Done {
  readonly act: Act;
  times: number;
  /** Processes that were gone after it. */
  deaths: number;
}

function progressLine(elapsedMs: number, load: Load, done: ReadonlyMap<string, Done>, restarts: number): string {
  const acts = [...done.values()].reduce((sum, { times }) => sum + times, 0);
  return [
    `${Math.round(elapsedMs / 1_000)} s`.padStart(6),
    `${load.accepted.size} accepted, ${load.outcomes.size} with outcome`,
    `${acts} faults, ${restarts} restarts, ${load.retries} requests made again`,
    `longest stall ${Math.round(load.longestStallMs)} ms`,
  ].join('; ');
}

function actCounts(done: ReadonlyMap<string, Done>, counts: StruckCounts): ActCount[] {
  const struck = ({ act, times, deaths }: Done): number => {
    const proof = proofOf(act);
    if (proof === 'done') return times;
    return proof === 'death' ? deaths : counts.of(nameOf(act));
  };
  return [...done]
    .filter(([, { times }]) => times > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => ({ name, done: one.times, struck: struck(one) }));
}

function doubledIn({ results }: Ledger): string[] {
  return [...results].flatMap(([id, all]) =>
    all.length > 1 ? [`${id} has ${all.length} outcomes: ${all.join(', ')}`] : [],
  );
}

function problemsOf({ proof, results, unfinished, reserved }: Ledger, told: ReadonlyMap<string, string>): string[] {
  const changed = [...told].flatMap(([id, heard]) => {
    const now = results.get(id)?.join(', ') ?? 'nothing';
    return now === heard ? [] : [`a client was told ${heard} of ${id}, and the ledger has ${now}`];
  });
  return [
    ...proof.problems.map(({ rule, text }) => `${rule}: ${text}`),
    ...changed,
    ...unfinished.map(({ flow, flowId, status }) => `${flow} ${flowId} is ${status} at the end`),
    ...(reserved === 0n ? [] : [`${reserved} is still set aside`]),
  ];
}
