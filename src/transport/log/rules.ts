/**
 * Rules that every driver keeps in the same way: names and counts of topics, limits of sizes, the order of keys and terms.
 * Owns no state; drivers call these before anything is written, so that a refused request has no effect at all.
 */
import { WeirError } from '../../errors/index.ts';
import type { CommitBatch, LogLimits, LogRecord, Term, TopicSpec } from './port.ts';

/** Limits of the embedded and the memory driver. */
export const defaultLimits: LogLimits = { maxRecordBytes: 1_048_576, maxBatchBytes: 8_388_608 };

/** Partitions are written as four digits in keys, so that a shard is one range. */
const maxPartitions = 9_999;

/** @throws WeirError `WEIR_LOG_TOPIC` for a name or count that no driver could keep, or one that differs from `known`. */
export function checkTopic(spec: TopicSpec, known: TopicSpec | undefined): void {
  const refuse = (why: string): never => {
    throw new WeirError('WEIR_LOG_TOPIC', { topic: spec.name, why });
  };
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(spec.name)) refuse('has a name other than letters, digits, ".", "_" and "-"');
  if (!Number.isInteger(spec.partitions) || spec.partitions < 1 || spec.partitions > maxPartitions) {
    refuse(`has ${spec.partitions} partitions: 1 to ${maxPartitions} are possible`);
  }
  if (known === undefined) return;
  if (known.partitions !== spec.partitions) refuse(`has ${known.partitions} partitions, not ${spec.partitions}`);
  if (known.kind !== spec.kind) refuse(`is of kind ${known.kind}, not ${spec.kind}`);
}

/**
 * The topic as it was created, if it can be used in this way.
 * @throws WeirError `WEIR_LOG_TOPIC` when it is unknown, of another kind or has no such partition.
 */
export function expectTopic<Topic extends { readonly spec: TopicSpec }>(
  topics: ReadonlyMap<string, Topic>,
  name: string,
  kind: TopicSpec['kind'],
  partition = 0,
): Topic {
  const topic = topics.get(name);
  if (topic === undefined) throw new WeirError('WEIR_LOG_TOPIC', { topic: name, why: 'does not exist' });
  if (topic.spec.kind !== kind) {
    throw new WeirError('WEIR_LOG_TOPIC', { topic: name, why: `is of kind ${topic.spec.kind}, not ${kind}` });
  }
  if (!Number.isInteger(partition) || partition < 0 || partition >= topic.spec.partitions) {
    throw new WeirError('WEIR_LOG_TOPIC', { topic: name, why: `has no partition ${partition}` });
  }
  return topic;
}

/** @throws WeirError `WEIR_LOG_TOO_LARGE` */
export function checkBatch(batch: CommitBatch, limits: LogLimits): void {
  checkTotal(batch.records, batch.publications, limits);
}

/** @throws WeirError `WEIR_LOG_TOO_LARGE`, and `WEIR_LOG_TOPIC` for a tombstone, which has no meaning there. */
export function checkAppend(topic: string, records: readonly LogRecord[], limits: LogLimits): void {
  if (records.some((record) => record.value === null)) {
    throw new WeirError('WEIR_LOG_TOPIC', { topic, why: 'keeps events: a record without a value cannot be appended' });
  }
  checkTotal(records, [], limits);
}

/** How large records are, at most: no character has more than three bytes for each of its units. */
function checkRecords(records: readonly LogRecord[], limits: LogLimits): number {
  let sum = 0;
  for (const { key, value } of records) {
    const bytes = value === null ? 0 : value.byteLength;
    if (bytes > limits.maxRecordBytes) {
      throw new WeirError('WEIR_LOG_TOO_LARGE', { what: `the value of ${key}`, bytes, limit: limits.maxRecordBytes });
    }
    sum += bytes + 3 * key.length;
  }
  return sum;
}

function checkTotal(first: readonly LogRecord[], second: readonly LogRecord[], limits: LogLimits): void {
  if (checkRecords(first, limits) + checkRecords(second, limits) <= limits.maxBatchBytes) return;
  let bytes = 0;
  for (const { key, value } of [...first, ...second]) bytes += Buffer.byteLength(key) + (value?.byteLength ?? 0);
  if (bytes > limits.maxBatchBytes) {
    throw new WeirError('WEIR_LOG_TOO_LARGE', { what: 'a batch', bytes, limit: limits.maxBatchBytes });
  }
}

/** Order of two keys by their UTF-8 bytes, which is that of their code points. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all that one unit can hold. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Whether a claim of term `one` came after one of term `other`. */
export function newerTerm(one: Term, other: Term): boolean {
  if (one.incarnation !== other.incarnation) return one.incarnation > other.incarnation;
  return one.counter > other.counter;
}
