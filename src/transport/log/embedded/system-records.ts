/**
 * The log's own records in the store, beside those of its topics.
 *
 * | key | value |
 * |---|---|
 * | `!t/<topic>` | the topic as it was created, and where its records lie when not under its name |
 * | `!i` | the incarnation of the log, when it is not the first one of the directory |
 * | `!c/<prefix>` | claim counter of a partition |
 * | `!o/<prefix>` | offset below which a partition's events are gone |
 * | `!g/<n>` | group records, which close each commit group |
 */
import type { TopicName, TopicSpec } from '../port.ts';
import { decodeValue, type Operations, systemPrefix } from './codec.ts';
import type { StoreHandle } from './store-handle.ts';

export interface StoredTopic {
  readonly spec: TopicSpec;
  /**
   * What the keys of its records begin with, before the partition: its name, or another one after its records were
   * imported or put into other partitions.
   */
  readonly place: string;
}

export interface SystemRecords {
  readonly topics: readonly StoredTopic[];
  readonly incarnation: number | undefined;
  /** By prefix of the partition. */
  readonly claims: ReadonlyMap<string, number>;
  /** By prefix of the partition. */
  readonly trimmed: ReadonlyMap<string, number>;
}

const topicPrefix = '!t/';
const incarnationKey = '!i';
const claimPrefix = '!c/';
const trimmedPrefix = '!o/';
/** Far more than there can be: four records for each partition. */
const all = 1_000_000;

/** @throws WeirError `WEIR_LOG_DAMAGED` */
export async function readSystemRecords(store: StoreHandle, directory: string): Promise<SystemRecords> {
  const topics: StoredTopic[] = [];
  const claims = new Map<string, number>();
  const trimmed = new Map<string, number>();
  let incarnation: number | undefined;
  const lt = String.fromCharCode(systemPrefix.charCodeAt(0) + 1);
  for (const [key, stored] of await store.read({ gte: systemPrefix, lt, limit: all })) {
    const text = (): string => Buffer.from(decodeValue(directory, key, stored)).toString();
    if (key.startsWith(topicPrefix)) topics.push(parseTopic(text()));
    if (key.startsWith(claimPrefix)) claims.set(key.slice(claimPrefix.length), Number(text()));
    if (key.startsWith(trimmedPrefix)) trimmed.set(key.slice(trimmedPrefix.length), Number(text()));
    if (key === incarnationKey) incarnation = Number(text());
  }
  return { topics, incarnation, claims, trimmed };
}

export function putTopic(group: Operations, { spec: { name, partitions, kind }, place }: StoredTopic): void {
  const elsewhere = place === name ? {} : { place };
  group.put(`${topicPrefix}${name}`, Buffer.from(JSON.stringify({ name, partitions, kind, ...elsewhere })));
}

export function putIncarnation(group: Operations, incarnation: number): void {
  group.put(incarnationKey, Buffer.from(String(incarnation)));
}

export function putClaim(group: Operations, prefix: string, counter: number): void {
  group.put(`${claimPrefix}${prefix}`, Buffer.from(String(counter)));
}

export function putTrimmed(group: Operations, prefix: string, before: number): void {
  group.put(`${trimmedPrefix}${prefix}`, Buffer.from(String(before)));
}

/** Nothing of the partition is left: neither its claims nor its offsets mean anything. */
export function forgetPartition(group: Operations, prefix: string): void {
  group.delete(`${claimPrefix}${prefix}`);
  group.delete(`${trimmedPrefix}${prefix}`);
}

function parseTopic(text: string): StoredTopic {
  // The record's CRC is sound, so it is what `putTopic` wrote.
  const { place, ...spec } = JSON.parse(text) as TopicSpec & { readonly place?: TopicName };
  return { spec, place: place ?? spec.name };
}
