/**
 * Session messages, in the shape in which they travel between members, on one node or between nodes.
 * Numbered kinds (`open`, `data`, `close`, `error`) are kept in the sender's outbox until the peer has acknowledged
 * them; `ack` and `reject` are neither numbered nor acknowledged.
 */
import {
  bytes,
  choice,
  count,
  recordCodec,
  type SessionCause,
  sessionCauses,
  small,
  text,
} from '../../persistence/index.ts';
import type { Identity } from '../../ports/index.ts';

export const sessionKinds = ['open', 'data', 'close', 'error', 'ack', 'reject'] as const;
export type SessionKind = (typeof sessionKinds)[number];

/** Towards the flow that answers, or back to the one that opened the session. */
export type Direction = 'toResponder' | 'toInitiator';

export interface SessionMessage {
  readonly protocol: string;
  readonly version: number;
  readonly session: string;
  readonly direction: Direction;
  readonly kind: SessionKind;
  /** Number in its direction, from 1; 0 for `ack` and `reject`. */
  readonly sequence: number;
  readonly sourceName: string;
  readonly sourceGroup: string;
  readonly destinationName: string;
  readonly destinationGroup: string;
  readonly trace: string;
  readonly created: number;
  /** After this time the message is refused, and its sender gives up. */
  readonly expires: number;
  /** Name of the message's type in the protocol; the reason for `error` and `reject`. */
  readonly type: string;
  /** Value-codec bytes of the body; empty for all kinds but `data`. */
  readonly body: Uint8Array;
  /**
   * In an `ack`: everything up to here is durable at the receiver, and read by its flow up to `consumed`. In a `reject`:
   * the number of what is refused.
   */
  readonly received: number;
  readonly consumed: number;
  /**
   * In what is numbered: everything up to here has been acknowledged in this direction. Whoever knows nothing of the
   * session has forgotten it when there is such a message, and has not heard of it yet when there is none.
   */
  readonly acknowledged: number;
  /** In an `error` or a `reject`: how the session has failed. */
  readonly cause: SessionCause;
  /** In an `ack`: its flow is over and reads nothing more. What it said before may still be on its way. */
  readonly ended: boolean;
}

const firstFields = [
  text('protocol'),
  small('version'),
  text('session'),
  choice('direction', 'Direction', ['toResponder', 'toInitiator']),
  choice('kind', 'SessionKind', sessionKinds),
  count('sequence'),
  text('sourceName'),
  text('sourceGroup'),
  text('destinationName'),
  text('destinationGroup'),
  text('trace'),
  count('created'),
  count('expires'),
  text('type'),
  bytes('body'),
  count('received'),
  count('consumed'),
];

const schema = { type: 'record', name: 'SessionMessage', namespace: 'weir.session' } as const;

export const sessionMessage = recordCodec<SessionMessage>(
  {
    ...schema,
    fields: [
      ...firstFields,
      { ...count('acknowledged'), default: 0 },
      { ...choice('cause', 'SessionCause', sessionCauses), default: 'failed' },
      { name: 'ended', type: 'boolean', default: false },
    ],
  },
  'session message',
  [{ ...schema, fields: firstFields }],
);

export function sourceOf(message: SessionMessage): Identity {
  return { name: message.sourceName, group: message.sourceGroup };
}

export function destinationOf(message: SessionMessage): Identity {
  return { name: message.destinationName, group: message.destinationGroup };
}

export function opposite(direction: Direction): Direction {
  return direction === 'toResponder' ? 'toInitiator' : 'toResponder';
}

/** What an unnumbered message says beside what it answers. */
export type SessionAnswer =
  | { readonly kind: 'ack'; readonly received: number; readonly consumed: number; readonly ended?: boolean }
  | { readonly kind: 'reject'; readonly received: number; readonly cause: SessionCause; readonly type: string };

/** An unnumbered message back to the sender of `message`. */
export function answerTo(message: SessionMessage, answer: SessionAnswer, now: number): SessionMessage {
  return {
    ...message,
    type: '',
    consumed: 0,
    acknowledged: 0,
    cause: 'failed',
    ended: false,
    ...answer,
    direction: opposite(message.direction),
    sequence: 0,
    sourceName: message.destinationName,
    sourceGroup: message.destinationGroup,
    destinationName: message.sourceName,
    destinationGroup: message.sourceGroup,
    created: now,
    body: new Uint8Array(),
  };
}
