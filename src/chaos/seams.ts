/**
 * Where faults get at a worker. A fault whose seam is not there is refused when it is injected: it would never strike,
 * and a test that waits for it would prove nothing.
 */
import type { FaultWord, ReadFault } from './fault.ts';
import type { Shard } from './target.ts';

/** What can be done to the worker's process. */
export interface ProcessFaults {
  /** Dies as by SIGKILL: nothing that it does from here on has effect. May return; what it was asked then never settles. */
  crash(): void;
  /** Stands still for so many milliseconds. Gives how to let it go on earlier, where that can be. */
  freeze(forMs: number): (() => void) | undefined;
}

export type ActorAnswer = 'done' | 'no-such-actor' | 'not-allowed';

/** What can be done to actors: a part of the kernel's steering. */
export interface ActorFaults {
  crash(path: string, error: Error): ActorAnswer;
  hang(path: string, forMs?: number): ActorAnswer;
  fill(path: string): ActorAnswer;
  release(path: string): ActorAnswer;
}

/** Where faults can get at a worker. Each decorator attaches its own. */
export interface Seams {
  readonly actors: ActorFaults;
  /** Words that strike writes to the log of this driver, and messages between members. */
  readonly writes: readonly FaultWord[];
  readonly messages: true;
  readonly clock: true;
  /** Cuts the worker off from the log; gives how to mend that. */
  readonly cutOff: () => () => void;
  /** Claims a shard (undefined: all) as another owner would; gives how to give it back, undefined if there is no such. */
  readonly takeOver: (shard: Shard | undefined) => (() => void) | undefined;
}

/** Why a fault could never strike; undefined when it can. */
export function whyUnreachable({ word, aim }: ReadFault, seams: Partial<Seams>): string | undefined {
  const { actors, writes = [], messages, clock, cutOff, takeOver } = seams;
  const missing = (present: unknown, why: string): string | undefined => (present === undefined ? why : undefined);
  switch (aim.type) {
    case 'worker':
      return undefined;
    case 'clock':
      return missing(clock, 'the clock of this worker cannot be skewed');
    case 'actor':
      return missing(actors, 'no actors run here');
    case 'peers':
    case 'peer':
      return missing(messages, 'no messages between members pass here');
  }
  if (word === 'fenced-writer') return missing(takeOver, 'nobody else can claim a shard here');
  if (writes.includes(word) || (word === 'partition' && cutOff !== undefined)) return undefined;
  return 'the log of this worker knows no such failure';
}
