/**
 * Reads one chain of the audit from its topic, in either direction, as it was written: each entry once, in order, and
 * none that has left.
 *
 * A driver may give entries that have left already, and repeat the last ones after a takeover; numbers tell them apart.
 */
import { type AuditRecord, auditRecord, type ChainPoint, chainPoint, chainStart } from '../../../persistence/index.ts';
import type { Log } from '../../../transport/log/index.ts';
import { flowTopics, isAuditAnchor } from '../../flow/protocol.ts';

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

type ReadLog = Pick<Log, 'read'>;

/** From the newest entry, or from `from`, to the oldest. */
export async function* newestFirst(log: ReadLog, chain: number, from?: ChainPlace): AsyncGenerator<PlacedEntry> {
  let last = from?.number ?? Number.POSITIVE_INFINITY;
  let anchor = from?.anchor;
  for await (const chunk of log.read(flowTopics.audit, chain, { after: from?.position, backwards: true })) {
    for (const { key, value, position } of chunk) {
      if (value === null) continue;
      if (isAuditAnchor(key)) {
        anchor ??= chainPoint.decode(value).number;
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
export async function* oldestFirst(log: ReadLog, chain: number, from?: ChainPlace): AsyncGenerator<PlacedEntry> {
  const anchor = from?.anchor ?? (await anchorOf(log, chain)).number;
  let last = from?.number ?? anchor;
  for await (const chunk of log.read(flowTopics.audit, chain, { after: from?.position })) {
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
export async function anchorOf(log: ReadLog, chain: number): Promise<ChainPoint> {
  for await (const chunk of log.read(flowTopics.audit, chain, { backwards: true })) {
    for (const { key, value } of chunk) if (isAuditAnchor(key) && value !== null) return chainPoint.decode(value);
  }
  return chainStart;
}
