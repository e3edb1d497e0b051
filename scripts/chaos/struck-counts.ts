/** How often faults have struck, as the workers count it, over all their lives. */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { ClusterUnderTest, WorkerUnderTest } from './cluster.ts';

type Struck = Readonly<Record<string, number>>;

const struckAnswer = z.looseObject({ struck: z.record(z.string(), z.number()) });
const everyMs = 200;

/** Counts of strikes over all lives of the workers. */
export class StruckCounts {
  readonly #total = new Map<string, number>();
  /** By worker, what it has counted in the life that it lives. */
  readonly #latest = new Map<string, Struck>();

  saw(worker: string, struck: Struck): void {
    this.#latest.set(worker, struck);
  }

  /** The worker's next counts are of another life. */
  died(worker: string): void {
    for (const [word, count] of Object.entries(this.#latest.get(worker) ?? {})) {
      this.#total.set(word, (this.#total.get(word) ?? 0) + count);
    }
    this.#latest.delete(worker);
  }

  of(word: string): number {
    return [...this.#latest.values()].reduce((sum, struck) => sum + (struck[word] ?? 0), this.#total.get(word) ?? 0);
  }
}

/** Asks every worker for its counts, again and again, until the signal. */
export async function watchCounts(cluster: ClusterUnderTest, counts: StruckCounts, signal: AbortSignal): Promise<void> {
  const watch = async (worker: WorkerUnderTest): Promise<void> => {
    while (!signal.aborted) {
      const url = worker.url();
      if (url !== undefined) {
        const answer = await fetch(`${url}/api/v1/chaos`, { signal: AbortSignal.timeout(2_000) })
          .then((response) => response.json())
          .catch(() => undefined);
        const parsed = struckAnswer.safeParse(answer);
        if (parsed.success) counts.saw(worker.name, parsed.data.struck);
      }
      await pause(everyMs);
    }
  };
  await Promise.all(cluster.workers.map(watch));
}
