/** Shards that change their worker: after a death, after the loss of a host, and on an operator's order. */
import { performance } from 'node:perf_hooks';
import { progress } from './child.ts';
import type { BenchCluster, BenchWorker } from './kafka-cluster.ts';

export interface MovesSettings {
  /** Suspended flows of each shard. */
  readonly states: number;
  readonly deaths: number;
  readonly losses: number;
  readonly moves: number;
  readonly idleMs: number;
}

export interface MovesResult {
  /** From SIGKILL until the other worker runs the shard, in milliseconds. */
  readonly deathMs: readonly number[];
  readonly lossMs: readonly number[];
  /** States a second, from the beginning of a claim until the shard runs. */
  readonly restoreRates: readonly number[];
  /** The longest that a flow of the shard took while it moved, in milliseconds. */
  readonly moveMs: readonly number[];
  /** Part of one core. */
  readonly idleCpu: readonly number[];
}

const prefix = 'moves.';
const shards = 2;

export async function measureMoves(cluster: BenchCluster, settings: MovesSettings): Promise<MovesResult> {
  const { states, deaths, losses, moves, idleMs } = settings;
  const start = (name: string): Promise<BenchWorker> => cluster.worker(prefix, name, shards);
  const survivor = await start('survivor');
  progress(`starting ${shards * states} flows that sleep`);
  await survivor.ask({ type: 'suspend', flows: shards * states }, 'done');
  let victim = await start('victim');
  const both = async (): Promise<void> => {
    await survivor.ask({ type: 'own', shards: 1 }, 'done');
    await victim.ask({ type: 'own', shards: 1 }, 'done');
  };

  const restoreRates: number[] = [];
  const fall = async (parent: 'lives' | 'is lost too', count: number): Promise<number[]> => {
    const pauses: number[] = [];
    for (let n = 1; n <= count; n++) {
      await both();
      const before = await takeovers(survivor);
      const at = performance.now();
      const running = survivor.ask({ type: 'own', shards }, 'done');
      await victim.kill(parent);
      await running;
      pauses.push(performance.now() - at);
      const after = await takeovers(survivor);
      restoreRates.push((states * (after.count - before.count)) / (after.seconds - before.seconds));
      progress(`SIGKILL, its parent ${parent}, ${n} of ${count}: ${Math.round(pauses.at(-1) ?? 0)} ms`);
      victim = await start('victim');
    }
    return pauses;
  };
  const deathMs = await fall('lives', deaths);
  const lossMs = await fall('is lost too', losses);

  await both();
  const moveMs: number[] = [];
  for (let n = 0; n < moves; n++) {
    const [from, to] = n % 2 === 0 ? [survivor, victim] : [victim, survivor];
    // Asked where it comes from: the clients of a worker that gives a shard up are those that would notice.
    const probing = from.ask({ type: 'probe', shard: 0, ms: 5_000 }, 'probed');
    await move(survivor, 0, to.name);
    moveMs.push((await probing).longestMs);
    progress(`move ${n + 1} of ${moves}: the longest flow took ${Math.round(moveMs.at(-1) ?? 0)} ms`);
  }
  const idleCpu: number[] = [];
  for (const worker of [survivor, victim]) {
    idleCpu.push((await worker.ask({ type: 'idle', settleMs: idleMs, ms: idleMs }, 'idled')).cpu);
  }
  await victim.stop();
  await survivor.stop();
  return { deathMs, lossMs, restoreRates, moveMs, idleCpu };
}

async function move({ url }: BenchWorker, shard: number, worker: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/shards/${shard}/move`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ worker, reason: 'bench' }),
  });
  if (response.status !== 202) throw new Error(`a move was refused: ${await response.text()}`);
}

/** Shards that a worker has taken over so far, and how long that took together. */
async function takeovers({ url }: BenchWorker): Promise<{ readonly count: number; readonly seconds: number }> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const of = (name: string): number =>
    Number(new RegExp(`^weir_shard_takeover_seconds_${name} (\\S+)$`, 'm').exec(page)?.[1]);
  return { count: of('count'), seconds: of('sum') };
}
