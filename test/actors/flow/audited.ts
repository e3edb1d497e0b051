/** Reads the audit of a test node from its log, and checks that each chain is whole. */
import { expect } from 'vitest';
import type { AuditEntry, Node } from '../../../src/index.ts';
import {
  type AuditRecord,
  auditRecord,
  ChainCheck,
  type ChainPoint,
  chainAnchor,
  chainStart,
} from '../../../src/persistence/index.ts';
import type { TestNode } from '../../../src/testing/index.ts';

let readers = 0;

export interface Audited {
  /** Entries of all chains, each chain in its order. */
  readonly entries: readonly AuditRecord[];
  readonly anchors: ReadonlyMap<number, ChainPoint>;
}

/** What stands in the audit; fails when a chain has a hole, or an entry that is not what was written. */
export async function audited(kit: TestNode): Promise<Audited> {
  const log = kit.cluster.worker(`reader-${readers++}`);
  const opening = log.table('flow.audit');
  await kit.advance(0);
  const table = await opening;
  const records = [...table.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  table.close();
  const anchors = new Map<number, ChainPoint>();
  for (const [key, value] of records) {
    const [chain = '', name] = key.split('/');
    if (name === 'anchor') anchors.set(Number(chain), chainAnchor.decode(value));
  }
  const checks = new Map<number, ChainCheck>();
  const entries: AuditRecord[] = [];
  for (const [key, value] of records) {
    const [name = '', number] = key.split('/');
    if (number === 'anchor') continue;
    const chain = Number(name);
    const entry = auditRecord.decode(value);
    const check = checks.get(chain) ?? new ChainCheck(chain, anchors.get(chain) ?? chainStart);
    checks.set(chain, check);
    expect([entry.number, check.next(entry)]).toEqual([Number(number), undefined]);
    entries.push(entry);
  }
  return { entries, anchors };
}

/** What a node tells of its audit, chain by chain; fails when one is not whole, or ends before its shard's newest entry. */
export async function verified(
  node: Pick<Node, 'auditChains' | 'auditChain'>,
  told: <T>(promise: Promise<T>) => Promise<T>,
): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for (const { chain, anchor, head } of await told(node.auditChains())) {
    const check = new ChainCheck(chain, anchor);
    let cursor: string | undefined;
    do {
      const stretch = await told(node.auditChain(chain, { limit: 7, cursor }));
      for (const entry of stretch.entries) expect([entry.chain, check.next(entry)]).toEqual([chain, undefined]);
      entries.push(...stretch.entries);
      cursor = stretch.cursor;
    } while (cursor !== undefined);
    if (head !== undefined) expect([check.last.number, check.last.hash]).toEqual([head.number, head.hash]);
  }
  return entries;
}

/** `start by local:embedder`, in the order of the chain. */
export function inWords(entries: readonly AuditRecord[]): string[] {
  return entries.map(({ act, subject, principal, reason, code }) =>
    [act, subject, `by ${principal}`, reason, code].filter((part) => part !== '').join(' '),
  );
}
