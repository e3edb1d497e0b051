/** Unfinished flows of a node that is stopped, as its log has them. */
import { type Checkpoint, CheckpointReader } from '../../actors/flow/index.ts';
import { flowTopics } from '../../actors/flow/protocol.ts';
import type { OfflineLog } from '../../transport/log/index.ts';

export interface ShardFlows {
  readonly checkpoints: Iterable<Checkpoint>;
  /** Ids of flows whose checkpoint this version of Weir cannot read. */
  readonly unreadable: readonly string[];
}

/** Shard by shard: memory is that of the unfinished flows of one. */
export async function* unfinishedFlows(log: OfflineLog): AsyncGenerator<ShardFlows> {
  const partitions = log.topics.find(({ name }) => name === flowTopics.state)?.partitions ?? 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const reader = new CheckpointReader();
    for await (const chunk of log.records(flowTopics.state, partition)) {
      for (const { key, value } of chunk) if (value !== null) reader.take({ key, value });
    }
    yield reader;
  }
  await log.assertStill();
}
