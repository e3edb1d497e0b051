/**
 * The user lane of a cell with its limit and its books: every message that is taken here is handled, put back, or ends
 * as a dead letter (AK15). Timers' messages are in it too, in order of arrival, but count only once they are handled.
 */
import { Asked, messageOfEntry } from './asked.ts';
import type { Incarnation } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import { Mailbox } from './mailbox.ts';
import { FiredTimer, type ReceiveTimeout, type Timers } from './timers.ts';
import type { DeadLetter, TellResult } from './types.ts';

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
  readonly #mailbox = new Mailbox<Message | Asked<Message> | FiredTimer<Message>>();
  #timers = 0;
  /** Entries of the mailbox and the stash that are questions. */
  #questions = 0;
  /** The question that was taken last. */
  #asked: Asked<Message> | undefined;

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
  offer(entry: Message | Asked<Message>, bound: boolean): TellResult {
    const { totals, governor, letters } = this.#kernel;
    if (this.#mailbox.size >= this.limit) {
      letters.refused(this.#path, messageOfEntry(entry));
      return 'full';
    }
    totals.accepted += 1;
    const at = governor.stamp();
    this.#mailbox.push(entry, at, bound);
    this.idle?.touch(at);
    return 'accepted';
  }

  /** What was offered just now is a question. */
  asked(asked: Asked<Message>): void {
    asked.waits = true;
    this.#questions += 1;
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
    if (this.#questions > 0 && taken instanceof Asked) {
      this.#questions -= 1;
      taken.waits = false;
      this.#asked = taken;
      return messageOfEntry(taken);
    }
    // Only timers and questions are wrapped, and neither is queued.
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
    const asked = this.#asked;
    if (asked !== undefined && asked.request === message) {
      this.asked(asked);
      incarnation.stash.push(asked);
    } else incarnation.stash.push(message);
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
    for (const taken of this.#mailbox.takeBound()) this.#drop(taken, 'stale');
  }

  /** Nobody will handle what is left. */
  spill(): void {
    while (this.#mailbox.size > 0) {
      this.#drop(this.#mailbox.shift(), 'stopped');
    }
    this.#timers = 0;
    this.#asked = undefined;
  }

  #drop(taken: Message | Asked<Message> | FiredTimer<Message>, reason: DeadLetter['reason']): void {
    if (taken instanceof FiredTimer) return;
    if (taken instanceof Asked) this.#questions -= 1;
    this.#kernel.letters.dropped(this.#path, reason, messageOfEntry(taken));
    if (taken instanceof Asked) taken.abandon();
  }
}
