/**
 * What a shard's state says of the log that it lies in, for a copy of it in another log: there its events have other
 * offsets.
 */
import type { LogRecord } from '../../transport/log/index.ts';
import { decodeCount } from './count.ts';

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

function parkedKey(key: string, incarnation: number): string {
  return `d/${incarnation}:${key.slice(2)}`;
}
