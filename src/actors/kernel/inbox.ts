/**
 * The user lane of a cell with its limit and its books: every message that is taken here is handled, put back, or ends
 * as a dead letter (AK15). Timers' messages are in it too, in order of arrival, but count only once they are handled.
 */
import type { Incarnation } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import { Mailbox } from './mailbox.ts';
import { FiredTimer, type ReceiveTimeout, type Timers } from './timers.ts';
import type { TellResult } from './types.ts';

/** What `take` gives when the timer it took does not count any more. */
export const nothing = Symbol('nothing');

export class Inbox<Message> {
  readonly capacity: number;
  /** Messages it takes now: its capacity, or none while it is filled from outside. */
  limit: number;
  /** Is touched whenever something arrives. */
  idle: ReceiveTimeout<Message> | undefined;
  readonly #kernel: Kernel;
  readonly #path: string;
  readonly #mailbox = new Mailbox<Message | FiredTimer<Message>>();
  #timers = 0;

  constructor(kernel: Kernel, path: string, capacity: number) {
    this.#kernel = kernel;
    this.#path = path;
    this.capacity = capacity;
    this.limit = capacity;
  }

  get size(): number {
    return this.#mailbox.size;
  }

  /** Accepted messages that wait. */
  get queued(): number {
    return this.#mailbox.size - this.#timers;
  }

  /** When the oldest message came. */
  get oldest(): number | undefined {
    return this.#mailbox.oldest();
  }

  /** When the message came that was taken last, if that is still known. */
  get taken(): number | undefined {
    return this.#mailbox.taken();
  }

  /** `bound`: it was told to the incarnation that runs now, and is no other's. */
  offer(message: Message, bound: boolean): TellResult {
    const { totals, governor, letters } = this.#kernel;
    if (this.#mailbox.size >= this.limit) {
      letters.refused(this.#path, message);
      return 'full';
    }
    totals.accepted += 1;
    const at = governor.stamp();
    this.#mailbox.push(message, at, bound);
    this.idle?.touch(at);
    return 'accepted';
  }

  /** A timer's message is never refused: there is at most one of each timer. */
  fired(timer: FiredTimer<Message>): void {
    const at = this.#kernel.governor.stamp();
    this.#timers += 1;
    this.#mailbox.push(timer, at);
    this.idle?.touch(at);
  }

  /** Takes the oldest message for `timers`' incarnation to handle. Ask `size` first. */
  take(timers: Timers<Message> | undefined): Message | typeof nothing {
    const { totals } = this.#kernel;
    const taken = this.#mailbox.shift();
    if (this.#timers > 0 && taken instanceof FiredTimer) {
      this.#timers -= 1;
      if (timers?.take(taken) !== true) return nothing;
      totals.accepted += 1;
      totals.handled += 1;
      return taken.message;
    }
    totals.handled += 1;
    // Only timers are wrapped, and none is queued.
    return taken as Message;
  }

  /** The stash takes a message as the mailbox does: it will be handled once more. */
  stash(incarnation: Incarnation<Message>, message: Message): TellResult {
    const { letters, totals } = this.#kernel;
    incarnation.stash ??= [];
    if (incarnation.stash.length >= this.capacity) {
      letters.refused(this.#path, message);
      return 'full';
    }
    totals.accepted += 1;
    incarnation.stash.push(message);
    return 'accepted';
  }

  /** Puts the stash in front of all others, oldest first. */
  unstash(incarnation: Incarnation<Message>): void {
    const { stash } = incarnation;
    if (stash === undefined) return;
    incarnation.stash = undefined;
    const at = this.#kernel.governor.stamp();
    for (const message of stash.reverse()) this.#mailbox.unshift(message, at);
  }

  /** The incarnation is over, and with it whatever was told to it alone. */
  spillBound(): void {
    for (const taken of this.#mailbox.takeBound()) this.#kernel.letters.dropped(this.#path, 'stale', taken);
  }

  /** Nobody will handle what is left. */
  spill(): void {
    while (this.#mailbox.size > 0) {
      const taken = this.#mailbox.shift();
      if (!(taken instanceof FiredTimer)) this.#kernel.letters.dropped(this.#path, 'stopped', taken);
    }
    this.#timers = 0;
  }
}
