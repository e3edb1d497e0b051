/** A message that waits for its flow. Changing it needs a migration: see docs/decisions/records.md. */
import { recordCodec } from './avro.ts';
import { bytes, count, text } from './fields.ts';

const namespace = 'weir.state';

/** `i/<flow>/<n>`: a session message that was received and not yet read. */
export interface UnreadRecord {
  readonly session: string;
  readonly number: number;
  readonly type: string;
  readonly body: Uint8Array;
}

export const unreadRecord = recordCodec<UnreadRecord>(
  {
    type: 'record',
    name: 'Unread',
    namespace,
    fields: [text('session'), count('number'), text('type'), bytes('body')],
  },
  'unread message',
);
