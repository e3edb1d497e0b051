/**
 * The timers of cold flows: a time and a key for each, behind one alarm of the shard for the earliest of them all.
 * Of a flow that is not cold any more, or rings at another time by now, an entry stays behind until it surfaces.
 */
import type { Clock } from '../../ports/index.ts';
import { type Alarm, DueHeap, type ShardTimers } from '../shard/index.ts';

export interface ColdAlarmsSetup {
  readonly host: { readonly clock: Clock; readonly timers: ShardTimers };
  /** How many flows are cold. */
  readonly count: () => number;
  /** When the flow of a key rings, in milliseconds since 1970; undefined when it is not cold. */
  readonly dueOf: (key: string) => number | undefined;
  /** The time of the flow of a key has come. */
  readonly ring: (key: string) => void;
}

/** Fewer entries are not worth looking through for those that were left behind. */
const few = 64;

export class ColdAlarms {
  readonly #setup: ColdAlarmsSetup;
  readonly #heap = new DueHeap<string>();
  #alarm: Alarm | undefined;

  constructor(setup: ColdAlarmsSetup) {
    this.#setup = setup;
  }

  /** How many entries there are, those that were left behind included. */
  get entries(): number {
    return this.#heap.size;
  }

  /** Nothing rings before `restored`. */
  restore(due: number, key: string): void {
    this.#heap.push(due, key);
  }

  restored(): void {
    this.#arm();
  }

  set(due: number, key: string): void {
    const { count, dueOf } = this.#setup;
    this.#heap.push(due, key);
    if (this.#heap.size > few && this.#heap.size > 2 * count()) this.#heap.keep((key, due) => dueOf(key) === due);
    this.#arm();
  }

  #arm(): void {
    const { due } = this.#heap;
    const { timers } = this.#setup.host;
    if (due === undefined) return;
    if (this.#alarm !== undefined) {
      if (this.#alarm.due <= due) return;
      timers.cancel(this.#alarm);
    }
    this.#alarm = timers.at(due, () => {
      this.#alarm = undefined;
      this.#ring();
    });
  }

  /** One flow for each alarm of the shard: how many may wake in one turn is for the shard to say. */
  #ring(): void {
    const now = this.#setup.host.clock.now();
    const key = this.#firstCold(now);
    if (key !== undefined) this.#setup.ring(key);
    this.#arm();
  }

  #firstCold(now: number): string | undefined {
    for (;;) {
      const key = this.#heap.take(now);
      if (key === undefined) return undefined;
      const due = this.#setup.dueOf(key);
      if (due !== undefined && due <= now) return key;
    }
  }
}
