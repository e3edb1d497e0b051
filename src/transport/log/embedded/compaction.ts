/**
 * Gives back the space of what was removed. LevelDB does so as more is written, and in the same measure: what a busy hour
 * has removed would stay on disk through a quiet night.
 *
 * Owns when that is done: enough has been removed, and nobody has written for a while.
 */
import type { Clock, Logger, Timer } from '../../../ports/index.ts';
import type { Operations } from './codec.ts';
import type { StoreHandle } from './store-handle.ts';

/** Removals that make it worth reading and writing what is left. */
const leastRemoved = 20_000;
/** Nothing is written for so long. */
const quietMs = 5_000;

export interface CompactionSetup {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<StoreHandle, 'compact'>;
}

export class Compaction {
  readonly #setup: CompactionSetup;
  #removed = 0;
  #written = 0;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(setup: CompactionSetup) {
    this.#setup = setup;
  }

  /** A group has been written. */
  wrote({ values }: Operations): void {
    this.#written = this.#setup.clock.now();
    for (const value of values) if (value === null) this.#removed += 1;
    if (this.#removed >= leastRemoved && this.#timer === undefined) this.#arm(quietMs);
  }

  /** Begins no more; resolves when none runs. */
  async close(): Promise<void> {
    this.#removed = Number.NEGATIVE_INFINITY;
    this.#timer?.cancel();
    await this.#running;
  }

  #arm(delayMs: number): void {
    const { clock } = this.#setup;
    this.#timer = clock.after(delayMs, () => {
      this.#timer = undefined;
      const left = this.#written + quietMs - clock.now();
      if (left > 0) this.#arm(left);
      else this.#running ??= this.#compact();
    });
  }

  async #compact(): Promise<void> {
    const { store, logger, directory } = this.#setup;
    this.#removed = 0;
    try {
      await store.compact();
    } catch (error) {
      // Nothing depends on it; a disk that fails is told of by the next write.
      logger.warn({ directory, error }, 'the space of what was removed could not be given back');
    }
    this.#running = undefined;
  }
}
