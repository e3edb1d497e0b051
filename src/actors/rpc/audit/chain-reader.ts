/**
 * Reads one chain of the audit from its topic, in either direction, as it was written: each entry once, in order, and
 * none that has left.
 *
 * A driver may give entries that have left already, and repeat the last ones after a takeover; numbers tell them apart.
 */
import {
  type AuditRecord,
  auditRecord,
  type ChainAnchor,
  chainAnchor,
  chainStart,
} from '../../../persistence/index.ts';
import type { Log, ReadOptions } from '../../../transport/log/index.ts';
import { auditPrefix, flowTopics, isAuditAnchor } from '../../flow/protocol.ts';

/** Where a reading of a chain has got to. */
export interface ChainPlace {
  /** Undefined: it begins at the end, and passes what is not below `number`. */
  readonly position: string | undefined;
  /** Number of the last entry that was given. */
  readonly number: number;
  /** Number up to which entries have left; undefined while the anchor has not been met. */
  readonly anchor: number | undefined;
}

export interface PlacedEntry {
  readonly entry: AuditRecord;
  readonly place: ChainPlace;
}

/** A chain of the audit, and where it lies. */
export interface Chain {
  readonly chain: number;
  /** Of the topic: that of its shard, or where it rests since there are fewer shards. */
  readonly partition: number;
}

type ReadLog = Pick<Log, 'read'>;

/** From the newest entry, or from `from`, to the oldest. */
export async function* newestFirst(log: ReadLog, chain: Chain, from?: ChainPlace): AsyncGenerator<PlacedEntry> {
  let last = from?.number ?? Number.POSITIVE_INFINITY;
  let anchor = from?.anchor;
  for await (const chunk of read(log, chain, { after: from?.position, backwards: true })) {
    for (const { key, value, position } of chunk) {
      if (value === null) continue;
      if (isAuditAnchor(key)) {
        anchor ??= chainAnchor.decode(value).number;
        continue;
      }
      const entry = auditRecord.decode(value);
      if (entry.number >= last) continue;
      if (entry.number <= (anchor ?? 0)) return;
      last = entry.number;
      yield { entry, place: { position, number: last, anchor } };
    }
  }
}

/** From behind the anchor, or behind `from`, to the newest entry. */
export async function* oldestFirst(log: ReadLog, chain: Chain, from?: ChainPlace): AsyncGenerator<PlacedEntry> {
  const anchor = from?.anchor ?? (await anchorOf(log, chain)).number;
  let last = from?.number ?? anchor;
  for await (const chunk of read(log, chain, { after: from?.position })) {
    for (const { key, value, position } of chunk) {
      if (value === null || isAuditAnchor(key)) continue;
      const entry = auditRecord.decode(value);
      if (entry.number <= last) continue;
      last = entry.number;
      yield { entry, place: { position, number: last, anchor } };
    }
  }
}

/** The point from which a chain can be verified: it is never far from the newest entry. */
export async function anchorOf(log: ReadLog, chain: Chain): Promise<ChainAnchor> {
  for await (const chunk of read(log, chain, { backwards: true })) {
    for (const { key, value } of chunk) if (isAuditAnchor(key) && value !== null) return chainAnchor.decode(value);
  }
  return { ...chainStart, resting: [] };
}

function read(log: ReadLog, { chain, partition }: Chain, options: ReadOptions): ReturnType<Log['read']> {
  return log.read(flowTopics.audit, partition, { ...options, under: auditPrefix(chain) });
}
