/**
 * Messages that a shard understands. Those that may travel through `events[p]` (deliveries, acknowledgements, peers'
 * messages, requests of other workers) have a form in bytes too; local ones do not.
 */
import { bytes, choice, count, recordCodec, small, text } from '../../persistence/index.ts';
import type { Term } from '../../transport/log/index.ts';

/** One numbered entry of the stream from one shard to another. */
export interface OutboxEntry {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** The term under which the sender of a stream runs, and how its claim has found the stream. */
export interface StreamOrigin extends Term {
  /** Drawn by each owner for itself: where a claim has got lost, its term is given again. */
  readonly owner: number;
  /** The last number that was given before that claim; 0 before the first. */
  readonly since: number;
}

export type RoutedMessage =
  /** Entries of the outbox of shard `from`, in order; a worker of an older version does not say their origin. */
  | {
      readonly type: 'delivery';
      readonly from: number;
      readonly entries: readonly OutboxEntry[];
      readonly origin?: StreamOrigin | undefined;
    }
  /** Shard `from` has taken everything up to `number`, durably; `resend` asks for what follows it at once. */
  | { readonly type: 'ack'; readonly from: number; readonly number: number; readonly resend: boolean }
  /** A message for the service itself, without number; it may be lost or repeated. `kind` is the service's own word. */
  | { readonly type: 'service'; readonly kind: string; readonly bytes: Uint8Array };

export type ShardMessage<Local> =
  | RoutedMessage
  /** A message of this worker for the service, never written to the log as such. */
  | { readonly type: 'local'; readonly message: Local }
  /** Finish what runs, commit, release; then `done`. */
  | { readonly type: 'drain'; readonly done: () => void };

interface RoutedRecord extends StreamOrigin {
  readonly kind: 'delivery' | 'ack' | 'service';
  readonly from: number;
  readonly number: number;
  readonly resend: boolean;
  readonly service: string;
  readonly entries: ReadonlyArray<OutboxEntry>;
}

const firstRouted = {
  type: 'record',
  name: 'Routed',
  namespace: 'weir.events',
  fields: [
    choice('kind', 'Kind', ['delivery', 'ack', 'service']),
    small('from'),
    count('number'),
    { name: 'resend', type: 'boolean' },
    text('service'),
    {
      name: 'entries',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Entry',
          fields: [count('number'), bytes('bytes')],
        },
      },
    },
  ],
};

const routedRecord = recordCodec<RoutedRecord>(
  {
    ...firstRouted,
    fields: [
      ...firstRouted.fields,
      { ...count('incarnation'), default: 0 },
      { ...count('counter'), default: 0 },
      { ...count('owner'), default: 0 },
      { ...count('since'), default: 0 },
    ],
  },
  'routed message',
  [firstRouted],
);

/** Terms are counted from 1. */
const noOrigin: StreamOrigin = { incarnation: 0, counter: 0, owner: 0, since: 0 };

export function encodeRouted(message: RoutedMessage): Uint8Array {
  const { type } = message;
  const origin = type === 'delivery' ? message.origin : undefined;
  return routedRecord.encode({
    kind: type,
    from: type === 'service' ? 0 : message.from,
    number: type === 'ack' ? message.number : 0,
    resend: type === 'ack' && message.resend,
    service: type === 'service' ? message.kind : '',
    entries: type === 'delivery' ? message.entries : type === 'service' ? [{ number: 0, bytes: message.bytes }] : [],
    ...(origin ?? noOrigin),
  });
}

/** @throws WeirError `WEIR_RECORD_UNREADABLE` */
export function decodeRouted(bytes: Uint8Array): RoutedMessage {
  const { kind, from, number, resend, service, entries, ...origin } = routedRecord.decode(bytes);
  switch (kind) {
    case 'delivery':
      return { type: 'delivery', from, entries, origin: origin.counter === 0 ? undefined : origin };
    case 'ack':
      return { type: 'ack', from, number, resend };
    case 'service':
      return { type: 'service', kind: service, bytes: entries[0]?.bytes ?? new Uint8Array() };
  }
}
