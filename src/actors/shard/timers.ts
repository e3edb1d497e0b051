/**
 * The timers of a shard: one heap and one timer of the clock for any number of waiting flows.
 * Durability is not its business: each timer stands in a checkpoint and is armed again at restore (W6).
 */
import type { Clock, Timer } from '../../ports/index.ts';

/** What an alarm calls. */
export interface Ringing {
  ring(): void;
}

export interface Alarm {
  readonly due: number;
  cancelled: boolean;
  /** Whoever takes an alarm over, puts itself here; undefined once it has rung or was cancelled. */
  ringing: (() => void) | Ringing | undefined;
}

export class ShardTimers {
  readonly #clock: Clock;
  readonly #run: (turn: () => void) => void;
  readonly #heap: Alarm[] = [];
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
    this.#heap.push(alarm);
    this.#live++;
    this.#up(this.#heap.length - 1);
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
    if (this.#heap.length > 64 && this.#live < this.#heap.length / 4) this.#rebuild();
  }

  /** Nothing rings any more, now or later. */
  close(): void {
    this.#closed = true;
    this.#armed?.timer.cancel();
    this.#armed = undefined;
    this.#heap.length = 0;
    this.#live = 0;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined) return;
    if (this.#armed !== undefined && this.#armed.due <= first.due) return;
    this.#armed?.timer.cancel();
    const timer = this.#clock.after(Math.max(0, first.due - this.#clock.now()), () => {
      this.#armed = undefined;
      this.#run(() => this.#ring());
    });
    this.#armed = { timer, due: first.due };
  }

  #ring(): void {
    const now = this.#clock.now();
    for (let first = this.#heap[0]; first !== undefined && first.due <= now; first = this.#heap[0]) {
      this.#pop();
      if (first.cancelled) continue;
      first.cancelled = true;
      this.#live--;
      const { ringing } = first;
      first.ringing = undefined;
      if (typeof ringing === 'function') ringing();
      else ringing?.ring();
    }
    this.#arm();
  }

  #rebuild(): void {
    const live = this.#heap.filter((alarm) => !alarm.cancelled).sort((a, b) => a.due - b.due);
    this.#heap.splice(0, this.#heap.length, ...live);
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const a = this.#heap[left];
      const b = this.#heap[right];
      if (a === undefined) return;
      const least = b !== undefined && b.due < a.due ? right : left;
      if (!this.#swapIfEarlier(least, index)) return;
      index = least;
    }
  }

  /** Swaps when the alarm at `index` is earlier than the one at `other`. */
  #swapIfEarlier(index: number, other: number): boolean {
    const a = this.#heap[index];
    const b = this.#heap[other];
    if (a === undefined || b === undefined || a.due >= b.due) return false;
    this.#heap[index] = b;
    this.#heap[other] = a;
    return true;
  }
}
