/** The requests whose bytes are made and read here, because kafkajs hides or lacks what is needed of them. */
import type { FetchAnswer, FetchRequest, ProduceAnswer, ProduceRequest } from '../wire.ts';
import { ByteReader, ByteWriter, stringBytes } from './bytes.ts';
import { encoded, type ProtocolRequest } from './kafkajs.ts';
import { decodeBatches, encodeBatch } from './record-batch.ts';

export interface TopicMetadata {
  readonly error: number;
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  /** By partition number. */
  readonly partitions: ReadonlyArray<{
    readonly error: number;
    readonly leader: number;
    readonly replicas: number;
    readonly inSync: number;
  }>;
}

export interface Metadata {
  readonly clusterId: string;
  readonly brokers: ReadonlyArray<{
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
    /** Empty for none. */
    readonly rack: string;
  }>;
  readonly topics: readonly TopicMetadata[];
}

/** -1 where timestamps are those of producers. */
export interface Stamp {
  readonly appendedAt: number;
}

/**
 * Produce v7: all replicas in sync acknowledge, or an error says why not within `ackTimeoutMs`. Answers in the order of
 * the batches; no two of them are of one partition.
 */
export function produceRequest(
  batches: readonly ProduceRequest[],
  ackTimeoutMs: number,
): ProtocolRequest<ReadonlyArray<ProduceAnswer & Stamp>> {
  const byTopic = Map.groupBy(
    batches.map(({ topic, partition, ...batch }) => ({ topic, partition, bytes: encodeBatch(batch) })),
    ({ topic }) => topic,
  );
  let size = 2 + 2 + 4 + 4;
  for (const [topic, encodings] of byTopic) {
    size += stringBytes(topic) + 4;
    for (const { bytes } of encodings) size += 4 + 4 + bytes.length;
  }
  const body = new ByteWriter(size).int16(-1).int16(-1).int32(ackTimeoutMs).int32(byTopic.size);
  for (const [topic, encodings] of byTopic) {
    body.string(topic).int32(encodings.length);
    for (const { partition, bytes } of encodings) body.int32(partition).int32(bytes.length).raw(bytes);
  }
  return protocolRequest('Produce', 0, 7, body.bytes, (reader) => {
    const answers = new Map<string, ProduceAnswer & Stamp>();
    reader.array(() => {
      const topic = reader.string();
      reader.array(() => {
        const partition = reader.int32();
        const answer = { error: reader.int16(), baseOffset: reader.int64(), appendedAt: reader.int64() };
        reader.skip(8);
        answers.set(`${topic}/${partition}`, answer);
      });
    });
    return batches.map(({ topic, partition }) => only(answers.get(`${topic}/${partition}`), 'Produce'));
  });
}

/** Fetch v11, of one partition, with everything that is there: no transaction is looked at. */
export function fetchRequest({
  topic,
  partition,
  offset,
  maxBytes,
  maxWaitMs,
}: FetchRequest): ProtocolRequest<FetchAnswer> {
  const fixed = 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4 + 4 + 4 + 4 + 8 + 8 + 4 + 4 + 2;
  const body = new ByteWriter(fixed + stringBytes(topic))
    .int32(-1)
    .int32(maxWaitMs)
    .int32(1)
    .int32(maxBytes)
    .int8(0)
    .int32(0)
    .int32(-1)
    .int32(1)
    .string(topic)
    .int32(1)
    .int32(partition)
    .int32(-1)
    .int64(offset)
    .int64(-1)
    .int32(maxBytes)
    .int32(0)
    .string('');
  return protocolRequest('Fetch', 1, 11, body.bytes, (reader) => {
    reader.skip(4);
    const error = reader.int16();
    reader.skip(4);
    const [topics] = reader.array(() => {
      reader.string();
      return reader.array(() => fetchedPartition(reader));
    });
    return error === 0 ? only(topics?.[0], 'Fetch') : { error, highWatermark: -1, logStart: -1, batches: [] };
  });
}

