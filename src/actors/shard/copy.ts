/**
 * What a shard's state says of the log that it lies in, for a copy of it in another log: there its events have other
 * offsets.
 */
import type { LogRecord } from '../../transport/log/index.ts';
import { decodeCount, encodeCount } from './count.ts';

const positionKey = 'w/log';

/** The position in the shard's events that the record tells of; undefined for any other record. */
export function positionIn({ key, value }: LogRecord): number | undefined {
  return key === positionKey && value !== null ? decodeCount(value) : undefined;
}

/**
 * The record as it stands in a copy. Undefined for the position: a copy holds only the events that are not taken yet,
 * from its first offset on. Inputs that nobody could read are named by offset; they are named by incarnation too, so that
 * no other one is ever put in their place.
 */
export function inCopy(record: LogRecord, incarnation: number): LogRecord | undefined {
  if (record.key === positionKey) return undefined;
  return /^d\/\d+$/.test(record.key) ? { ...record, key: parkedKey(record.key, incarnation) } : record;
}

/**
 * What to write over the state of a shard whose events have been copied by a tool that gives them other offsets. They
 * are taken anew from the oldest one: the numbers of streams, and the ids of requests, tell which were taken before.
 */
export function mendCopy(records: readonly LogRecord[], incarnation: number): LogRecord[] {
  const mended: LogRecord[] = [{ key: positionKey, value: encodeCount(0) }];
  for (const record of records) {
    const copy = inCopy(record, incarnation);
    if (copy !== undefined && copy.key !== record.key) mended.push(copy, { key: record.key, value: null });
  }
  return mended;
}

function parkedKey(key: string, incarnation: number): string {
  return `d/${incarnation}:${key.slice(2)}`;
}
