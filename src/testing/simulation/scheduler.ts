/**
 * The scheduler of a simulation: one thread, on which every simulated process has a lane of its own.
 *
 * Owns time, timers and the order of everything that runs. Within a lane events keep their order, as the macrotasks of
 * a process do; which lane runs next is drawn from the seed. One event runs to its end, with all microtasks that it
 * causes, before the next one starts: what a process does between two of its turns is never cut in two by another.
 */
import type { Clock, Random, Timer } from '../../ports/index.ts';

export interface SchedulerSetup {
  readonly random: Random;
  /** Wall clock at the start, in milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly start?: number;
  /** Virtual milliseconds that one event takes. Default 0.02. */
  readonly eventMs?: number;
  /** Told of every event that runs: the lane's number and the time. */
  readonly onEvent?: ((lane: number, at: number) => void) | undefined;
  /** Runs something once the microtasks of this moment have ended. Default: the next tick of the process. */
  readonly afterMicrotasks?: (run: () => void) => void;
}

/** A simulated process: the clock that its code is given. */
export interface Lane extends Clock {
  readonly name: string;
  /** Whether anything of it may still run. */
  readonly alive: boolean;
  /** Nothing of it runs until `thaw`; what becomes due meanwhile runs then (as with SIGSTOP and SIGCONT). */
  freeze(): void;
  thaw(): void;
  /** Nothing of it ever runs again, nor can it schedule anything. */
  kill(): void;
  /** Runs a function as the lane's next event but those that wait already; resolves with what it returns. */
  run<Value>(run: () => Value | Promise<Value>): Promise<Value>;
}

/** How a run of the scheduler ended: `done` was true, nothing was left that could run, or time was up. */
export type RunEnd = 'done' | 'idle' | 'deadline';

/** What waits for it runs in a microtask, for a fraction of what `queueMicrotask` costs. */
const settled = Promise.resolve();

/** After so many events the process gets a chance for its own input and output. */
const eventsBetweenBreaths = 50_000;

export class Scheduler {
  readonly #random: Random;
  readonly #start: number;
  readonly #eventMs: number;
  readonly #onEvent: SchedulerSetup['onEvent'];
  readonly #afterMicrotasks: SchedulerSetup['afterMicrotasks'];
  readonly #timers = new TimerHeap();
  /** Lanes that have something to run and may run it. */
  readonly #runnable: SimulatedLane[] = [];
  #lanes = 0;
  #current: SimulatedLane | undefined;
  #now = 0;
  events = 0;

  constructor({ random, start, eventMs, onEvent, afterMicrotasks }: SchedulerSetup) {
    this.#random = random;
    this.#start = start ?? Date.UTC(2026, 0, 1);
    this.#eventMs = eventMs ?? 0.02;
    this.#onEvent = onEvent;
    this.#afterMicrotasks = afterMicrotasks;
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  /** The lane whose event is running; what ambient code schedules belongs to it. */
  get current(): Lane | undefined {
    return this.#current;
  }

  lane(name: string): Lane {
    return this.#lane(name, false);
  }

  /**
   * What is on its way between processes. Its timers fire between two events, and make none of their own: for what does
   * nothing but put something on another lane, at once and without a promise.
   */
  wire(name: string): Lane {
    return this.#lane(name, true);
  }

  #lane(name: string, isWire: boolean): Lane {
    const lane: SimulatedLane = new SimulatedLane({
      name,
      isWire,
      number: this.#lanes++,
      now: () => this.#now,
      start: this.#start,
      wake: () => void this.#runnable.push(lane),
      timer: (delayMs, fire) => this.#timers.add(this.#now + Math.max(0, delayMs), lane, fire),
    });
    return lane;
  }

  /**
   * Runs events until `done()`, checked after each of them.
   * @throws whatever an event throws: code under test has owners for its errors, so an error here is a defect
   */
  run(done: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<RunEnd> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        // Microtasks of the event before were still its own.
        this.#current = undefined;
        try {
          const next = done() ? 'done' : this.#next(untilMs);
          if (typeof next === 'string') {
            resolve(next);
            return;
          }
          this.#runOne(next);
        } catch (error) {
          reject(error);
          return;
        }
        if (this.events % eventsBetweenBreaths === 0) breathe(step);
        else later();
      };
      const tick = (): void => process.nextTick(step);
      const after = this.#afterMicrotasks;
      const later = after === undefined ? (): void => void settled.then(tick) : (): void => after(step);
      later();
    });
  }

  #runOne(lane: SimulatedLane): void {
    this.#now += this.#eventMs;
    this.events += 1;
    this.#current = lane;
    this.#onEvent?.(lane.number, this.#now);
    lane.takeNext()();
  }

  /** Makes an event of each timer that is due, but those of wires. */
  #ripen(): void {
    for (let timer = this.#timers.take(this.#now); timer !== undefined; timer = this.#timers.take(this.#now)) {
      const { lane } = timer;
      if (lane.isWire) {
        this.#current = lane;
        timer.fire?.();
        this.#current = undefined;
      } else {
        lane.soon(timer.ring);
      }
    }
  }

  /** Draws the lane that runs next; when none can run, time jumps to the next timer. */
  #next(untilMs: number): SimulatedLane | Exclude<RunEnd, 'done'> {
    for (;;) {
      this.#ripen();
      const { length } = this.#runnable;
      if (length > 0) {
        const at = length === 1 ? 0 : Math.floor(this.#random.next() * length);
        const lane = this.#runnable[at];
        if (lane?.ready === true) return lane;
        // Frozen, killed or without events: it comes back when that changes.
        const last = this.#runnable.pop();
        if (last !== undefined && at < length - 1) this.#runnable[at] = last;
        lane?.forget();
        continue;
      }
      const due = this.#timers.nextDue();
      if (due === undefined) return 'idle';
      if (due > untilMs) {
        this.#now = Math.max(this.#now, untilMs);
        return 'deadline';
      }
      this.#now = Math.max(this.#now, due);
    }
  }
}

