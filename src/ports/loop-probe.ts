/**
 * The loop probe port: told who has the event loop, so that somebody outside of the loop can say what blocks it. Without
 * one nobody is told, as in a simulation, where time stands still while anything runs.
 */
export interface LoopProbe {
  /** An incarnation begins; `path` is its actor's. */
  born(uid: number, path: string): void;
  gone(uid: number): void;
  /** Its turn begins; 0 means that no actor has the loop any more. Called for each turn: as good as free. */
  enters(uid: number): void;
}
