/** Brokers and worker processes of the Kafka bench. Owns their lives, and how the bench speaks to a worker. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/ports/index.ts';
import { openKafkaUndertaker } from '../src/transport/log/index.ts';
import { workerOptions } from '../src/worker/parent/index.ts';
import { startKafka } from '../test/rig/kafka.ts';
import { ended, forkModule } from './child.ts';
import type { Load } from './load.ts';

export type WorkerOrder =
  | { readonly type: 'load'; readonly flows: number; readonly inFlight: number }
  /** Starts flows that sleep. */
  | { readonly type: 'suspend'; readonly flows: number }
  /** Waits until so many shards run there. */
  | { readonly type: 'own'; readonly shards: number }
  /** Runs flows of one shard, one after the other. */
  | { readonly type: 'probe'; readonly shard: number; readonly ms: number }
  | { readonly type: 'idle'; readonly settleMs: number; readonly ms: number }
  | { readonly type: 'stop' };

export type WorkerAnswer =
  | { readonly type: 'ready'; readonly url: string }
  | ({ readonly type: 'loaded' } & Load)
  | { readonly type: 'probed'; readonly longestMs: number }
  /** Part of one core. */
  | { readonly type: 'idled'; readonly cpu: number }
  | { readonly type: 'done' };

type Told = WorkerAnswer | { readonly type: 'member'; readonly group: string; readonly memberId: string };
type Answer<Type extends WorkerAnswer['type']> = Extract<WorkerAnswer, { type: Type }>;

export interface BenchCluster {
  readonly brokers: number;
  /** Starts a worker; resolves when it is ready. Shards of one prefix are shared by its workers. */
  worker(prefix: string, name: string, shards: number): Promise<BenchWorker>;
}

export interface BenchWorker {
  readonly name: string;
  readonly url: string;
  ask<Type extends WorkerAnswer['type']>(order: WorkerOrder, type: Type): Promise<Answer<Type>>;
  /** SIGKILL; with a parent that lives, the group hears of it at once. */
  kill(parent: 'lives' | 'is lost too'): Promise<void>;
  stop(): Promise<void>;
}

/** Runs `measure` on brokers of its own, which are gone afterwards with all workers. */
export async function withCluster<T>(count: 1 | 3, measure: (cluster: BenchCluster) => Promise<T>): Promise<T> {
  const rig = await startKafka({ brokers: count, compiler: 'full' });
  const data = mkdtempSync(join(tmpdir(), 'weir-bench-kafka-'));
  const undertaker = await openKafkaUndertaker({ brokers: rig.brokers, worker: 'bench', clock: systemClock() });
  const children = new Set<ChildProcess>();
  const worker = async (prefix: string, name: string, shards: number): Promise<BenchWorker> => {
    const args = [rig.brokers.join(), String(count), prefix, name, String(shards), join(data, name)];
    const child = forkModule('kafka-worker.ts', args, workerOptions([]));
    children.add(child);
    const members = new Map<string, string>();
    let settle: { readonly resolve: (told: WorkerAnswer) => void; readonly reject: (error: Error) => void } | undefined;
    child.on('exit', () => settle?.reject(new Error(`worker ${name} has ended`)));
    child.on('message', (told: Told) => {
      if (told.type === 'member') members.set(told.group, told.memberId);
      else settle?.resolve(told);
    });
    const next = <Type extends WorkerAnswer['type']>(type: Type): Promise<Answer<Type>> =>
      new Promise((resolve, reject) => {
        settle = {
          resolve: (told) => (isOf(told, type) ? resolve(told) : reject(new Error(`${name} said ${told.type}`))),
          reject,
        };
      });
    const { url } = await next('ready');
    return {
      ...{ name, url },
      ask(order, type) {
        const answered = next(type);
        child.send(order);
        return answered;
      },
      async kill(parent) {
        child.kill('SIGKILL');
        settle = undefined;
        if (parent === 'lives') for (const [group, memberId] of members) await undertaker.leave(group, memberId);
        await ended(child);
      },
      async stop() {
        settle = undefined;
        child.send({ type: 'stop' } satisfies WorkerOrder);
        await ended(child);
      },
    };
  };
  try {
    return await measure({ brokers: count, worker });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await undertaker.close();
    await rig.close();
    rmSync(data, { recursive: true, force: true });
  }
}

function isOf<Type extends WorkerAnswer['type']>(told: WorkerAnswer, type: Type): told is Answer<Type> {
  return told.type === type;
}
