/**
 * What senders are told whose messages find nobody. Each gets one answer for a message that wanted to be read, and none
 * for an error: so no answer ever causes another one (SM9).
 */
import type { SessionCause } from '../../persistence/index.ts';
import { Allowance, type SessionMessage } from '../session-manager/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import type { FlowSessions } from './sessions.ts';

/** Refusals of one shard. A sender that gets none sends its message again, and is told then. */
const allowed = { max: 500, withinMs: 1_000 };

export class SessionRefusals {
  readonly #host: ShardHost;
  readonly #sessions: FlowSessions;
  readonly #allowance = new Allowance(allowed);
  readonly counts = { refused: 0, unanswered: 0 };

  constructor(host: ShardHost, sessions: FlowSessions) {
    this.#host = host;
    this.#sessions = sessions;
  }

  /** Nobody here knows the session any more, or ever did: its sender hears nothing else of it. */
  forgotten(message: SessionMessage, changes: ChangeSet): void {
    // There is nothing to be said about an error, and it need not be sent again.
    if (message.kind === 'error') this.#sessions.acknowledge(message, message.sequence, message.sequence, changes);
    else this.refuse(message, 'expired', 'the peer does not know it, or has forgotten it', changes);
  }

  /** Tells the sender, once `changes` are durable: what is said of a flow must not be undone by a crash (W3). */
  refuse(message: SessionMessage, cause: SessionCause, reason: string, changes: ChangeSet): void {
    if (!this.#allowance.take(this.#host.clock.now())) {
      this.counts.unanswered++;
      return;
    }
    this.counts.refused++;
    changes.after(() => this.#sessions.reject(message, cause, reason));
  }
}
