/** Messages between flows and persistent actors, as they travel through the shards' outboxes. */
import { bytes, choice, type FaultRecord, optionalFault, recordCodec, text } from '../../persistence/index.ts';

export interface ActorMessage {
  readonly kind: 'ask' | 'tell' | 'answer';
  /** Id of the request; an answer carries the one it answers. Empty for `tell`. */
  readonly request: string;
  /** The flow that asks, and that an answer goes to. */
  readonly flow: string;
  readonly memberName: string;
  readonly memberGroup: string;
  readonly actor: string;
  readonly key: string;
  readonly type: string;
  /** Value-codec bytes: the body, or the reply. */
  readonly body: Uint8Array;
  /** Set in an answer that refuses. */
  readonly fault: FaultRecord | null;
}

export const actorMessage = recordCodec<ActorMessage>(
  {
    type: 'record',
    name: 'ActorMessage',
    namespace: 'weir.events',
    fields: [
      choice('kind', 'ActorMessageKind', ['ask', 'tell', 'answer']),
      text('request'),
      text('flow'),
      text('memberName'),
      text('memberGroup'),
      text('actor'),
      text('key'),
      text('type'),
      bytes('body'),
      optionalFault,
    ],
  },
  'actor message',
);
