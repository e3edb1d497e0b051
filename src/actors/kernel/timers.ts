/**
 * Timers of one incarnation: keyed timers and the receive timeout. What they tell goes through the mailbox in order of
 * arrival, and is handled only if it still counts then: a restart, a cancel or a newer timer of the key voids it.
 */
import type { Clock, Timer } from '../../ports/index.ts';

/** A timer's message in the mailbox. */
export class FiredTimer<Message> {
  readonly message: Message;
  /** False once it was cancelled, replaced or its incarnation ended. */
  valid = true;
  readonly key: string | undefined;
  timer: Timer | undefined;

  constructor(message: Message, key: string | undefined) {
    this.message = message;
    this.key = key;
  }

  void(): void {
    this.valid = false;
    this.timer?.cancel();
  }
}

export interface TimersSetup<Message> {
  readonly clock: Clock;
  /** Puts a fired timer's message in the mailbox; it is never refused. */
  readonly deliver: (fired: FiredTimer<Message>) => void;
  /** Whether the actor has neither a message queued nor a turn under way. */
  readonly resting: () => boolean;
}

export class Timers<Message> {
  readonly #setup: TimersSetup<Message>;
  readonly #keyed = new Map<string, FiredTimer<Message>>();
  #timeout: ReceiveTimeout<Message> | undefined;

  constructor(setup: TimersSetup<Message>) {
    this.#setup = setup;
  }

  start(key: string, message: Message, delayMs: number): void {
    this.cancel(key);
    const entry = new FiredTimer(message, key);
    entry.timer = this.#setup.clock.after(delayMs, () => this.#setup.deliver(entry));
    this.#keyed.set(key, entry);
  }

  cancel(key: string): void {
    this.#keyed.get(key)?.void();
    this.#keyed.delete(key);
  }

  /** Called when a fired timer's message is about to be handled; false if it no longer counts. */
  take(fired: FiredTimer<Message>): boolean {
    if (fired.key !== undefined && this.#keyed.get(fired.key) === fired) this.#keyed.delete(fired.key);
    return fired.valid;
  }

  /** Sets or ends the receive timeout; returns what must be touched whenever something arrives. */
  receiveTimeout(delayMs: number | undefined, message: Message): ReceiveTimeout<Message> | undefined {
    this.#timeout?.close();
    this.#timeout = delayMs === undefined ? undefined : new ReceiveTimeout(this.#setup, delayMs, message);
    return this.#timeout;
  }

  close(): void {
    for (const entry of this.#keyed.values()) entry.void();
    this.#keyed.clear();
    this.#timeout?.close();
  }
}

export class ReceiveTimeout<Message> {
  readonly #setup: TimersSetup<Message>;
  readonly #delayMs: number;
  readonly #message: Message;
  #arrived: number;
  #timer: Timer;
  #fired: FiredTimer<Message> | undefined;

  constructor(setup: TimersSetup<Message>, delayMs: number, message: Message) {
    this.#setup = setup;
    this.#delayMs = delayMs;
    this.#message = message;
    this.#arrived = setup.clock.monotonic();
    this.#timer = setup.clock.after(delayMs, this.#check);
  }

  /** Something arrived. Only the moment is noted: moving a timer for each message would cost more than the message. */
  touch(at: number): void {
    this.#arrived = at;
  }

  close(): void {
    this.#timer.cancel();
    this.#fired?.void();
  }

  readonly #check = (): void => {
    const { clock, deliver, resting } = this.#setup;
    const now = clock.monotonic();
    const left = this.#arrived + this.#delayMs - now;
    if (left > 0) {
      this.#timer = clock.after(left, this.#check);
      return;
    }
    this.#timer = clock.after(this.#delayMs, this.#check);
    // An actor that is busy or has work waiting is not idle, however long ago the work arrived.
    if (!resting()) return;
    this.#arrived = now;
    this.#fired = new FiredTimer(this.#message, undefined);
    deliver(this.#fired);
  };
}
