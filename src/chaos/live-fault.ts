/** A fault under way: what it may still do, and how it looks from outside. */
import type { Timer } from '../ports/index.ts';
import type { Fault, ReadFault } from './fault.ts';

/** A fault that was injected and is not over. Plain data. */
export interface ActiveFault {
  readonly id: number;
  readonly fault: Fault;
  /** The same as a sentence. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** When it is over by itself; absent when it is not. */
  readonly until?: number;
  /** How often it may still strike; absent when that is not limited. */
  readonly left?: number;
  readonly struck: number;
}

export interface Live extends ReadFault {
  readonly id: number;
  readonly fault: Fault;
  readonly text: string;
  readonly since: number;
  readonly sinceMonotonic: number;
  readonly untilMonotonic: number;
  left: number;
  struck: number;
  readonly over: PromiseWithResolvers<void>;
  timer: Timer | undefined;
  /** Undoes what it does, where that takes an act. */
  undo: (() => void) | undefined;
}

export function viewOf({ id, fault, text, since, forMs, left, struck }: Live): ActiveFault {
  return {
    ...{ id, fault, text, since, struck },
    ...(forMs === undefined ? {} : { until: since + forMs }),
    ...(left === Number.POSITIVE_INFINITY ? {} : { left: Math.max(0, left) }),
  };
}
