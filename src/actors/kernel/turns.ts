/**
 * The turns of one cell: one at a time (AK1), system entries first, many messages in a row while the slice lasts. A
 * handler that gives a promise holds the next message back, not the token: that goes back to nact at once. What an
 * abandoned turn does later has no effect (AK4). What a failure means is the cell's.
 */
import { WeirError } from '../../errors/index.ts';
import type { Timer } from '../../ports/index.ts';
import type { Turnable } from './governor.ts';
import { type Inbox, nothing } from './inbox.ts';
import type { Incarnation, SystemEntry } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import { isThenable } from './thenable.ts';
import type { ActorSnapshot, Failure } from './types.ts';

/** Messages of one turn; then the next cell has its chance. */
const messagesPerTurn = 64;

/** Whose turns they are. */
export interface TurnHost<Message> extends Turnable {
  readonly kernel: Kernel;
  readonly inbox: Inbox<Message>;
  readonly incarnation: Incarnation<Message> | undefined;
  readonly turnDeadlineMs: number | undefined;
  readonly progressWithinMs: number | undefined;
  state: ActorSnapshot['state'];
  /** Makes the next incarnation; called at the start of a turn in state `starting`. */
  begin(): void;
  failed(incarnation: Incarnation<Message>, thrown: unknown, during: Failure['during']): void;
  /** An abandoned turn of this incarnation has settled after all. */
  late(incarnation: Incarnation<Message>): void;
}

interface WaitingTurn {
  readonly since: number;
  readonly overdue: Timer | undefined;
  /** Looks whether anybody waits for the end of this turn, and for how long. */
  stalled: Timer | undefined;
}

export class Turns<Message> {
  /** Nothing to do: the next message or system entry asks for a turn. */
  parked = false;
  /** Turns that were given up and have not settled. */
  abandoned = 0;
  readonly #host: TurnHost<Message>;
  /** A synchronous part of a turn is on the stack. */
  #running = false;
  /** The turn that waits for its promise; the promise of any other one is late. */
  #waiting: WaitingTurn | undefined;
  #phase = 0;
  #left = 0;
  #settled: (() => void)[] | undefined;

  constructor(host: TurnHost<Message>) {
    this.#host = host;
  }

  get underWay(): boolean {
    return this.#running || this.#waiting !== undefined;
  }

  /** When the turn began that waits now. */
  get waitingSince(): number | undefined {
    return this.#waiting?.since;
  }

  /** Asks for a turn. */
  wake(): void {
    this.parked = false;
    this.#host.kernel.governor.ready(this.#host);
  }

  /** Resolves when no turn is under way; `undefined` if none is. */
  settled(): Promise<void> | undefined {
    if (!this.underWay) return undefined;
    return new Promise((resolve) => {
      this.#settled ??= [];
      this.#settled.push(resolve);
    });
  }

