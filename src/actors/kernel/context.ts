/**
 * What an actor may do, bound to one incarnation: once that is over, its context does nothing any more.
 * Every member is a getter that gives a bound function, so that a behaviour may take its context apart
 * (`({ self, spawn }) => ...`) and an idle actor pays for none of them.
 */
import { WeirError } from '../../errors/index.ts';
import type { Clock, Logger } from '../../ports/index.ts';
import type { Incarnation } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import { type ActorRef, cellOf } from './ref.ts';
import type { Timers } from './timers.ts';
import type { ActorContext, AskOptions, Behavior, Cause, Ref, Signal, SpawnOptions, TellResult } from './types.ts';

/** What a context needs of its cell. */
export interface Inside<Message> {
  readonly path: string;
  readonly kernel: Kernel;
  selfOf(incarnation: Incarnation<Message>): ActorRef<Message>;
  timersOf(incarnation: Incarnation<Message>): Timers<Message>;
  spawn<Child>(name: string, behavior: Behavior<Child>, options: SpawnOptions): Ref<Child>;
  stop(cause: Cause): Promise<void>;
  fail(incarnation: Incarnation<Message>, error: Error): void;
  signal(incarnation: Incarnation<Message>, signal: Signal): void;
  receiveTimeout(incarnation: Incarnation<Message>, delayMs: number | undefined, message: Message): void;
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
    return this.#cell.selfOf(this.#incarnation);
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
      if (!this.#incarnation.over) this.#cell.timersOf(this.#incarnation).start(key, message, delayMs);
    };
  }

  get cancelTimer(): ActorContext<Message>['cancelTimer'] {
    return (key) => this.#incarnation.timers?.cancel(key);
  }

  get receiveTimeout(): ActorContext<Message>['receiveTimeout'] {
    return (delayMs, message) => {
      // Without a delay there is no message either; with one, leaving it out tells `undefined`, as the type says.
      if (!this.#incarnation.over) this.#cell.receiveTimeout(this.#incarnation, delayMs, message as Message);
    };
  }

  get stash(): ActorContext<Message>['stash'] {
    return (message) => this.#cell.stash(this.#incarnation, message);
  }

  get unstashAll(): ActorContext<Message>['unstashAll'] {
    return () => this.#cell.unstash(this.#incarnation);
  }

  #over(): WeirError {
    return new WeirError('WEIR_ACTOR_DEAD', { path: this.#cell.path });
  }
}
