/** A record batch as the model keeps it, and how many bytes it takes on a real broker. */
import type { ProduceRequest, WireBatch, WireRecord } from '../wire.ts';

export interface StoredBatch {
  /** Given out as it is to every reader; never changed, only replaced. */
  readonly wire: WireBatch;
  readonly bytes: number;
  /** From when its tombstones may go; set when it is cleaned for the first time. */
  readonly deleteHorizonMs: number | undefined;
}

const headerBytes = 61;

/** Size of the batch in format v2 without compression, which limits and fetches count. */
export function batchBytes(records: ReadonlyArray<WireRecord & { readonly offset?: number }>, base = 0): number {
  let bytes = headerBytes;
  for (const [index, { key, value, offset }] of records.entries()) {
    const delta = offset === undefined ? index : offset - base;
    // Attributes, a timestamp delta of 0 and no headers are one byte each.
    const body =
      3 +
      varintBytes(delta) +
      fieldBytes(key === null ? -1 : Buffer.byteLength(key)) +
      fieldBytes(value?.byteLength ?? -1);
    bytes += varintBytes(body) + body;
  }
  return bytes;
}

export function storedBatch(
  request: ProduceRequest,
  { baseOffset, leaderEpoch }: Pick<WireBatch, 'baseOffset' | 'leaderEpoch'>,
  bytes: number,
): StoredBatch {
  const { producer } = request;
  const wire: WireBatch = {
    baseOffset,
    lastOffset: baseOffset + request.records.length - 1,
    leaderEpoch,
    producer: producer && {
      producerId: producer.producerId,
      epoch: producer.epoch,
      baseSequence: producer.sequence,
    },
    control: false,
    timestampMs: request.timestampMs,
    records: request.records.map(({ key, value }, index) => {
      return { key, value, valueLength: value?.length ?? -1, offset: baseOffset + index };
    }),
  };
  return { wire, bytes, deleteHorizonMs: undefined };
}

/** Length and content; null (-1) has a length alone. */
function fieldBytes(length: number): number {
  return length < 0 ? 1 : varintBytes(length) + length;
}

/** Bytes of a number >= 0 as zigzag varint. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let limit = 64; value >= limit; limit *= 128) bytes += 1;
  return bytes;
}
