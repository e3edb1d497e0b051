/** What tests of flows and actors are made with: the door of `weir/testing`. */
export type { CrashPoint } from '../actors/shard/index.ts';
export type {
  ActiveFault,
  ActorFaults,
  ActorTarget,
  ClockError,
  Fault,
  FaultInjector,
  FaultWord,
  InjectorSetup,
  LogTarget,
  MessageFate,
  PeerTarget,
  ProcessFaults,
  Seams,
  ShardTarget,
  Shift,
  Target,
  WriteFate,
} from '../chaos/index.ts';
export {
  contestedLog,
  describeFault,
  faultInjector,
  faultWords,
  faultyClock,
  faultyPeer,
  faultyStore,
  faultyWire,
  memoryFaults,
  parseFault,
} from '../chaos/index.ts';
export type { Clock, Random, Timer } from '../ports/index.ts';
export type {
  AppendInfo,
  CommitInfo,
  Fate,
  Faults,
  Log,
  MemoryCluster,
  ShardId,
  TopicName,
} from '../transport/log/index.ts';
export type { PeerFaults } from '../transport/peer/index.ts';
export type { RunOptions, TestNode, TestNodeSettings } from './test-node.ts';
export { testNode } from './test-node.ts';
export type { VirtualClock, VirtualClockSettings } from './virtual-clock.ts';
export { virtualClock } from './virtual-clock.ts';
