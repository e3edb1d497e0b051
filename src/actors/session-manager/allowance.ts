/** How many answers may be given to those whom nobody knows: whatever is sent here, what leaves is bounded (W7). */
export interface AllowanceSettings {
  /** Answers allowed within a period. */
  readonly max: number;
  /** Length of a period in milliseconds. */
  readonly withinMs: number;
}

export class Allowance {
  readonly #settings: AllowanceSettings;
  #since = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(settings: AllowanceSettings) {
    this.#settings = settings;
  }

  /** Takes one at `now` (milliseconds); false when the period has had all of its own. */
  take(now: number): boolean {
    const { max, withinMs } = this.#settings;
    if (Math.abs(now - this.#since) >= withinMs) {
      this.#since = now;
      this.#taken = 0;
    }
    if (this.#taken >= max) return false;
    this.#taken++;
    return true;
  }
}
