/** Deliberate bugs of sessions between flows. */
import type { Mutation } from '../mutation.ts';

const sessions = 'src/actors/flow/sessions.ts';
const sessionOrder = 'src/actors/session-manager/session-order.ts';

export const bugsOfSessions: readonly Mutation[] = [
  {
    id: 'dedupe-too-short',
    sentence: 'A request id is forgotten as soon as its flow has ended.',
    file: 'src/actors/session-manager/start-dedupe.ts',
    edits: [
      { find: 'oldest.at + windowMs', replace: 'oldest.at' },
      { find: 'if (oldest.at > until ||', replace: 'if (' },
    ],
    scenarios: ['storm', 'swarm'],
  },
  {
    id: 'session-leaves-early',
    sentence: 'A session message leaves before the commit that caused it.',
    file: sessions,
    edits: [
      {
        find: 'changes.after(() => this.#outbox.release(message));',
        replace: 'this.#outbox.release(message);',
      },
    ],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'session-acknowledged-early',
    sentence: 'A session message is acknowledged before the commit that takes it.',
    file: sessions,
    edits: [
      {
        find: "changes.after(() => this.#answer(message, { kind: 'ack', received, consumed }));",
        replace: "this.#answer(message, { kind: 'ack', received, consumed });",
      },
    ],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'session-not-resent',
    sentence: 'A session message that got lost is not sent again.',
    file: 'src/actors/session-manager/session-outbox.ts',
    edits: [
      {
        find: 'isDue(lane, entry.sentAt)) this.#send(entry);',
        replace: 'isDue(lane, entry.sentAt)) entry.sentAt = this.#setup.clock.now();',
      },
    ],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'session-gap-accepted',
    sentence: 'A session message is delivered though one before it is missing.',
    file: sessionOrder,
    edits: [{ find: 'if (message.sequence > received + 1) {', replace: 'if (false) {' }],
    scenarios: ['payments', 'fan-out', 'swarm'],
  },
  {
    id: 'session-repeat-delivered',
    sentence: 'A repeated session message is delivered again.',
    file: sessionOrder,
    edits: [{ find: 'if (message.sequence <= received) return [];', replace: '' }],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'error-answered',
    sentence: 'An error for a session that nobody knows is answered with an error.',
    file: 'src/actors/flow/session-refusals.ts',
    edits: [{ find: "if (message.kind === 'error') this", replace: 'if (false) this' }],
    scenarios: ['sessions'],
  },
  {
    id: 'silence-endless',
    sentence: 'A silent session never times out.',
    file: 'src/actors/flow/session-expiry.ts',
    edits: [
      { find: "return session.peer === 'open' && isHeard(session);", replace: 'return false && isHeard(session);' },
    ],
    scenarios: ['sessions'],
  },
  {
    id: 'told-over-early',
    sentence: 'A sender is told that a flow is over before the end of the flow is durable.',
    file: sessions,
    edits: [
      {
        find: "changes.after(() => this.#answer(message, { kind: 'ack', received: taken, consumed: taken, ended }));",
        replace: "this.#answer(message, { kind: 'ack', received: taken, consumed: taken, ended });",
      },
    ],
    scenarios: ['sessions'],
  },
  {
    id: 'overtaken-refused',
    sentence: 'A message that overtook the first of its session is refused, as if the session were forgotten.',
    file: 'src/actors/flow/session-inputs.ts',
    edits: [
      { find: "message.acknowledged > 0 ? 'forgotten' : 'new'", replace: "message.sequence > 1 ? 'forgotten' : 'new'" },
    ],
    scenarios: ['sessions', 'payments'],
  },
  {
    id: 'forged-sender',
    sentence: 'Whom a session message comes from is not compared with whom the network vouches for.',
    file: 'src/actors/flow/peer-receiver.ts',
    edits: [{ find: 'sameIdentity(source, sourceOf(message)) && ', replace: '' }],
    scenarios: ['payments'],
  },
];
