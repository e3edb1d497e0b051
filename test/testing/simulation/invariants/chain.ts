/** Chains of the audit for tests of invariants: entries as a shard would publish them, one after the other. */
import { entryKey } from '../../../../src/actors/flow/audit-keys.ts';
import {
  type ActRecord,
  type AuditRecord,
  auditRecord,
  type ChainPoint,
  chainAnchor,
  chainPoint,
  chainStart,
  entryHash,
} from '../../../../src/persistence/index.ts';
import { flowId } from './history.ts';

export function anchorAt(point: ChainPoint): Uint8Array {
  return chainAnchor.encode({ ...point, resting: [] });
}

/** A chain that grows, and what a commit writes of it. */
export function chain() {
  let head: ChainPoint = chainStart;
  const append = (act: string, parts: Partial<AuditRecord> = {}): readonly [string, Uint8Array] => {
    const about = { flowId, flow: 'buy', version: 1, memberName: 'ACME', memberGroup: 'default', clientRequestId: 'r' };
    const what = { act, subject: '', principalKind: 'client' as const, code: '', before: null, after: null };
    const who = { at: 1, principal: 'ada', reason: '', ...parts };
    const entry = { ...about, ...what, ...who, number: head.number + 1, previous: head.hash, ...parts };
    const hash = entryHash(0, entry);
    head = { number: entry.number, hash, at: 0 };
    return [entryKey(0, entry.number), auditRecord.encode({ ...entry, hash })];
  };
  return {
    append,
    act: ({ act, ...who }: ActRecord) => append(act, who),
    point: () => chainPoint.encode(head),
    anchor: () => anchorAt(head),
  };
}
