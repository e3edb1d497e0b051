/**
 * The records of the audit: entries of topic `flow.audit`, each bound to the one before it by its hash, and the points
 * of a chain that its shard keeps.
 *
 * Owns what an entry is made of and how its hash is computed, so that whoever has the entries can check them without
 * the code that wrote them.
 */
import { hash } from 'node:crypto';
import { recordCodec } from './avro.ts';
import { bytes, choice, count, small, text } from './fields.ts';

const namespace = 'weir.audit';

/** A value that an act was about: always named by its hash, kept itself when it is small and worth it. */
export interface AuditValue {
  /** SHA-256 of its canonical bytes. */
  readonly hash: Uint8Array;
  /** How many bytes these are. */
  readonly size: number;
  /** The bytes themselves; empty when only the hash is kept. */
  readonly value: Uint8Array;
}

/** What an entry says, beside its place in the chain. */
export interface AuditFacts {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** `start`, `retry`, `skip`, ..., and `end` for how the flow ended. */
  readonly act: string;
  /** What the act was on: the operation that was skipped, the status that an `end` gave. */
  readonly subject: string;
  readonly flowId: string;
  readonly flow: string;
  readonly version: number;
  readonly memberName: string;
  readonly memberGroup: string;
  /** Empty for a flow that a session started. */
  readonly clientRequestId: string;
  readonly principal: string;
  readonly principalKind: 'operator' | 'client' | 'member' | 'system';
  readonly reason: string;
  /** Code of the error that a flow ended with; else empty. */
  readonly code: string;
  readonly before: AuditValue | null;
  readonly after: AuditValue | null;
}

/** A value of `flow.audit`: written once, never changed, forgotten after its window. */
export interface AuditRecord extends AuditFacts {
  /** Place in the chain of its shard, from 1. */
  readonly number: number;
  /** Hash of the entry before it; zeros for the first. */
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
}

/** A place in a chain: everything up to `number` leads to `hash`. */
export interface ChainPoint {
  readonly number: number;
  readonly hash: Uint8Array;
  /** When it was noted, in milliseconds since 1970; what it means is its keeper's. */
  readonly at: number;
}

const value = (name: string) => ({
  name,
  type: [
    'null',
    {
      type: 'record',
      name: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      fields: [bytes('hash'), small('size'), bytes('value')],
    },
  ],
});

export const auditRecord = recordCodec<AuditRecord>(
  {
    type: 'record',
    name: 'Entry',
    namespace,
    fields: [
      count('number'),
      count('at'),
      text('act'),
      text('subject'),
      text('flowId'),
      text('flow'),
      small('version'),
      text('memberName'),
      text('memberGroup'),
      text('clientRequestId'),
      text('principal'),
      choice('principalKind', 'PrincipalKind', ['operator', 'client', 'member', 'system']),
      text('reason'),
      text('code'),
      value('before'),
      value('after'),
      bytes('previous'),
      bytes('hash'),
    ],
  },
  'audit entry',
);

export const chainPoint = recordCodec<ChainPoint>(
  { type: 'record', name: 'Point', namespace, fields: [count('number'), bytes('hash'), count('at')] },
  'point of an audit chain',
);

/** From where a chain can be verified, as its topic says it: the last entry that has left. */
export interface ChainAnchor extends ChainPoint {
  /** Chains of shards that there are no more, which rest in the same partition. */
  readonly resting: readonly number[];
}

export const chainAnchor = recordCodec<ChainAnchor>(
  {
    type: 'record',
    name: 'Anchor',
    namespace,
    fields: [
      count('number'),
      bytes('hash'),
      count('at'),
      { name: 'resting', type: { type: 'array', items: 'int' }, default: [] },
    ],
  },
  'anchor of an audit chain',
);

/** What the first entry of a chain follows. */
export const chainStart: ChainPoint = { number: 0, hash: new Uint8Array(32), at: 0 };

/** SHA-256, by which values and entries are named. */
export function auditHash(content: Uint8Array | string): Uint8Array {
  // By way of a text of a character for each byte: a Buffer that the native side makes costs as much as the hash.
  const text = hash('sha256', content, 'binary');
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/**
 * The hash of an entry: SHA-256 over the UTF-8 of a JSON list of everything that it says, in the order below. Values
 * count by hash and size, so that one that was not kept can still be compared; hashes are in hex.
 * @param chain Partition that the entry stands in.
 */
export function entryHash(chain: number, entry: Omit<AuditRecord, 'hash'>): Uint8Array {
  const { number, at, act, subject, flowId, flow, version, memberName, memberGroup, clientRequestId } = entry;
  const { principal, principalKind, reason, code, before, after, previous } = entry;
  return auditHash(
    // biome-ignore format: in the order of the format
    JSON.stringify([
      'weir.audit/1', chain, number, at, act, subject, flowId, flow, version, memberName, memberGroup,
      clientRequestId, principal, principalKind, reason, code, printOf(before), printOf(after), hex(previous),
    ]),
  );
}

function printOf(value: AuditValue | null): readonly [string, number] | null {
  return value === null ? null : [hex(value.hash), value.size];
}

export function hex(bytes: Uint8Array): string {
  // A copy: asked for its buffer, a small array would get memory outside the heap.
  return Buffer.from(bytes).toString('hex');
}
