/** A moment after which several waits in a row are given up together. */
import type { Clock, Timer } from '../../ports/index.ts';

export class Deadline {
  passed = false;
  readonly #timer: Timer | undefined;
  #wake: (() => void) | undefined;

  /** `withinMs` may be `Infinity`: then only `pass` ends it. */
  constructor(clock: Clock, withinMs: number) {
    this.#timer = Number.isFinite(withinMs) ? clock.after(withinMs, () => this.pass()) : undefined;
  }

  /** Resolves when `work` has settled or the deadline has passed; `work` must not reject. */
  async within(work: Promise<unknown>): Promise<void> {
    if (this.passed) return;
    await Promise.race([
      work,
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    ]);
  }

  pass(): void {
    this.passed = true;
    this.cancel();
    this.#wake?.();
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}
