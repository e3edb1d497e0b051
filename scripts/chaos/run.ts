/**
 * One run: a load on a cluster of real processes, acts against it for a stated time, then peace, and the ledger.
 * Owns the order, and the verdict.
 */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { seededRandom } from '../../src/ports/index.ts';
import type { Fault } from '../../src/testing/index.ts';
import type { ClusterUnderTest, WorkerUnderTest } from './cluster.ts';
import { type Load, startLoad } from './load.ts';
import { type Ledger, settle } from './market.ts';
import { type Act, nameOf, proofOf, scheduleFrom } from './schedule.ts';

export interface ChaosSetup {
  readonly cluster: ClusterUnderTest;
  /** Folder of the market: its `data` is what the cluster works on. */
  readonly folder: string;
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

export async function runChaos({ cluster, folder, seed, durationMs, tell }: ChaosSetup): Promise<Report> {
  const random = seededRandom(seed);
  const schedule = scheduleFrom(random);
  const done = new Map<string, Done>();
  const counts = new StruckCounts();
  const problems: string[] = [];
  let restarts = 0;
  /** Ends that acts have asked for: any other is a finding. */
  let terminating = false;
  let deadly: string | undefined;
  cluster.onExit(({ worker, code, signal, log }) => {
    counts.died();
    const expected = signal === 'SIGKILL' || (terminating && code === 0);
    if (!expected) problems.push(`${worker} ended by itself (${signal ?? `exit code ${code}`}): ${log.at(-1) ?? ''}`);
    const blow = deadly === undefined ? undefined : done.get(deadly);
    if (blow !== undefined && signal === 'SIGKILL') blow.deaths += 1;
    deadly = undefined;
    terminating = false;
    restarts += 1;
  });

  await cluster.start();
  const urls = (): string[] => cluster.workers.flatMap((worker) => worker.url() ?? []);
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
      const worker = cluster.workers[Math.floor(random.next() * cluster.workers.length)];
      if (worker === undefined || left() <= 0) continue;
      // An act meets a worker that is up, or it would prove nothing.
      await upAgain(worker);
      if (act.type === 'signal' && act.signal === 'SIGTERM') terminating = true;
      const name = nameOf(act);
      const before = done.get(name) ?? { act, times: 0, deaths: 0 };
      done.set(name, before);
      if (proofOf(act) === 'death') deadly = name;
      if (await perform(act, worker)) before.times += 1;
      // It was not done, so that it is not what ends the process next.
      else deadly = undefined;
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
  terminating = true;
  const { accepted, outcomes, contradictions, given, retries, longestStallMs } = load;
  await cluster.stop();
  tell('Stopped; settling the ledger from what was given.');
  const ledger = await settle(folder, given);
  return {
    ...{ seed, durationMs, retries, longestStallMs, given: given.length, accepted: accepted.size },
    acts: actCounts(done, counts),
    restarts: restarts - 1,
    settled: ledger.proof.settled,
    refused: [...ledger.proof.refused.values()].reduce((sum, count) => sum + count, 0),
    lost: [...new Set([...load.lost, ...[...accepted].filter((id) => !ledger.results.has(id))])],
    doubled: [...doubledIn(ledger), ...contradictions],
    problems: [...problems, ...problemsOf(ledger, outcomes)],
  };
}

/** Does the act; false when the worker was not there for it. */
async function perform(act: Act, worker: WorkerUnderTest): Promise<boolean> {
  switch (act.type) {
    case 'signal':
      return worker.signal(act.signal);
    case 'stop': {
      if (!worker.signal('SIGSTOP')) return false;
      await pause(act.forMs);
      return worker.signal('SIGCONT');
    }
    case 'fault':
      return inject(act.fault, worker);
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

const struckAnswer = z.looseObject({ struck: z.record(z.string(), z.number()) });

/** Counts of strikes over all lives of the workers. */
class StruckCounts {
  readonly #total = new Map<string, number>();
  #latest: Readonly<Record<string, number>> = {};

  /** What the node of this life has counted so far. */
  saw(struck: Readonly<Record<string, number>>): void {
    this.#latest = struck;
  }

  /** The next counts are of another life. */
  died(): void {
    for (const [word, count] of Object.entries(this.#latest)) {
      this.#total.set(word, (this.#total.get(word) ?? 0) + count);
    }
    this.#latest = {};
  }

  of(word: string): number {
    return (this.#total.get(word) ?? 0) + (this.#latest[word] ?? 0);
  }
}

async function watchCounts(cluster: ClusterUnderTest, counts: StruckCounts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const worker of cluster.workers) {
      const url = worker.url();
      if (url === undefined) continue;
      const answer = await fetch(`${url}/api/v1/chaos`, { signal: AbortSignal.timeout(2_000) })
        .then((response) => response.json())
        .catch(() => undefined);
      const parsed = struckAnswer.safeParse(answer);
      if (parsed.success) counts.saw(parsed.data.struck);
    }
    await pause(200);
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
