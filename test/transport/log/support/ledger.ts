/**
 * A load whose result can be checked by looking at the store alone: commit *n* of a shard sets the same number in
 * several records, so a commit that is there in part shows.
 */
import type { Claim, CommitBatch, Log, TopicSpec } from '../../../../src/transport/log/index.ts';

export const shards = 8;
export const topics: readonly TopicSpec[] = [
  { name: 'flow.state', partitions: shards, kind: 'state' },
  { name: 'flow.events', partitions: shards, kind: 'events' },
  { name: 'flow.status', partitions: shards, kind: 'table' },
];

/** Records that commit `n` of a shard writes: one that all commits share, two of its own, and one of an older commit. */
export function commitOf(shard: number, n: number, fillBytes = 40): CommitBatch {
  const value = (): Uint8Array => Buffer.from(`${n}:${'x'.repeat(fillBytes)}`);
  return {
    records: [
      { key: 'head', value: value() },
      { key: `c/${n}`, value: value() },
      { key: `j/${n}`, value: value() },
      { key: `c/${n - 10}`, value: null },
    ],
    publications: [{ topic: 'flow.status', key: `shard ${shard}`, value: value() }],
  };
}

export interface ShardState {
  readonly head: number;
  readonly keys: readonly string[];
  readonly published: number;
}

/** What a shard has to look like when `head` commits were made. */
export function expectedState(head: number): ShardState {
  const all = Array.from({ length: head }, (_, index) => index + 1);
  const kept = all.filter((n) => n > head - 10);
  const keys = [...kept.map((n) => `c/${n}`), 'head', ...all.map((n) => `j/${n}`)].sort();
  return { head, keys: head === 0 ? [] : keys, published: head };
}

/** The shard as it is in the store; throws when a value is not the one that its commit wrote. */
export async function readShard(log: Log, claim: Claim): Promise<ShardState> {
  const keys: string[] = [];
  let head = 0;
  for await (const chunk of claim.restore()) {
    for (const { key, value } of chunk) {
      const n = Number(
        Buffer.from(value ?? [])
          .toString()
          .split(':')[0],
      );
      if (key === 'head') head = n;
      else if (n !== Number(key.slice(2))) throw new Error(`${key} has the value of commit ${n}`);
      keys.push(key);
    }
  }
  const table = await log.table('flow.status');
  const published = table.get(`shard ${claim.shard.partition}`);
  table.close();
  return {
    head,
    keys: keys.sort(),
    published: Number(
      Buffer.from(published ?? [])
        .toString()
        .split(':')[0],
    ),
  };
}

export function claimAll(log: Log): Promise<Claim[]> {
  return Promise.all(Array.from({ length: shards }, (_, partition) => log.claim({ topic: 'flow.state', partition })));
}