function fetchedPartition(reader: ByteReader): FetchAnswer {
  reader.skip(4);
  const error = reader.int16();
  const highWatermark = reader.int64();
  reader.skip(8);
  const logStart = reader.int64();
  reader.array(() => reader.skip(16));
  reader.skip(4);
  const batches = decodeBatches(reader.bytes(Math.max(0, reader.int32())));
  return { error, highWatermark, logStart, batches };
}

/** Metadata v12, which tells topic ids: of one topic, or of all. Creates none. */
export function metadataRequest(topic: string | undefined): ProtocolRequest<Metadata> {
  const name = topic === undefined ? 0 : Buffer.byteLength(topic);
  const body = new ByteWriter(32 + name);
  // Version 12 has a flexible header: its fields of later versions come first, and there are none.
  body.uvarint(0);
  if (topic === undefined) body.uvarint(0);
  else {
    body
      .uvarint(2)
      .int64(0)
      .int64(0)
      .uvarint(name + 1)
      .text(topic)
      .uvarint(0);
  }
  body.int8(0).int8(0).uvarint(0);
  return protocolRequest('Metadata', 3, 12, body.bytes.subarray(0, body.at), (reader) => {
    reader.skipTags();
    reader.skip(4);
    const brokers = reader.compactArray(() => {
      const broker = { nodeId: reader.int32(), host: reader.compactString(), port: reader.int32() };
      const rack = reader.compactString();
      reader.skipTags();
      return { ...broker, rack };
    });
    const clusterId = reader.compactString();
    reader.skip(4);
    return { clusterId, brokers, topics: reader.compactArray(() => topicMetadata(reader)) };
  });
}

function topicMetadata(reader: ByteReader): TopicMetadata {
  const error = reader.int16();
  const name = reader.compactString();
  const id = reader.bytes(16).toString('base64url');
  const internal = reader.int8() !== 0;
  const partitions: Array<TopicMetadata['partitions'][number]> = [];
  reader.compactArray(() => {
    const partitionError = reader.int16();
    const index = reader.int32();
    const leader = reader.int32();
    reader.skip(4);
    const replicas = reader.compactArray(() => reader.int32()).length;
    const inSync = reader.compactArray(() => reader.int32()).length;
    reader.compactArray(() => reader.skip(4));
    reader.skipTags();
    partitions[index] = { error: partitionError, leader, replicas, inSync };
  });
  reader.skip(4);
  reader.skipTags();
  return { error, name, id, internal, partitions };
}

/** ApiVersions v3, for the features that all brokers have agreed on. */
export function featuresRequest(): ProtocolRequest<ReadonlyMap<string, number>> {
  const client = 'weir';
  const body = new ByteWriter(1 + 2 * (1 + client.length) + 1)
    .uvarint(0)
    .uvarint(client.length + 1)
    .text(client)
    .uvarint(client.length + 1)
    .text(client)
    .uvarint(0);
  return protocolRequest('ApiVersions', 18, 3, body.bytes, (reader) => {
    reader.skip(2);
    reader.compactArray(() => {
      reader.skip(6);
      reader.skipTags();
    });
    reader.skip(4);
    const found = new Map<string, number>();
    for (let left = reader.uvarint(); left > 0; left -= 1) {
      const tag = reader.uvarint();
      const size = reader.uvarint();
      if (tag !== finalizedFeatures) {
        reader.skip(size);
        continue;
      }
      reader.compactArray(() => {
        found.set(reader.compactString(), reader.int16());
        reader.skip(2);
        reader.skipTags();
      });
    }
    return found;
  });
}

/** The tagged field of the answer that they stand in. */
const finalizedFeatures = 2;

function protocolRequest<T>(
  apiName: string,
  apiKey: number,
  apiVersion: number,
  body: Uint8Array,
  read: (reader: ByteReader) => T,
): ProtocolRequest<T> {
  return {
    request: { apiKey, apiVersion, apiName, encode: async () => encoded(body) },
    response: { decode: async (payload) => read(new ByteReader(payload)), parse: (data) => data },
  };
}

/** An answer to a request about one partition has one. */
function only<T>(answer: T | undefined, api: string): T {
  if (answer === undefined) throw new Error(`the broker's answer to ${api} is empty`);
  return answer;
}