/** The real one, whatever stands in its place while a simulation runs. */
const breathe = setImmediate;

interface LaneSetup {
  readonly name: string;
  readonly isWire: boolean;
  readonly number: number;
  readonly start: number;
  readonly now: () => number;
  /** Puts the lane among those that may run. */
  readonly wake: () => void;
  readonly timer: (delayMs: number, fire: () => void) => Timer;
}

class SimulatedLane implements Lane {
  readonly name: string;
  readonly isWire: boolean;
  readonly number: number;
  readonly #setup: LaneSetup;
  /** Those that wait stand from `#head` to `#end`; places are used again, since most wait alone. */
  readonly #events: Array<(() => void) | undefined> = [];
  #head = 0;
  #end = 0;
  #queued = false;
  #frozen = false;
  #killed = false;

  constructor(setup: LaneSetup) {
    this.name = setup.name;
    this.isWire = setup.isWire;
    this.number = setup.number;
    this.#setup = setup;
  }

  get alive(): boolean {
    return !this.#killed;
  }

  get ready(): boolean {
    return !this.#frozen && this.#head < this.#end;
  }

  now(): number {
    // Whole milliseconds, as the wall clock of a machine gives them.
    return this.#setup.start + Math.floor(this.#setup.now());
  }

  monotonic(): number {
    return this.#setup.now();
  }

  after(delayMs: number, fire: () => void): Timer {
    if (this.#killed) return { cancel: () => undefined };
    return this.#setup.timer(delayMs, fire);
  }

  soon(run: () => void): void {
    if (this.#killed) return;
    this.#events[this.#end] = run;
    this.#end += 1;
    this.#wake();
  }

  run<Value>(run: () => Value | Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.soon(() => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    this.#wake();
  }

  kill(): void {
    this.#killed = true;
    this.#events.length = 0;
    this.#head = 0;
    this.#end = 0;
  }

  takeNext(): () => void {
    const event = this.#events[this.#head];
    if (event === undefined) throw new Error(`lane ${this.name} has no event`);
    this.#events[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#end) {
      this.#head = 0;
      this.#end = 0;
    }
    return event;
  }

  /** The scheduler has dropped it from those that may run. */
  forget(): void {
    this.#queued = false;
  }

  #wake(): void {
    if (this.#queued || !this.ready) return;
    this.#queued = true;
    this.#setup.wake();
  }
}

class HeapTimer implements Timer {
  readonly due: number;
  readonly order: number;
  readonly lane: SimulatedLane;
  fire: (() => void) | undefined;
  /** Its event: it can still be cancelled between the moment it is due and its turn. */
  readonly ring = (): void => this.fire?.();

  constructor(due: number, order: number, lane: SimulatedLane, fire: () => void) {
    this.due = due;
    this.order = order;
    this.lane = lane;
    this.fire = fire;
  }

  cancel(): void {
    this.fire = undefined;
  }
}

/** Timers by the time they are due, then in the order they were made. A cancelled one is dropped when its time comes. */
class TimerHeap {
  readonly #heap: HeapTimer[] = [];
  #made = 0;

  add(due: number, lane: SimulatedLane, fire: () => void): Timer {
    const timer = new HeapTimer(due, this.#made++, lane, fire);
    this.#heap.push(timer);
    this.#rise(this.#heap.length - 1);
    return timer;
  }

  nextDue(): number | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.fire !== undefined && top.lane.alive) return top.due;
      this.#pop();
    }
    return undefined;
  }

  /** Takes the first one that is due and was not cancelled. */
  take(now: number): HeapTimer | undefined {
    for (let top = this.#heap[0]; top !== undefined && top.due <= now; top = this.#heap[0]) {
      this.#pop();
      if (top.fire !== undefined && top.lane.alive) return top;
    }
    return undefined;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      const here = heap[at];
      const parent = heap[above];
      if (here === undefined || parent === undefined || !before(here, parent)) return;
      heap[at] = parent;
      heap[above] = here;
      at = above;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2]) {
        const child = heap[below];
        const smallest = heap[least];
        if (child !== undefined && smallest !== undefined && before(child, smallest)) least = below;
      }
      const here = heap[at];
      const child = heap[least];
      if (least === at || here === undefined || child === undefined) return;
      heap[at] = child;
      heap[least] = here;
      at = least;
    }
  }
}

function before(a: HeapTimer, b: HeapTimer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
