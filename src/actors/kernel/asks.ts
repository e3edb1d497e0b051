/**
 * Questions with a deadline. Most are answered long before it, so a timer for each would cost more than the question:
 * questions with the same time limit stand in one list, which is ordered by itself, and each list has one timer.
 */
import { WeirError } from '../../errors/index.ts';
import type { Clock, Timer } from '../../ports/index.ts';
import { Asked } from './asked.ts';
import type { DeadLetters, Totals } from './dead-letters.ts';
import { ActorRef, cellOf } from './ref.ts';
import type { AskOptions, Ref, TellResult } from './types.ts';

export interface AsksSetup {
  readonly clock: Clock;
  readonly letters: DeadLetters;
  readonly totals: Totals;
}

/** A place in a list; the list's own two ends are one, too. */
interface Link {
  next: Link;
  previous: Link;
}

/** A question as its list sees it. */
interface Open extends Link {
  withinMs: number;
  dueAt: number;
}

export class Asks {
  readonly #setup: AsksSetup;
  readonly #lists = new Map<number, DeadlineList>();
  #number = 0;
  #closed = false;

  constructor(setup: AsksSetup) {
    this.#setup = setup;
  }

  ask<const Request, Reply>(
    ref: Ref<Request>,
    make: (replyTo: Ref<Reply>) => Request,
    { withinMs }: AskOptions,
  ): Promise<Reply> {
    return new Promise<Reply>((resolve, reject) => {
      if (this.#closed) throw new WeirError('WEIR_ACTOR_DEAD', { path: ref.path });
      this.#number += 1;
      const question = new Question<Request, Reply>(this.#setup, ref.path, this.#number, resolve, reject);
      const request = make(question);
      question.request = request;
      // Whoever is no actor has a mailbox of its own, which knows nothing of questions.
      const result = ref instanceof ActorRef ? ref.ask(question) : ref.tell(request);
      if (result === 'accepted') {
        if (!question.settled) this.#list(withinMs).add(question);
        return;
      }
      question.settled = true;
      const capacity = cellOf(ref)?.capacity;
      reject(
        result === 'full'
          ? new WeirError('WEIR_MAILBOX_FULL', { path: ref.path, capacity })
          : new WeirError('WEIR_ACTOR_DEAD', { path: ref.path }),
      );
    });
  }

  /** Fails whatever is still open: nobody may wait for an answer that cannot come. */
  close(): void {
    this.#closed = true;
    for (const list of this.#lists.values()) list.close();
    this.#lists.clear();
  }

  #list(withinMs: number): DeadlineList {
    const known = this.#lists.get(withinMs);
    if (known !== undefined) return known;
    const list = new DeadlineList(this.#setup.clock, withinMs, () => this.#lists.delete(withinMs));
    this.#lists.set(withinMs, list);
    return list;
  }
}

/** One question; it is the reference that is replied to. */
class Question<in out Request, Reply> extends Asked<Request> implements Ref<Reply>, Link {
  settled = false;
  next: Link = this;
  previous: Link = this;
  dueAt = 0;
  withinMs = 0;
  readonly uid: number;
  readonly tell: (reply: Reply) => TellResult;
  readonly #asked: string;
  readonly #totals: Totals;
  readonly #reject: (error: WeirError) => void;

  constructor(
    { letters, totals }: AsksSetup,
    asked: string,
    number: number,
    resolve: (reply: Reply) => void,
    reject: (error: WeirError) => void,
  ) {
    super();
    this.uid = number;
    this.#asked = asked;
    this.#totals = totals;
    this.#reject = reject;
    const tell = (reply: Reply): TellResult => {
      if (this.settled) {
        letters.undeliverable(this.path, 'late-reply', reply);
        return 'dead';
      }
      this.#settle();
      if (!this.waits) this.request = undefined;
      totals.accepted += 1;
      totals.handled += 1;
      resolve(reply);
      return 'accepted';
    };
    // V8 makes a function that is written where it is assigned to a property in old space: each question would stay,
    // with all that it knows of, until the next full collection.
    this.tell = tell;
  }

  get path(): string {
    return `/$ask/${this.uid}`;
  }

  expire(): void {
    this.#settle();
    this.#totals.timedOut += 1;
    this.#reject(new WeirError('WEIR_ASK_TIMEOUT', { path: this.#asked, withinMs: this.withinMs }));
  }

  override abandon(): void {
    if (this.settled) return;
    this.#settle();
    this.#reject(new WeirError('WEIR_ACTOR_DEAD', { path: this.#asked }));
  }

  #settle(): void {
    this.settled = true;
    this.previous.next = this.next;
    this.next.previous = this.previous;
    // Whoever still has it has none of the others.
    this.next = this;
    this.previous = this;
  }
}

/** Questions of one time limit, in the order they were asked and so of their deadlines. */
class DeadlineList {
  readonly #clock: Clock;
  readonly #withinMs: number;
  readonly #drained: () => void;
  readonly #ends: Link = new Ends();
  #timer: Timer | undefined;

  constructor(clock: Clock, withinMs: number, drained: () => void) {
    this.#clock = clock;
    this.#withinMs = withinMs;
    this.#drained = drained;
  }

  add(question: Open): void {
    question.withinMs = this.#withinMs;
    question.dueAt = this.#clock.monotonic() + this.#withinMs;
    const last = this.#ends.previous;
    question.previous = last;
    question.next = this.#ends;
    last.next = question;
    this.#ends.previous = question;
    this.#timer ??= this.#clock.after(this.#withinMs, this.#check);
  }

  close(): void {
    this.#timer?.cancel();
    for (let link = this.#ends.next; link instanceof Question; link = this.#ends.next) link.abandon();
  }

  /** The timer belongs to the list, not to a question: it finds what is due now, and waits for the next one. */
  readonly #check = (): void => {
    const now = this.#clock.monotonic();
    let first = this.#ends.next;
    while (first instanceof Question && first.dueAt <= now) {
      first.expire();
      first = this.#ends.next;
    }
    if (first instanceof Question) this.#timer = this.#clock.after(first.dueAt - now, this.#check);
    else this.#drained();
  };
}

/** Both ends of a list: a ring of one as long as nothing stands in it. */
class Ends implements Link {
  next: Link = this;
  previous: Link = this;
}
