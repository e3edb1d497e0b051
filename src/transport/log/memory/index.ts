export type { MemoryCluster, MemoryClusterSetup } from './cluster.ts';
export { memoryCluster } from './cluster.ts';
export type { AppendInfo, CommitInfo, Fate, Faults } from './faults.ts';
