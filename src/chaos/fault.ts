/**
 * Faults by name: plain JSON data, the same words in tests, in simulation and against a running node.
 *
 * Owns the words and their types; what each may be aimed at is `words.ts`'s, how they are read `read-fault.ts`'s.
 * A fault strikes until it is cleared, unless `for` (how long) or `times` (how often) ends it before; `odds` says how
 * likely each occasion is struck (default 1). `crash` and `torn-write` strike once.
 */
import type { Duration } from '../ports/index.ts';
import type { ActorTarget, Aim, LogTarget, PeerTarget, ShardTarget } from './target.ts';

/** A duration, forwards or backwards: `'5 s'`, `'-200 ms'`, milliseconds. */
export type Shift = Duration | `-${Exclude<Duration, number>}`;

interface Lasting {
  /** How long it lasts. Default: until it is cleared. */
  readonly for?: Duration;
}

interface Striking extends Lasting {
  /** How often it strikes. Default: until it is cleared, or `for` is over. */
  readonly times?: number;
  /** How likely each occasion is struck, above 0, at most 1. Default 1. */
  readonly odds?: number;
}

export type Fault =
  /**
   * The worker dies as by SIGKILL, at once; an actor fails at its next turn. On the log or a shard: the worker dies at
   * the next write there, `before` (the default) or `after` it has taken effect.
   */
  | {
      readonly type: 'crash';
      /** Default `worker`. */
      readonly on?: 'worker' | LogTarget | ShardTarget | ActorTarget;
      readonly when?: 'before' | 'after';
    }
  /** The worker stands still, as by SIGSTOP and SIGCONT, and needs `for`; the next turn of an actor does not settle. */
  | ({ readonly type: 'hang'; readonly on?: 'worker' | ActorTarget } & Lasting)
  /** Writes, or messages between members, take longer by `by`. Default `log`. */
  | ({ readonly type: 'slow'; readonly on?: LogTarget | ShardTarget | PeerTarget; readonly by: Duration } & Striking)
  /** A write takes effect, but its acknowledgement is lost. Default `log`. */
  | ({ readonly type: 'lost-ack'; readonly on?: LogTarget | ShardTarget } & Striking)
  /** The next write is cut in the middle on the disk, and the worker dies before anybody hears of it. */
  | { readonly type: 'torn-write'; readonly on?: LogTarget }
  /** A message between members, or a write, arrives twice. Default `peers`. */
  | ({ readonly type: 'duplicate'; readonly on?: PeerTarget | LogTarget | ShardTarget } & Striking)
  /** A message between members is overtaken by the next one, or comes later by `by` (default 100 ms). Default `peers`. */
  | ({ readonly type: 'reorder'; readonly on?: PeerTarget; readonly by?: Duration } & Striking)
  /** A message between members never arrives. Default `peers`. */
  | ({ readonly type: 'lose'; readonly on?: PeerTarget } & Striking)
  /** Nothing gets through in either direction: between worker and log, or to and from members. */
  | ({ readonly type: 'partition'; readonly on: LogTarget | PeerTarget } & Lasting)
  /** The wall clock is off by `by`; with `drift` 0.01 all time runs one hundredth too fast. One of the two, or both. */
  | ({ readonly type: 'clock-skew'; readonly on?: 'clock'; readonly by?: Shift; readonly drift?: number } & Lasting)
  /** Another owner claims the shard (of the log: every shard of this worker), and keeps it for `for`, default 1 s. */
  | ({ readonly type: 'fenced-writer'; readonly on: LogTarget | ShardTarget } & Lasting)
  /** Writes find no space left. */
  | ({ readonly type: 'full-disk'; readonly on?: LogTarget } & Lasting)
  /** The mailbox of an actor takes nothing more. */
  | ({ readonly type: 'full-mailbox'; readonly on: ActorTarget } & Lasting);

/** The words, such as `lost-ack`. */
export type FaultWord = Fault['type'];

/** A fault that has been read: every default filled in, durations in milliseconds. */
export interface ReadFault {
  readonly word: FaultWord;
  readonly aim: Aim;
  readonly forMs: number | undefined;
  readonly times: number | undefined;
  readonly odds: number;
  /** Negative only for `clock-skew`. */
  readonly byMs: number;
  readonly drift: number;
  readonly when: 'before' | 'after';
}
