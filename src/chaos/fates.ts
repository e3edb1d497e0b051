/** What an injector answers to the decorators that ask it: the fate of a write, of a message, and of the clocks. */

/** What happens to one write. `delayMs` comes before all else. */
export interface WriteFate {
  readonly delayMs: number;
  readonly what:
    | 'ok'
    /** It takes effect, and no acknowledgement comes. */
    | 'lost-ack'
    | 'duplicate'
    | 'crash-before'
    | 'crash-after'
    | 'torn-write'
    | 'full-disk'
    | 'partition';
  /** For `full-disk` and `partition`: resolves when the fault is over. */
  readonly over?: Promise<void>;
}

/** What happens to one message. */
export interface MessageFate {
  readonly delayMs: number;
  /** 0: lost or cut off. */
  readonly copies: 0 | 1 | 2;
  /** The next message goes before it; after this many milliseconds it goes all the same. */
  readonly overtakenMs: number | undefined;
}

/** Milliseconds to add to each clock, and how fast time runs (1: as it should). */
export interface ClockError {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly rate: number;
}

export const untouchedWrite: WriteFate = { delayMs: 0, what: 'ok' };
export const untouchedMessage: MessageFate = { delayMs: 0, copies: 1, overtakenMs: undefined };
