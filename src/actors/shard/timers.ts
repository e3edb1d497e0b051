/**
 * The timers of a shard: one heap and one timer of the clock for any number of waiting flows.
 * Durability is not its business: each timer stands in a checkpoint and is armed again at restore (W6).
 */
import type { Clock, Timer } from '../../ports/index.ts';
import { DueHeap } from './due-heap.ts';

export interface Alarm {
  readonly due: number;
  cancelled: boolean;
  /** Undefined once it has rung or was cancelled. */
  ringing: (() => void) | undefined;
}

/** Alarms that ring in one turn of the shard. When more are due at the same moment, others have their turns in between (W5). */
const atOnce = 128;

export class ShardTimers {
  readonly #clock: Clock;
  readonly #run: (turn: () => void) => void;
  readonly #heap = new DueHeap<Alarm>();
  #armed: { readonly timer: Timer; readonly due: number } | undefined;
  #live = 0;
  #closed = false;

  /** `run` executes what is due as one turn of the shard. */
  constructor(clock: Clock, run: (turn: () => void) => void) {
    this.#clock = clock;
    this.#run = run;
  }

  get size(): number {
    return this.#live;
  }

  /** Rings at `due` (milliseconds since 1970), never before. */
  at(due: number, ringing: () => void): Alarm {
    const alarm: Alarm = { due, cancelled: this.#closed, ringing };
    if (this.#closed) return alarm;
    this.#heap.push(due, alarm);
    this.#live++;
    this.#arm();
    return alarm;
  }

  cancel(alarm: Alarm): void {
    if (alarm.cancelled) return;
    alarm.cancelled = true;
    // It may stay for long, and must not keep what it was for.
    alarm.ringing = undefined;
    this.#live--;
    // Cancelled alarms stay in the heap until they surface; when they are the most of it, it is built anew.
    if (this.#heap.size > 64 && this.#live < this.#heap.size / 4) this.#heap.keep(({ cancelled }) => !cancelled);
  }

  /** Nothing rings any more, now or later. */
  close(): void {
    this.#closed = true;
    this.#armed?.timer.cancel();
    this.#armed = undefined;
    this.#heap.clear();
    this.#live = 0;
  }

  #arm(): void {
    const { due } = this.#heap;
    if (due === undefined) return;
    if (this.#armed !== undefined && this.#armed.due <= due) return;
    this.#armed?.timer.cancel();
    const timer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => {
      this.#armed = undefined;
      this.#run(() => this.#ring());
    });
    this.#armed = { timer, due };
  }

  #ring(): void {
    const now = this.#clock.now();
    for (let rung = 0; rung < atOnce; rung++) {
      const first = this.#heap.take(now);
      if (first === undefined) break;
      if (first.cancelled) continue;
      first.cancelled = true;
      this.#live--;
      const { ringing } = first;
      first.ringing = undefined;
      ringing?.();
    }
    this.#arm();
  }
}
