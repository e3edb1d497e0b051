/** Work that would keep a worker from everything else that runs there, in slices: between two of them others have their turns. */
import type { Clock } from '../../ports/index.ts';

/** How long it works before others have their turn. */
const sliceMs = 5;

export class Slices {
  readonly #clock: Clock;
  #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.monotonic();
  }

  /** Resolves when it may go on; undefined while the slice is not over. */
  next(): Promise<void> | undefined {
    if (this.#clock.monotonic() - this.#began < sliceMs) return undefined;
    return new Promise<void>((resolve) =>
      this.#clock.soon(() => {
        this.#began = this.#clock.monotonic();
        resolve();
      }),
    );
  }
}
