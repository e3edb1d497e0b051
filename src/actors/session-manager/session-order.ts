/**
 * Order of the messages of a session at the receiving end: repeats are dropped (SM7), what overtook is kept until the
 * gap before it is filled (SM8). What is kept is not acknowledged, so losing it in a crash loses nothing.
 */
import type { SessionMessage } from './session-message.ts';

/** Messages that may wait behind a gap, for each session. */
const maxWaiting = 128;

export class SessionOrder {
  readonly #waiting = new Map<string, Map<number, SessionMessage>>();

  /**
   * Takes a message of a session of flow `owner` in, `received` being the last number taken. Answers those that are due
   * now, in order; none when it is a repeat or lies behind a gap.
   */
  arrive(owner: string, message: SessionMessage, received: number): SessionMessage[] {
    // Peers choose session ids, so an id alone would mix two conversations (SM16); one flow has each id once.
    const id = `${owner}:${message.session}`;
    if (message.sequence <= received) return [];
    if (message.sequence > received + 1) {
      const waiting = this.#waiting.get(id) ?? new Map<number, SessionMessage>();
      if (waiting.size < maxWaiting) waiting.set(message.sequence, message);
      this.#waiting.set(id, waiting);
      return [];
    }
    const due = [message];
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return due;
    for (let next = message.sequence + 1; ; next++) {
      const follower = waiting.get(next);
      if (follower === undefined) break;
      waiting.delete(next);
      due.push(follower);
    }
    for (const number of waiting.keys()) if (number <= message.sequence) waiting.delete(number);
    if (waiting.size === 0) this.#waiting.delete(id);
    return due;
  }

  /** Forgets a session that has ended. */
  forget(owner: string, session: string): void {
    this.#waiting.delete(`${owner}:${session}`);
  }
}
