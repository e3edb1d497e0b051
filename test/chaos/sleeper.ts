/** A worker that is stopped past its session, so that another one has its shards by the time it goes on. */
import { expect } from 'vitest';
import type { WorkerUnderTest } from '../../scripts/chaos/cluster.ts';
import { fencedIn, spreadOver } from './trial.ts';

export interface Sleeper {
  /** SIGCONT. */
  wake(): void;
  /** Resolves when it has seen that its shards were taken from it. */
  noticed(): Promise<void>;
}

const withinMs = 60_000;

/** Stops one of two workers, by turns; resolves when the other one runs every shard. */
export async function putToSleep(workers: readonly WorkerUnderTest[], turn: number): Promise<Sleeper> {
  const [sleeper, neighbour] = inTurn(workers, turn);
  await spreadOver(neighbour, 2);
  const before = await fencedIn(sleeper);
  expect(sleeper.signal('SIGSTOP')).toBe(true);
  await spreadOver(neighbour, 1);
  return {
    wake: () => void sleeper.signal('SIGCONT'),
    noticed: () => expect.poll(() => fencedIn(sleeper), { timeout: withinMs }).toBeGreaterThan(before),
  };
}

/** One of the workers, by turns, and the next one. */
export function inTurn<Worker extends WorkerUnderTest>(workers: readonly Worker[], turn: number): [Worker, Worker] {
  const [one, next] = [0, 1].map((after) => workers[(turn + after) % workers.length]);
  if (one === undefined || next === undefined) throw new Error('there are workers');
  return [one, next];
}
