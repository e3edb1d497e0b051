/**
 * One run: a load on a cluster of real processes, acts against it for a stated time, then peace, and the ledger.
 * Owns the order, and the verdict.
 */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Random, seededRandom } from '../../src/ports/index.ts';
import type { Fault } from '../../src/testing/index.ts';
import type { ClusterUnderTest, WorkerUnderTest } from './cluster.ts';
import { type Load, startLoad } from './load.ts';
import { type Ledger, type MarketPlace, settle } from './market.ts';
import { type Act, type BrokerAct, nameOf, proofOf, scheduleFrom, type WorkerAct } from './schedule.ts';
import { StruckCounts, watchCounts } from './struck-counts.ts';

export interface ChaosSetup {
  readonly cluster: ClusterUnderTest;
  /** The market that the cluster works on. */
  readonly place: MarketPlace;
  readonly seed: number;
  /** How long acts go on. */
  readonly durationMs: number;
  /** Told what happens, as lines for people. */
  readonly tell: (line: string) => void;
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

const weir = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const clients = 24;
const progressMs = 5_000;
/** After the last act everything must come to an end within this. */
const peaceMs = 120_000;

export async function runChaos({ cluster, place, seed, durationMs, tell }: ChaosSetup): Promise<Report> {
  const { workers, brokers } = cluster;
  const random = seededRandom(seed);
  const schedule = scheduleFrom(random, brokers === undefined ? 'embedded' : 'kafka');
  const done = new Map<string, Done>();
  const counts = new StruckCounts();
  const deaths = new Deaths();
  const problems: string[] = [];
  let restarts = 0;
  cluster.onExit(({ worker, code, signal, log }) => {
    counts.died(worker);
    const { cause, expected } = deaths.died(worker, code, signal);
    if (!expected) problems.push(`${worker} ended by itself (${signal ?? `exit code ${code}`}): ${log.at(-1) ?? ''}`);
    const blow = cause === undefined ? undefined : done.get(cause);
    if (blow !== undefined) blow.deaths += 1;
    restarts += 1;
  });

  await cluster.start();
  const urls = (): string[] => workers.flatMap((worker) => worker.url() ?? []);
  const load = startLoad({ urls, seed, clients });
  const began = performance.now();
  const left = (): number => durationMs - (performance.now() - began);
  const watching = new AbortController();
  const watch = watchCounts(cluster, counts, watching.signal);
  const progress = setInterval(() => tell(progressLine(durationMs - left(), load, done, restarts)), progressMs);
  try {
    while (left() > 0) {
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
    await Promise.race([clearAll(cluster), pause(peaceMs, undefined, { ref: false })]);
    await load.finish(patience);
    if (patience.aborted)
      problems.push(`within ${peaceMs / 1_000} s after the last fault, not every payment had an outcome`);
  } finally {
    clearInterval(progress);
    watching.abort();
    await watch;
  }
  for (const { name } of workers) deaths.terminates(name);
  const { accepted, outcomes, contradictions, given, retries, longestStallMs } = load;
  await cluster.stop();
  tell('Stopped; settling the ledger from what was given.');
  const ledger = await settle(place, given);
  return {
    ...{ seed, durationMs, retries, longestStallMs, given: given.length, accepted: accepted.size },
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

/** What each worker is to die of: any other end is a finding. */
class Deaths {
  readonly #terminating = new Set<string>();
  /** Names of acts that kill a worker sooner or later. */
  readonly #deadly = new Map<string, string>();

  /** Whatever it was to die of, now it is told to end. */
  terminates(worker: string): void {
    this.#deadly.delete(worker);
    this.#terminating.add(worker);
  }

  killed(worker: string): void {
    this.#deadly.delete(worker);
  }

  dooms(worker: string, act: string): void {
    this.#deadly.set(worker, act);
  }

  died(
    worker: string,
    code: number | null,
    signal: NodeJS.Signals | null,
  ): { readonly cause: string | undefined; readonly expected: boolean } {
    const cause = signal === 'SIGKILL' ? this.#deadly.get(worker) : undefined;
    const expected = signal === 'SIGKILL' || (this.#terminating.has(worker) && code === 0);
    this.#deadly.delete(worker);
    this.#terminating.delete(worker);
    return { cause, expected };
  }
}

/** Does the act, to a worker or a broker that is drawn for it; false when nobody was there for it. */
async function perform(act: Act, cluster: ClusterUnderTest, random: Random, deaths: Deaths): Promise<boolean> {
  const drawn = (count: number): number => Math.floor(random.next() * count);
  const { brokers } = cluster;
  if (act.type === 'broker') return brokers !== undefined && strikeBroker(act, brokers, drawn(brokers.brokers.length));
  const first = drawn(cluster.workers.length);
  const workers = [...cluster.workers.slice(first), ...cluster.workers.slice(0, first)];
  for (const worker of workers) {
    // An act meets a worker that is up, or it would prove nothing.
    await upAgain(worker);
    if (await strikeWorker(act, worker, deaths)) return true;
    // Another one may have the shard or the actor that it is aimed at.
  }
  return false;
}

async function strikeBroker(
  { signal, forMs }: BrokerAct,
  brokers: NonNullable<ClusterUnderTest['brokers']>,
  broker: number,
): Promise<boolean> {
  if (signal === 'SIGKILL') await brokers.kill(broker);
  else brokers.pause(broker);
  await pause(forMs);
  if (signal === 'SIGKILL') await brokers.start(broker);
  else brokers.resume(broker);
  return true;
}

async function strikeWorker(act: WorkerAct, worker: WorkerUnderTest, deaths: Deaths): Promise<boolean> {
  switch (act.type) {
    case 'signal':
      if (act.signal === 'SIGTERM') deaths.terminates(worker.name);
      else deaths.killed(worker.name);
      return worker.signal(act.signal);
    case 'stop': {
      if (!worker.signal('SIGSTOP')) return false;
      await pause(act.forMs);
      return worker.signal('SIGCONT');
    }
    case 'fault':
      if (proofOf(act) === 'death') deaths.dooms(worker.name, nameOf(act));
      if (await inject(act.fault, worker)) return true;
      // It was not done, so that it is not what ends the process next.
      if (proofOf(act) === 'death') deaths.killed(worker.name);
      return false;
  }
}

const run = promisify(execFile);

/** As an operator would: by the command line. */
async function inject({ type, on, ...measures }: Fault, worker: WorkerUnderTest): Promise<boolean> {
  const url = worker.url();
  if (url === undefined) return false;
  const target = on === undefined ? [] : [on];
  const flags = Object.entries(measures).flatMap(([name, value]) => [`--${name}=${String(value)}`]);
  try {
    await run(process.execPath, [weir, 'chaos', type, ...target, ...flags, '--reason', 'npm run chaos', '--url', url]);
    return true;
  } catch {
    // The worker died meanwhile, or has no such actor or shard just now.
    return false;
  }
}

async function clearAll(cluster: ClusterUnderTest): Promise<void> {
  for (const worker of cluster.workers) {
    await upAgain(worker);
    const url = worker.url();
    if (url !== undefined) await fetch(`${url}/api/v1/chaos?reason=over`, { method: 'DELETE' }).catch(() => undefined);
  }
}

async function upAgain(worker: WorkerUnderTest): Promise<void> {
  for (;;) {
    const url = worker.url();
    const answer =
      url === undefined
        ? undefined
        : await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    if (answer !== undefined) return;
    await pause(50);
  }
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
