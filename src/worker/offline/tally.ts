/**
 * What was read or written, by topic: counts, and a digest that is the same in whatever order records come and into
 * whatever partitions they go. Two tallies that agree saw the same records.
 */
import { hash } from 'node:crypto';
import type { LogRecord, TopicName } from '../../transport/log/index.ts';

export interface TopicTally {
  readonly records: number;
  /** Keys and values. */
  readonly bytes: number;
  readonly digest: string;
}

/** By topic, in the order in which they came. */
export type Totals = Readonly<Record<TopicName, TopicTally>>;

interface Counted {
  records: number;
  bytes: number;
  /** Sum of 64 bits of each record's hash, modulo 2^64: unlike an exclusive or, it sees a record that is there twice. */
  sum: bigint;
}

export class Tally {
  readonly #topics = new Map<TopicName, Counted>();

  /** The topic is named even when nothing comes. */
  begin(topic: TopicName): void {
    if (!this.#topics.has(topic)) this.#topics.set(topic, { records: 0, bytes: 0, sum: 0n });
  }

  add(topic: TopicName, records: readonly LogRecord[]): void {
    this.begin(topic);
    const counted = this.#topics.get(topic);
    if (counted === undefined) return;
    for (const record of records) {
      counted.records += 1;
      counted.bytes += Buffer.byteLength(record.key) + (record.value?.byteLength ?? 0);
      counted.sum = BigInt.asUintN(64, counted.sum + hashOf(record));
    }
  }

  totals(): Totals {
    return Object.fromEntries(
      [...this.#topics].map(([topic, { records, bytes, sum }]) => {
        return [topic, { records, bytes, digest: sum.toString(16).padStart(16, '0') }];
      }),
    );
  }
}

/** The first difference, as a sentence; undefined when there is none. */
export function differenceOf(expected: Totals, found: Totals): string | undefined {
  for (const topic of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const one = expected[topic];
    const other = found[topic];
    if (one === undefined || other === undefined) return `topic ${topic} is in one of them only`;
    if (one.records !== other.records) return `topic ${topic} has ${other.records} records instead of ${one.records}`;
    if (one.digest !== other.digest) return `a record of topic ${topic} has another content`;
  }
  return undefined;
}

function hashOf({ key, value }: LogRecord): bigint {
  const keyBytes = Buffer.from(key);
  const whole = Buffer.allocUnsafe(4 + keyBytes.length + (value?.byteLength ?? 0));
  // The length keeps the end of a key from being taken for the beginning of a value.
  whole.writeUInt32BE(keyBytes.length, 0);
  whole.set(keyBytes, 4);
  if (value !== null) whole.set(value, 4 + keyBytes.length);
  return hash('sha256', whole, 'buffer').readBigUInt64BE(0);
}
