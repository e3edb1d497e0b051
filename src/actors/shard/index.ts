/** Shards: the generic single-writer machine under every sharded service. */
export { ChangeSet } from './change-set.ts';
export { inCopy, mendCopy, positionIn } from './copy.ts';
export { decodeCount } from './count.ts';
export { withDeadline } from './deadline.ts';
export { DueHeap } from './due-heap.ts';
export { partitionOf } from './partitioner.ts';
export type { FormerEnd, ShardHost, ShardPreparation, ShardProgram } from './program.ts';
export type { RoutedMessage, ShardMessage } from './protocol.ts';
export { decodeRouted } from './protocol.ts';
export type { RegionMessage, RegionSetup, ShardStatus } from './region.ts';
export { regionBehavior } from './region.ts';
export type { Relocated, ServiceRelocation } from './relocation.ts';
export { ShardRelocation } from './relocation.ts';
export { Router } from './router.ts';
export type { CrashPoint, ShardPhase, ShardSettings, ShardTopics } from './shard-setup.ts';
export { defaultShardSettings } from './shard-setup.ts';
export { StreamEnds } from './stream-ends.ts';
export type { Alarm, ShardTimers } from './timers.ts';
