/**
 * What tests of flows and actors are made with: the door of `weir/testing`.
 * @module weir/testing
 */

export type {
  ActorContext,
  ActorSystem,
  Behavior,
  Cause,
  DeadLetter,
  Receive,
  Ref,
  Signal,
  SpawnOptions,
} from '../actors/kernel/index.ts';
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
export type { ActorKit, ActorKitSettings } from './actor-kit.ts';
export { actorKit } from './actor-kit.ts';
export type { BehaviorEffects, BehaviorKit, BehaviorScenario } from './behavior-kit.ts';
export { behaviorKit } from './behavior-kit.ts';
export type { CapturedLine, CapturedLog, CapturedLogSettings } from './captured-log.ts';
export { capturedLog } from './captured-log.ts';
export type { Expected } from './expectation.ts';
export { ExpectationError } from './expectation.ts';
export type {
  ActorScenario,
  AskedScenario,
  Endings,
  FlowKit,
  FlowKitSettings,
  FlowOutcome,
  FlowScenario,
  PeerScenario,
  StepScenario,
} from './flow-kit/index.ts';
export { flowKit, given } from './flow-kit/index.ts';
export type { ActorEffect, PersistentActorKit, PersistentActorScenario } from './persistent-actor-kit.ts';
export { persistentActorKit } from './persistent-actor-kit.ts';
export type { Probe } from './probe.ts';
export type { ScriptedMember, ScriptedSession } from './scripted-member.ts';
export type {
  Accepted,
  BrokerFault,
  Cut,
  Happening,
  Invariant,
  NetworkSettings,
  Plan,
  PlannedNode,
  PreparedRun,
  RunResult,
  Scenario,
  SeenActor,
  SeenFlow,
  SimClients,
  SimEvent,
  SimFault,
  SimFaultWord,
  SimNode,
  SimulateSettings,
  SimulationFailure,
  SimulationReport,
  Timed,
  Violation,
  WorkerFault,
  World,
  WorldFault,
} from './simulation/index.ts';
export {
  actorsOf,
  applyCut,
  brokerFaults,
  Coverage,
  configurationOf,
  drawPlan,
  flowsOf,
  freshSeed,
  lineOf,
  parseSeed,
  replay,
  runPlan,
  seedText,
  simulate,
} from './simulation/index.ts';
export type { RunOptions, TestNode, TestNodeSettings } from './test-node.ts';
export { testNode } from './test-node.ts';
export type { Within } from './until.ts';
export type { VirtualClock, VirtualClockSettings } from './virtual-clock.ts';
export { virtualClock } from './virtual-clock.ts';
