/** A persistent actor as it is kept. Changing it needs a migration: see docs/decisions/records.md. */
import { recordCodec } from './avro.ts';
import { bytes, count, small, text } from './fields.ts';

const namespace = 'weir.state';

/** `c/<actor>`: the state of a persistent actor. */
export interface ActorHead {
  readonly actor: string;
  readonly version: number;
  readonly memberName: string;
  readonly memberGroup: string;
  readonly key: string;
  readonly state: Uint8Array;
  readonly updated: number;
}

export const actorHead = recordCodec<ActorHead>(
  {
    type: 'record',
    name: 'ActorHead',
    namespace,
    fields: [
      text('actor'),
      small('version'),
      text('memberName'),
      text('memberGroup'),
      text('key'),
      bytes('state'),
      count('updated'),
    ],
  },
  'actor head',
);
