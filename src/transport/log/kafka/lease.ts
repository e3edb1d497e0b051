/**
 * The lease of a claim: how long after its last acknowledged commit it may still send anything.
 *
 * Brokers forget a producer a day after its last batch, and a forgotten fence keeps nobody out. So an owner that was
 * cut off or stopped for longer than the lease sends nothing any more: it claims again, which finds out who owns the
 * shard now.
 */
import type { Clock } from '../../../ports/index.ts';

export class Lease {
  readonly #clock: Clock;
  readonly #lengthMs: number;
  #wall: number;
  #monotonic: number;

  constructor(clock: Clock, lengthMs: number) {
    this.#clock = clock;
    this.#lengthMs = lengthMs;
    this.#wall = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /** Something that was sent at this time, by both clocks, has been acknowledged. */
  renew(sent: { readonly wall: number; readonly monotonic: number }): void {
    this.#wall = sent.wall;
    this.#monotonic = sent.monotonic;
  }

  now(): { readonly wall: number; readonly monotonic: number } {
    return { wall: this.#clock.now(), monotonic: this.#clock.monotonic() };
  }

  /**
   * Milliseconds since what was acknowledged last was sent. The wall clock may be set back, the other one may stand still
   * while the machine sleeps: the longer one counts.
   */
  get age(): number {
    const { wall, monotonic } = this.now();
    return Math.max(wall - this.#wall, monotonic - this.#monotonic);
  }

  get over(): boolean {
    return this.age >= this.#lengthMs;
  }
}
