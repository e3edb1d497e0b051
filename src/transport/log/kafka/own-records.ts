/**
 * The driver's own records in state and table partitions, beside those of the shard.
 *
 * Their keys begin with `!`; a key of the shard that does so is stored with one more in front, so the two never meet.
 *
 * | key | value |
 * |---|---|
 * | `!fence` | the producer of a claim and a nonce: the first record under a new epoch, which shuts older ones out |
 * | `!claim` | term and producer of the claim, where its fence lies, and every producer id that ever wrote here |
 * | `!dead/<id>` | empty: shuts a producer id out for good |
 * | `!alive` | empty: a commit without records |
 * | `!released` | empty: the owner has given the shard up, so whoever waits for it may have it |
 * | `!s/<n>` | a publication that its topic has not acknowledged yet |
 */
import type { Publication, Term } from '../port.ts';
import type { ProducerIdentity, WireRecord } from './wire.ts';

export const fenceKey = '!fence';
export const claimKey = '!claim';
export const releasedKey = '!released';
export const publicationPrefix = '!s/';

export interface Fence extends ProducerIdentity {
  readonly nonce: string;
}

export interface ClaimRecord extends Term, ProducerIdentity {
  /** Offset of the claim's fence. */
  readonly fence: number;
  /** Every producer id that wrote to the partition, its own and the newest last. */
  readonly producers: readonly string[];
}

/** The key that a record of the shard is stored under. */
export function storedKey(key: string): string {
  return key.startsWith('!') ? `!${key}` : key;
}

/** The shard's own key of a stored one; undefined for the driver's. */
export function shardKey(stored: string): string | undefined {
  if (!stored.startsWith('!')) return stored;
  return stored.startsWith('!!') ? stored.slice(1) : undefined;
}

export function fenceRecord(fence: Fence): WireRecord {
  return { key: fenceKey, value: json(fence) };
}

export function deadFenceRecord(producerId: string): WireRecord {
  return { key: `!dead/${producerId}`, value: new Uint8Array() };
}

export function aliveRecord(): WireRecord {
  return { key: '!alive', value: new Uint8Array() };
}

export function releasedRecord(): WireRecord {
  return { key: releasedKey, value: new Uint8Array() };
}

export function claimRecord(claim: ClaimRecord): WireRecord {
  return { key: claimKey, value: json(claim) };
}

export function publicationRecord(number: number, publication: Publication): WireRecord {
  return { key: `${publicationPrefix}${number}`, value: encodePublication(publication) };
}

/** The number of a publication, by the key that it is stored under; undefined for other keys. */
export function publicationNumber(stored: string): number | undefined {
  return stored.startsWith(publicationPrefix) ? Number(stored.slice(publicationPrefix.length)) : undefined;
}

/** The publication is acknowledged: nobody has to send it again. */
export function publishedRecord(number: number): WireRecord {
  return { key: `${publicationPrefix}${number}`, value: null };
}

/** What a claim record says; undefined when it is not one of this form, such as after a mirror by other tools. */
export function decodeClaim(value: Uint8Array): ClaimRecord | undefined {
  // Written by `claimRecord`; a reader compares it with the header of its batch before it trusts it.
  return parsed(value) as ClaimRecord | undefined;
}

export function decodeFence(value: Uint8Array): Fence | undefined {
  // Written by `fenceRecord`; compared with its batch as above.
  return parsed(value) as Fence | undefined;
}

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function parsed(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString());
  } catch {
    // Not JSON: whoever wrote it, it says nothing about who owns the partition.
    return undefined;
  }
}

/** Lengths of topic and key (4 bytes each), whether there is a value (1), then topic, key and value. */
function encodePublication({ topic, key, value }: Publication): Uint8Array {
  const topicBytes = Buffer.byteLength(topic);
  const keyBytes = Buffer.byteLength(key);
  const bytes = Buffer.alloc(9 + topicBytes + keyBytes + (value?.byteLength ?? 0));
  bytes.writeUInt32BE(topicBytes, 0);
  bytes.writeUInt32BE(keyBytes, 4);
  bytes[8] = value === null ? 0 : 1;
  bytes.write(topic, 9);
  bytes.write(key, 9 + topicBytes);
  if (value !== null) bytes.set(value, 9 + topicBytes + keyBytes);
  return bytes;
}

export function decodePublication(value: Uint8Array): Publication {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const keyStart = 9 + bytes.readUInt32BE(0);
  const valueStart = keyStart + bytes.readUInt32BE(4);
  return {
    topic: bytes.toString('utf8', 9, keyStart),
    key: bytes.toString('utf8', keyStart, valueStart),
    value: bytes[8] === 0 ? null : bytes.subarray(valueStart),
  };
}
