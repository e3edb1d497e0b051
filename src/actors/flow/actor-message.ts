/** Messages between flows and persistent actors, as they travel through the shards' outboxes. */
import { type FaultRecord, recordCodec } from '../../persistence/index.ts';

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
      { name: 'kind', type: { type: 'enum', name: 'ActorMessageKind', symbols: ['ask', 'tell', 'answer'] } },
      { name: 'request', type: 'string' },
      { name: 'flow', type: 'string' },
      { name: 'memberName', type: 'string' },
      { name: 'memberGroup', type: 'string' },
      { name: 'actor', type: 'string' },
      { name: 'key', type: 'string' },
      { name: 'type', type: 'string' },
      { name: 'body', type: 'bytes' },
      {
        name: 'fault',
        type: [
          'null',
          {
            type: 'record',
            name: 'Fault',
            fields: [
              { name: 'name', type: 'string' },
              { name: 'code', type: 'string' },
              { name: 'message', type: 'string' },
              { name: 'details', type: 'bytes' },
              { name: 'stack', type: 'string' },
              { name: 'remedy', type: 'string' },
              { name: 'at', type: 'string' },
            ],
          },
        ],
      },
    ],
  },
  'actor message',
);
