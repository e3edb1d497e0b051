/** What a shard knows of itself. Changing it needs a migration: see docs/decisions/records.md. */
import { recordCodec } from './avro.ts';
import { count, small } from './fields.ts';

const namespace = 'weir.state';

/** `shard`: what the shard knows of itself. */
export interface ShardRecord {
  readonly partitions: number;
  /** Number of the commit that wrote it; grows by one with each. */
  readonly commit: number;
  /** The last owner drained the shard and let it go; false after an unclean end. */
  readonly released: boolean;
  /**
   * Counter of the claim under which it was written: whoever has claimed the shard since then has ended without a word.
   * 0 where nobody says so.
   */
  readonly claim: number;
}

const firstShard = {
  type: 'record',
  name: 'Shard',
  namespace,
  fields: [small('partitions'), count('commit'), { name: 'released', type: 'boolean' }],
};

export const shardRecord = recordCodec<ShardRecord>(
  { ...firstShard, fields: [...firstShard.fields, { ...count('claim'), default: 0 }] },
  'shard',
  [firstShard],
);