  /** One turn, from its token. */
  run(): void {
    const host = this.#host;
    // Asked for before it began to wait, to end or to restart: whatever comes next asks again.
    if (this.#waiting !== undefined || (host.state !== 'live' && host.state !== 'starting')) return;
    this.#phase = host.kernel.governor.phase;
    this.#left = messagesPerTurn;
    this.#running = true;
    if (host.state === 'starting') host.begin();
    this.#drain();
    this.#running = false;
    this.#rest();
  }

  /** The turn waits for `work`, and `done` takes its result, however late. */
  follow<Value>(
    incarnation: Incarnation<Message>,
    during: Failure['during'],
    work: PromiseLike<Value>,
    done?: (value: Value) => void,
  ): void {
    const host = this.#host;
    const { kernel, turnDeadlineMs: withinMs, progressWithinMs } = host;
    const overdue =
      withinMs === undefined ? undefined : kernel.clock.after(withinMs, () => this.#overdue(incarnation, withinMs));
    const waiting: WaitingTurn = { since: kernel.governor.stamp(), overdue, stalled: undefined };
    this.#waiting = waiting;
    // How long a start may take is for whoever starts it to say.
    if (progressWithinMs !== undefined && during !== 'start') this.#watch(waiting, incarnation, progressWithinMs);
    Promise.resolve(work).then(
      (value) => {
        done?.(value);
        if (waiting === this.#waiting) this.#resume();
        else this.#late(incarnation);
      },
      (thrown) => {
        if (waiting === this.#waiting) {
          this.#resume(() => host.failed(incarnation, thrown, during));
          return;
        }
        kernel.logger.debug({ actor: host.path, err: thrown }, 'an abandoned turn failed');
        this.#late(incarnation);
      },
    );
  }

  /** Gives the waiting turn up: it may run on somewhere, but nobody listens any more. */
  abandon(): void {
    if (this.#waiting !== undefined) this.abandoned += 1;
    this.#endWait();
    const { incarnation } = this.#host;
    if (incarnation !== undefined) incarnation.abandoned = true;
  }

  #drain(): void {
    const host = this.#host;
    const { incarnation, inbox } = host;
    const receive = incarnation?.receive;
    if (incarnation === undefined || receive === undefined) return;
    const { governor } = host.kernel;
    while (host.state === 'live' && !incarnation.over && this.#waiting === undefined) {
      const entry = incarnation.lane?.shift();
      if (entry !== undefined) {
        this.#system(incarnation, entry);
        continue;
      }
      if (inbox.size === 0 || this.#left === 0 || governor.spent()) return;
      this.#left -= 1;
      const message = inbox.take(incarnation.timers);
      if (message === nothing) continue;
      try {
        const result = receive.message(message);
        if (result !== undefined && isThenable(result)) this.follow(incarnation, 'message', result);
      } catch (thrown) {
        host.failed(incarnation, thrown, 'message');
      }
    }
  }

  #system(incarnation: Incarnation<Message>, entry: SystemEntry): void {
    if (entry.type === 'fail') {
      this.#host.failed(incarnation, entry.error, entry.during);
      return;
    }
    if (entry.type === 'hang') {
      this.follow(incarnation, 'message', entry.until);
      return;
    }
    try {
      const result = incarnation.receive?.signal?.(entry.signal);
      if (result !== undefined && isThenable(result)) this.follow(incarnation, 'signal', result);
    } catch (thrown) {
      this.#host.failed(incarnation, thrown, 'signal');
    }
  }

  /** `failed` comes first: nothing may run between a failure and what is done about it. */
  #resume(failed?: () => void): void {
    const host = this.#host;
    this.#endWait();
    failed?.();
    if (host.state === 'starting' && host.incarnation?.receive !== undefined) host.state = 'live';
    // Still the same slice: the turn goes on. Otherwise the cell stands in line again.
    if (this.#phase === host.kernel.governor.phase && host.state === 'live') {
      this.#running = true;
      host.kernel.probe?.enters(host.uid);
      this.#drain();
      host.kernel.probe?.enters(0);
      this.#running = false;
    }
    this.#rest();
  }

  /** The incarnation fails while its turn still waits: nobody listens to that turn any more. */
  giveUp(incarnation: Incarnation<Message>, error: Error, during: Failure['during']): void {
    this.abandon();
    this.#host.failed(incarnation, error, during);
    this.#rest();
  }

  #late(incarnation: Incarnation<Message>): void {
    this.abandoned -= 1;
    this.#host.late(incarnation);
  }

  #endWait(): void {
    this.#waiting?.overdue?.cancel();
    this.#waiting?.stalled?.cancel();
    this.#waiting = undefined;
  }

  #watch(waiting: WaitingTurn, incarnation: Incarnation<Message>, withinMs: number, delayMs = withinMs): void {
    const { kernel, path, inbox } = this.#host;
    waiting.stalled = kernel.clock.after(delayMs, () => {
      const { oldest } = inbox;
      const waitedMs = oldest === undefined ? 0 : kernel.clock.monotonic() - oldest;
      // A suspended actor is held up on purpose.
      if (waitedMs < withinMs || this.#host.state === 'suspended') {
        this.#watch(waiting, incarnation, withinMs, Math.max(1, withinMs - waitedMs));
        return;
      }
      const error = new WeirError('WEIR_ACTOR_STALLED', { path, withinMs, waiting: inbox.size });
      this.giveUp(incarnation, error, 'stalled');
    });
  }

  #overdue(incarnation: Incarnation<Message>, withinMs: number): void {
    const error = new WeirError('WEIR_TURN_DEADLINE', { path: this.#host.path, withinMs });
    this.giveUp(incarnation, error, 'turn-deadline');
  }

  /** After each piece of work: who waits for its end is told, and what is left gets another turn. */
  #rest(): void {
    if (this.underWay) return;
    const waiting = this.#settled;
    this.#settled = undefined;
    for (const resolve of waiting ?? []) resolve();
    const { state, inbox, incarnation } = this.#host;
    if (state === 'starting') this.wake();
    else if (state === 'live') {
      if (inbox.size > 0 || (incarnation?.lane?.length ?? 0) > 0) this.wake();
      else this.parked = true;
    }
  }
}
