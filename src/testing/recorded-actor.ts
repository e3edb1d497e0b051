/** One incarnation of a behaviour whose context records what it does, and does nothing. */
import type { ActorContext, Behavior, Receive, Ref, Signal } from '../actors/kernel/index.ts';
import { messageOf } from '../errors/index.ts';
import type { CapturedLog } from './captured-log.ts';
import { brief } from './expectation.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Kinds of effects, by the names under which tests expect them. */
export type EffectKind =
  | 'told'
  | 'spawned'
  | 'stopped'
  | 'watched'
  | 'unwatched'
  | 'timers'
  | 'cancelled'
  | 'receiveTimeouts'
  | 'stashed'
  | 'finished'
  | 'failed';

export interface Effect {
  readonly kind: EffectKind;
  readonly text: string;
  readonly value: unknown;
}

export interface Recording {
  readonly clock: VirtualClock;
  readonly log: CapturedLog;
  readonly ref: (name: string) => Ref<unknown>;
  readonly record: Effect[];
}

export class RecordedActor<Message> {
  readonly #recording: Recording;
  readonly #receive: Receive<Message> | undefined;
  readonly #timers = new Map<string, Message>();
  readonly #stash: Message[] = [];
  #over = false;

  constructor(behavior: Behavior<Message>, recording: Recording) {
    this.#recording = recording;
    this.#receive = this.#turn('it starts', () => {
      const receive = behavior(this.#context());
      if (receive instanceof Promise) throw asynchronous('it starts');
      return receive;
    });
  }

  handle(messages: readonly Message[]): void {
    const queue = [...messages];
    for (let message = take(queue); message !== undefined; message = take(queue)) {
      const { value } = message;
      this.#turn('it handles a message', () => this.#receive?.message(value));
      queue.unshift(...this.#unstashed.splice(0));
    }
  }

  ring(key: string, error: (message: string) => Error): void {
    if (!this.#timers.has(key)) throw error(`there is no timer "${key}" to ring`);
    const message = take([...this.#timers].flatMap(([name, value]) => (name === key ? [value] : [])));
    this.#timers.delete(key);
    if (message !== undefined) this.handle([message.value]);
  }

  signal(signal: Signal): void {
    this.#turn('it is told of an end', () => this.#receive?.signal?.(signal));
  }

  readonly #unstashed: Message[] = [];

  #did(kind: EffectKind, text: string, value: unknown): void {
    this.#recording.record.push({ kind, text, value });
  }

  #turn<T>(what: string, run: () => T): T | undefined {
    if (this.#over) return undefined;
    try {
      const result = run();
      if (result instanceof Promise) throw asynchronous(what);
      return result;
    } catch (thrown) {
      if (thrown instanceof AsynchronousError) throw thrown;
      this.#failed(thrown);
      return undefined;
    }
  }

  #failed(thrown: unknown): void {
    this.#over = true;
    this.#did('failed', `fail with ${brief(messageOf(thrown))}`, thrown);
  }

  #context(): ActorContext<Message> {
    const { clock, log, ref } = this.#recording;
    const abort = new AbortController();
    return {
      self: ref('self'),
      address: ref('self'),
      clock,
      log: log.logger,
      signal: abort.signal,
      spawn: <Child>(name: string): Ref<Child> => {
        this.#did('spawned', `spawn ${name}`, name);
        return ref(`self/${name}`);
      },
      stop: async (child) => this.#did('stopped', `stop ${child.path}`, child.path),
      finish: () => {
        this.#over = true;
        this.#did('finished', 'finish', true);
      },
      fail: (error) => this.#failed(error),
      watch: (watched) => this.#did('watched', `watch ${watched.path}`, watched),
      unwatch: (watched) => this.#did('unwatched', `unwatch ${watched.path}`, watched),
      ask: <const Request, Reply>(asked: Ref<Request>, make: (replyTo: Ref<Reply>) => Request): Promise<Reply> => {
        asked.tell(make(ref('self/ask')));
        // Its answer would come after the turn: a test that needs one has a system.
        return new Promise<Reply>(() => undefined);
      },
      startTimer: (key, message, delayMs) => {
        this.#timers.set(key, message);
        this.#did('timers', `timer ${key} ${brief(message)} after ${delayMs} ms`, [key, message, delayMs]);
      },
      cancelTimer: (key) => {
        this.#timers.delete(key);
        this.#did('cancelled', `cancel timer ${key}`, key);
      },
      receiveTimeout: (delayMs) => this.#did('receiveTimeouts', `receive timeout ${delayMs ?? 'off'}`, delayMs),
      stash: (message) => {
        this.#stash.push(message);
        this.#did('stashed', `stash ${brief(message)}`, message);
        return 'accepted';
      },
      unstashAll: () => void this.#unstashed.push(...this.#stash.splice(0)),
    };
  }
}

class AsynchronousError extends Error {}

function asynchronous(what: string): AsynchronousError {
  return new AsynchronousError(`the behaviour awaits something when ${what}: test it with actorKit`);
}

/** The first of a list, taken out; a message may be `undefined`. */
function take<T>(list: T[]): { readonly value: T } | undefined {
  if (list.length === 0) return undefined;
  const [first] = list.splice(0, 1).map((value) => ({ value }));
  return first;
}
