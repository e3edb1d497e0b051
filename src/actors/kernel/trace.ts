/**
 * A trace of one actor: kinds and times of its messages while somebody looks. Owns what is kept of them. It stands
 * between the turn and the behaviour, in place of that; an actor that nobody traces has nothing of it on its way.
 */
import type { Clock } from '../../ports/index.ts';
import { kindOf } from './kind.ts';
import { isThenable } from './thenable.ts';
import type { ActorTrace, Receive, TracedMessage, TraceSettings } from './types.ts';

const mostKept = 1_000;

/** What a trace sees of the actor at the moment a message is handled. */
interface Traced {
  /** Of the running incarnation. */
  readonly uid: number;
  readonly inbox: {
    /** Messages that wait behind this one. */
    readonly size: number;
    /** When the message came, in the clock's monotonic time. */
    readonly taken: number | undefined;
  };
}

type Entry = { -readonly [Key in keyof TracedMessage]: TracedMessage[Key] };

/** The traces of one cell. */
export class Tracing<Message> {
  readonly #traces = new Set<Trace>();
  readonly #traced: Traced;
  #plain: Receive<Message> | undefined;

  /** @param plain the behaviour that runs now */
  constructor(traced: Traced, plain: Receive<Message> | undefined) {
    this.#traced = traced;
    this.#plain = plain;
  }

  /** @param changed is given what the turns must call from now on, at the begin of the trace and at its end */
  begin(clock: Clock, settings: TraceSettings, changed: (receive: Receive<Message> | undefined) => void): ActorTrace {
    const trace = new Trace(clock, settings, () => {
      if (this.#traces.delete(trace)) changed(this.#around(this.#plain));
    });
    this.#traces.add(trace);
    changed(this.#around(this.#plain));
    return trace;
  }

  /** What the turns of a new incarnation call instead of its behaviour. */
  around(receive: Receive<Message>): Receive<Message> {
    this.#plain = receive;
    return this.#around(receive) ?? receive;
  }

  #around(receive: Receive<Message> | undefined): Receive<Message> | undefined {
    let around = receive;
    for (const trace of this.#traces) around = around && trace.around(around, this.#traced);
    return around;
  }
}

class Trace implements ActorTrace {
  seen = 0;
  readonly #clock: Clock;
  readonly #keep: number;
  readonly #every: number;
  readonly #entries: Entry[] = [];
  readonly #ended: () => void;

  constructor(clock: Clock, { keep = 100, every = 1 }: TraceSettings, ended: () => void) {
    this.#clock = clock;
    this.#keep = Math.min(mostKept, Math.max(1, Math.floor(keep)));
    this.#every = Math.max(1, Math.floor(every));
    this.#ended = ended;
  }

  entries(): readonly TracedMessage[] {
    return this.#entries.map((entry) => ({ ...entry }));
  }

  stop(): void {
    this.#ended();
  }

  /** Puts the trace between the turns and a behaviour. */
  around<Message>(receive: Receive<Message>, traced: Traced): Receive<Message> {
    const { signal, ended } = receive;
    return {
      message: (message) => this.#follow(kindOf(message), traced, () => receive.message(message)),
      ...(signal === undefined
        ? {}
        : { signal: (told) => this.#follow(`signal ${told.type}`, undefined, () => signal.call(receive, told)) }),
      ...(ended === undefined ? {} : { ended: (cause) => ended.call(receive, cause) }),
    };
  }

  #follow(kind: string, traced: Traced | undefined, run: () => void | Promise<void>): void | Promise<void> {
    this.seen += 1;
    if ((this.seen - 1) % this.#every !== 0) return run();
    const began = this.#clock.monotonic();
    const entry: Entry = {
      at: this.#clock.now(),
      uid: traced?.uid,
      kind,
      waitMs: Math.max(0, began - (traced?.inbox.taken ?? began)),
      tookMs: undefined,
      waiting: traced?.inbox.size ?? 0,
      outcome: 'running',
    };
    this.#entries.push(entry);
    if (this.#entries.length > this.#keep) this.#entries.shift();
    const end = (outcome: Entry['outcome']): void => {
      entry.tookMs = this.#clock.monotonic() - began;
      entry.outcome = outcome;
    };
    try {
      const result = run();
      if (result === undefined || !isThenable(result)) {
        end('handled');
        return result;
      }
      // Beside the turn, which has its own wait for the same promise and its own way with a failure.
      result.then(
        () => end('handled'),
        () => end('failed'),
      );
      return result;
    } catch (thrown) {
      end('failed');
      throw thrown;
    }
  }
}
