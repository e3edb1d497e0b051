/**
 * The order in which an actor ends: its running turn, its children (last started first), its hook. One deadline covers
 * all of it; what has not ended by then is abandoned, so that a stop always comes to its end (AK3).
 */
import type { Deadline } from './deadline.ts';
import type { Family } from './family.ts';

/** What the sequence needs of a cell. */
export interface Ending {
  /** Resolves when no turn is under way; `undefined` if none is. */
  settled(): Promise<void> | undefined;
  /** Gives the running turn up. */
  abandon(): void;
  /** Ends what belongs to the incarnation; from here nothing new can start. */
  close(): void;
  family(): Family | undefined;
  runHook(): Promise<void>;
}

export async function shutDown(ending: Ending, deadline: Deadline): Promise<void> {
  const turn = ending.settled();
  // The turn may need its children to come to an end, so they are asked only afterwards.
  if (turn !== undefined) await deadline.within(turn);
  if (ending.settled() !== undefined) ending.abandon();
  ending.close();
  const family = ending.family();
  if (family !== undefined && family.size > 0) {
    await deadline.within(family.stop({ type: 'stopped' }));
    if (family.size > 0) await family.kill({ type: 'abandoned' });
  }
  await deadline.within(ending.runHook());
  deadline.cancel();
}
