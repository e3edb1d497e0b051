/**
 * What senders are told whose messages find nobody. Each gets one answer for a message that wanted to be read, and none
 * for an error: so no answer ever causes another one (SM9).
 */
import { Allowance, type RefusalCause, type SessionMessage } from '../session-manager/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import type { FlowSessions } from './sessions.ts';

/** Refusals of one shard. A sender that gets none sends its message again, and is told then. */
const allowed = { max: 500, withinMs: 1_000 };

export class SessionRefusals {
  readonly #host: ShardHost;
  readonly #sessions: FlowSessions;
  readonly #allowance = new Allowance(allowed);
  readonly counts = { discarded: 0, refused: 0, unanswered: 0 };

  constructor(host: ShardHost, sessions: FlowSessions) {
    this.#host = host;
    this.#sessions = sessions;
  }

  /** The flow of a message has ended. Its own last words reach the sender in order; this says that nobody reads on. */
  ended(message: SessionMessage, changes: ChangeSet): void {
    // Farewells cross each other at every ordinary end; only what somebody wanted to be read is refused.
    if (message.kind === 'close' || message.kind === 'error') this.#take(message, changes);
    else this.#discard(message, 'ended', 'its flow has ended', changes);
  }

  /** Nobody here knows the session any more, or ever did: its sender hears nothing else of it. */
  forgotten(message: SessionMessage, changes: ChangeSet): void {
    if (message.kind === 'error') this.#take(message, changes);
    else this.#discard(message, 'expired', 'the peer does not know it, or has forgotten it', changes);
  }

  /** Tells the sender, once `changes` are durable: what is said of a flow must not be undone by a crash (W3). */
  refuse(message: SessionMessage, cause: RefusalCause, reason: string, changes: ChangeSet): void {
    if (!this.#allowance.take(this.#host.clock.now())) {
      this.counts.unanswered++;
      return;
    }
    this.counts.refused++;
    changes.after(() => this.#sessions.reject(message, cause, reason));
  }

  #discard(message: SessionMessage, cause: RefusalCause, reason: string, changes: ChangeSet): void {
    if (message.kind === 'data') this.counts.discarded++;
    this.refuse(message, cause, reason, changes);
  }

  /** There is nothing to be said about it, and it need not be sent again. */
  #take(message: SessionMessage, changes: ChangeSet): void {
    this.#sessions.acknowledge(message, message.sequence, message.sequence, changes);
  }
}
