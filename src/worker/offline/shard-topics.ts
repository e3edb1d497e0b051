/** The topics of the sharded services, and who knows where their records belong. */
import { flowRelocation } from '../../actors/flow/index.ts';
import { flowTopics } from '../../actors/flow/protocol.ts';
import type { ServiceRelocation } from '../../actors/shard/index.ts';

export interface ShardTopics {
  readonly state: string;
  /** A shard has taken its events up to where its state says. */
  readonly events: string;
  /** Written by the owners of the shards, partition by partition. */
  readonly tables: readonly string[];
  readonly relocation: (partitions: number) => ServiceRelocation;
}

export const shardTopics: readonly ShardTopics[] = [
  {
    state: flowTopics.state,
    events: flowTopics.events,
    tables: [flowTopics.status, flowTopics.audit],
    relocation: flowRelocation,
  },
];
