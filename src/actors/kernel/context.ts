/**
 * What an actor may do, bound to one incarnation: once that is over, its context does nothing any more.
 * Every member is a getter that gives a bound function, so that a behaviour may take its context apart
 * (`({ self, spawn }) => ...`) and an idle actor pays for none of them.
 */
import { WeirError } from '../../errors/index.ts';
import type { Clock, Logger } from '../../ports/index.ts';
import type { Incarnation } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import { ActorRef, type Askee, cellOf } from './ref.ts';
import { type FiredTimer, type ReceiveTimeout, Timers } from './timers.ts';
import type { ActorContext, AskOptions, Behavior, Cause, Ref, Signal, SpawnOptions, TellResult } from './types.ts';

/** What a context needs of its cell. */
export interface Inside<Message> extends Askee<Message> {
  readonly kernel: Kernel;
  readonly ref: Ref<Message>;
  readonly alive: boolean;
  readonly resting: boolean;
  accept(message: Message, bound: boolean): TellResult;
  spawn<Child>(name: string, behavior: Behavior<Child>, options: SpawnOptions): Ref<Child>;
  fail(incarnation: Incarnation<Message>, error: Error): void;
  signal(incarnation: Incarnation<Message>, signal: Signal): void;
  fired(timer: FiredTimer<Message>): void;
  receiveTimeout(timeout: ReceiveTimeout<Message> | undefined): void;
  stash(incarnation: Incarnation<Message>, message: Message): TellResult;
  unstash(incarnation: Incarnation<Message>): void;
}

export class Context<Message> implements ActorContext<Message> {
  readonly #cell: Inside<Message>;
  readonly #incarnation: Incarnation<Message>;
  #log: Logger | undefined;

  constructor(cell: Inside<Message>, incarnation: Incarnation<Message>) {
    this.#cell = cell;
    this.#incarnation = incarnation;
  }

  get self(): Ref<Message> {
    const incarnation = this.#incarnation;
    const cell = this.#cell;
    incarnation.self ??= new ActorRef<Message>(cell, incarnation.uid, (message) => {
      if (!incarnation.over) return cell.accept(message, true);
      // Once its actor is dead, a reference is as dead as any other of it.
      if (!cell.alive) return cell.ref.tell(message);
      cell.kernel.letters.undeliverable(cell.path, 'stale', message);
      return 'dead';
    });
    return incarnation.self;
  }

  get address(): Ref<Message> {
    return this.#cell.ref;
  }

  get log(): Logger {
    this.#log ??= this.#cell.kernel.logger.child({ actor: this.#cell.path, uid: this.#incarnation.uid });
    return this.#log;
  }

  get clock(): Clock {
    return this.#cell.kernel.clock;
  }

  get signal(): AbortSignal {
    return this.#incarnation.signal;
  }

  get spawn(): ActorContext<Message>['spawn'] {
    return <Child>(name: string, behavior: Behavior<Child>, options: SpawnOptions = {}): Ref<Child> => {
      if (this.#incarnation.over) throw this.#over();
      return this.#cell.spawn(name, behavior, options);
    };
  }

  get stop(): ActorContext<Message>['stop'] {
    return async (child) => {
      const cell = cellOf(child);
      if (cell === undefined || !cell.childOf(this.#cell)) {
        throw new WeirError('WEIR_NOT_AN_ACTOR', { path: child.path, by: this.#cell.path, act: 'stop' });
      }
      await cell.stop({ type: 'stopped' });
    };
  }

  get finish(): ActorContext<Message>['finish'] {
    return () => {
      if (!this.#incarnation.over) void this.#cell.stop({ type: 'finished' });
    };
  }

  get fail(): ActorContext<Message>['fail'] {
    return (error) => this.#cell.fail(this.#incarnation, error);
  }

  get watch(): ActorContext<Message>['watch'] {
    return (ref) => {
      const cell = cellOf(ref);
      if (cell === undefined) {
        throw new WeirError('WEIR_NOT_AN_ACTOR', { path: ref.path, by: this.#cell.path, act: 'watch' });
      }
      if (this.#incarnation.over) return;
      const notify = (cause: Cause): void => {
        this.#incarnation.watched(ref);
        this.#cell.signal(this.#incarnation, { type: 'terminated', ref, cause });
      };
      this.#incarnation.watch(ref, () => cell.addWatcher(ref, notify));
    };
  }

  get unwatch(): ActorContext<Message>['unwatch'] {
    return (ref) => this.#incarnation.unwatch(ref);
  }

  get ask(): ActorContext<Message>['ask'] {
    return <const Request, Reply>(
      ref: Ref<Request>,
      make: (replyTo: Ref<Reply>) => Request,
      options: AskOptions,
    ): Promise<Reply> => {
      if (this.#incarnation.over) return Promise.reject(this.#over());
      return this.#cell.kernel.asks.ask(ref, make, options);
    };
  }

  get startTimer(): ActorContext<Message>['startTimer'] {
    return (key, message, delayMs) => {
      if (!this.#incarnation.over) this.#timers().start(key, message, delayMs);
    };
  }

  get cancelTimer(): ActorContext<Message>['cancelTimer'] {
    return (key) => this.#incarnation.timers?.cancel(key);
  }

  get receiveTimeout(): ActorContext<Message>['receiveTimeout'] {
    return (delayMs, message) => {
      // Without a delay there is no message either; with one, leaving it out tells `undefined`, as the type says.
      if (!this.#incarnation.over)
        this.#cell.receiveTimeout(this.#timers().receiveTimeout(delayMs, message as Message));
    };
  }

  get stash(): ActorContext<Message>['stash'] {
    return (message) => {
      // As dead as the incarnation's own reference: that one says so, and makes it a dead letter.
      if (this.#incarnation.over) return this.self.tell(message);
      return this.#cell.stash(this.#incarnation, message);
    };
  }

  get unstashAll(): ActorContext<Message>['unstashAll'] {
    return () => {
      if (!this.#incarnation.over) this.#cell.unstash(this.#incarnation);
    };
  }

  #timers(): Timers<Message> {
    const cell = this.#cell;
    this.#incarnation.timers ??= new Timers<Message>({
      clock: this.clock,
      deliver: (timer) => cell.fired(timer),
      resting: () => cell.resting,
    });
    return this.#incarnation.timers;
  }

  #over(): WeirError {
    return new WeirError('WEIR_ACTOR_DEAD', { path: this.#cell.path });
  }
}
