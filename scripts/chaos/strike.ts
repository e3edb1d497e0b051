/** How acts are done: signals to workers and brokers, and faults by name through the command line, as operators would. */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Random } from '../../src/ports/index.ts';
import type { Fault } from '../../src/testing/index.ts';
import type { BrokersUnderTest, ClusterUnderTest, WorkerExit, WorkerUnderTest } from './cluster.ts';
import { type Act, type BrokerAct, nameOf, proofOf, type WorkerAct } from './schedule.ts';

const weir = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What each worker is to die of: any other end is a finding. */
export class Deaths {
  readonly #terminating = new Set<string>();
  /** Names of acts that kill a worker sooner or later. */
  readonly #deadly = new Map<string, string>();

  /** Whatever it was to die of, now it is told to end. */
  terminates(worker: string): void {
    this.#deadly.delete(worker);
    this.#terminating.add(worker);
  }

  /** What it was to die of is not what ends it next. */
  spares(worker: string): void {
    this.#deadly.delete(worker);
  }

  dooms(worker: string, act: string): void {
    this.#deadly.set(worker, act);
  }

  /** `cause`: the act that it died of, where it is one of those. */
  died({ worker, code, signal }: WorkerExit): { readonly cause: string | undefined; readonly expected: boolean } {
    const cause = signal === 'SIGKILL' ? this.#deadly.get(worker) : undefined;
    const expected = signal === 'SIGKILL' || (this.#terminating.has(worker) && code === 0);
    this.#deadly.delete(worker);
    this.#terminating.delete(worker);
    return { cause, expected };
  }
}

/** Does the act, to a worker or a broker that is drawn for it; false when nobody was there for it. */
export async function perform(act: Act, cluster: ClusterUnderTest, random: Random, deaths: Deaths): Promise<boolean> {
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

async function strikeBroker({ signal, forMs }: BrokerAct, brokers: BrokersUnderTest, broker: number): Promise<boolean> {
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
      else deaths.spares(worker.name);
      return worker.signal(act.signal);
    case 'stop': {
      if (!worker.signal('SIGSTOP')) return false;
      await pause(act.forMs);
      return worker.signal('SIGCONT');
    }
    case 'fault':
      if (proofOf(act) === 'death') deaths.dooms(worker.name, nameOf(act));
      if (await inject(act.fault, worker)) return true;
      if (proofOf(act) === 'death') deaths.spares(worker.name);
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

/** Ends every fault by name. */
export async function clearAll(cluster: ClusterUnderTest): Promise<void> {
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
