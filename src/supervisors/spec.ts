/** Supervision as data (AK5, AK6, AK11): what a supervisor is told about itself and about each child. */
import type { ActorContext, Receive } from '../actors/kernel/index.ts';
import { type Duration, toMs } from '../ports/index.ts';

/**
 * Who is restarted with a child that is:
 * - `one-for-one`: nobody. The child keeps its address and its mailbox.
 * - `all-for-one`: all its siblings, for children that only make sense together (OTP's `one_for_all`).
 * - `rest-for-one`: those after it in start order, for children that stand on each other as listed.
 * - `simple-one-for-one`: nobody; it begins without children, which are started by message, and forgets those that ended.
 */
export type Strategy = 'one-for-one' | 'all-for-one' | 'rest-for-one' | 'simple-one-for-one';

/** What a child's `start` is given, at each start and restart. */
export interface ChildStart {
  readonly id: string;
  /** Reports the child ready, if it is `ready: 'when-reported'`; more than once is harmless. */
  readonly ready: () => void;
  /**
   * Calls `listener` with each id of the child's `uses`: at once, and whenever that becomes available or is no longer.
   * It ends with this incarnation. It runs in a turn of the supervisor, so let it tell the child rather than act.
   */
  readonly onAvailability: (listener: (id: string, available: boolean) => void) => void;
}

/**
 * A behaviour of any message type. Children of one supervisor speak different languages, and a list has one type;
 * parameters of methods are compared both ways, which is exactly what is wanted here and nowhere else.
 */
export type AnyBehavior = {
  behavior(context: ActorContext<never>): Receive<never> | Promise<Receive<never>>;
}['behavior'];

export type Restart = 'permanent' | 'transient' | 'temporary';

export interface ChildSpec {
  /** Unique in the supervisor; the child's name. */
  readonly id: string;
  /** Gives the behaviour; called at each start and restart, so what it makes is new each time. */
  readonly start: (child: ChildStart) => AnyBehavior;
  /**
   * `permanent` is always restarted, `transient` only after a failure, `temporary` never, not even together with a
   * sibling. Default `permanent`.
   */
  readonly restart?: Restart;
  /**
   * How long a stop waits for the child before it is given up: a time, `brutal` (nothing is waited for) or `infinite`,
   * which is what a child that is a supervisor needs. Default 5 s.
   */
  readonly shutdown?: Duration | 'brutal' | 'infinite';
  /** Ids of children that must be ready before this one starts; when one falls, this one is stopped until it returns. */
  readonly needs?: readonly string[];
  /** Ids of children, or of services `elsewhere`, whose coming and going this one only wants to know of. */
  readonly uses?: readonly string[];
  /** When the child is ready: when its behaviour has been made (default), or when it has called `ready()`. */
  readonly ready?: 'when-started' | 'when-reported';
  /** From its start the child must be ready within this time, or it has failed. Default: no limit. */
  readonly startWithin?: Duration;
  /** A turn that takes longer is abandoned and is a failure. Default: no limit. */
  readonly turnWithin?: Duration;
  /** While messages wait, one must be handled within this time, or the child has failed. Default: no limit. */
  readonly progressWithin?: Duration;
  /** Messages its mailbox holds. Default 10 000. */
  readonly capacity?: number;
  /**
   * Without this child the others are useless: when it goes down, the supervisor fails with the cause. Its end without a
   * failure counts for `autoShutdown`. Default false.
   */
  readonly significant?: boolean;
  /** Facts that inspection shows beside the child. */
  readonly inspect?: () => Readonly<Record<string, unknown>>;
}

export interface SupervisorSpec {
  readonly strategy: Strategy;
  /** Restarts that each child may have within the period, or `Infinity`; the next failure takes it down. */
  readonly intensity: { readonly max: number; readonly within: Duration };
  /** A restart waits `min`, doubled with each failure within the period up to `max`, and spread by `jitter` (0 to 1). */
  readonly backoff: { readonly min: Duration; readonly max: Duration; readonly jitter: number };
  /** In the order of their start, as far as `needs` leave it to them; they stop in reverse. */
  readonly children: readonly ChildSpec[];
  /** Names that children may use beside each other: services that may run on other workers. Default: none. */
  readonly elsewhere?: readonly string[];
  /**
   * When the supervisor ends by itself because its work is done: once any, or all, of its significant children have ended
   * and are not restarted. An end that the supervisor brought about does not count. Default `never`.
   */
  readonly autoShutdown?: 'never' | 'any-significant' | 'all-significant';
}

const defaultShutdown = '5 s';

/** How long a stop of this child waits, in milliseconds; may be `Infinity`. */
export function shutdownMsOfChild({ shutdown = defaultShutdown }: ChildSpec): number {
  if (shutdown === 'brutal') return 0;
  return shutdown === 'infinite' ? Number.POSITIVE_INFINITY : toMs(shutdown);
}

/**
 * How long a supervisor's own stop must be given, in milliseconds: as long as its children may need one after the other.
 * `Infinity` where that cannot be known.
 */
export function shutdownMsOf({ strategy, children }: SupervisorSpec): number {
  if (strategy === 'simple-one-for-one') return Number.POSITIVE_INFINITY;
  return children.reduce((sum, child) => sum + shutdownMsOfChild(child), 1_000);
}
