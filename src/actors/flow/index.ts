/** The flow service: how flows and persistent actors are written, and the program that runs them on shards. */

export { defaultCredit } from '../session-manager/index.ts';
export { ActorHost } from './actor-host.ts';
export type { AllOptions, AllResults, Branches, RaceResult, Task } from './branching.ts';
export { CheckpointReader } from './checkpoint-records.ts';
export type { Compat, Obstacle } from './compat.ts';
export { compatOf } from './compat.ts';
export { issuesOf } from './context.ts';
export type { ReceivedFrom } from './conversations.ts';
export type {
  AnyFlow,
  FlowContext,
  FlowDefinition,
  FlowOptions,
  Migrated,
  Stage,
  StageOutcome,
  States,
} from './definition.ts';
export { flow } from './definition.ts';
export type { Checkpoint } from './dry-run.ts';
export { standsFor } from './duties.ts';
export { ApplicationError, FlowError, TransientError } from './faults.ts';
export type { FlowProgramSetup, FlowSettings } from './flow-program.ts';
export { flowProgram } from './flow-program.ts';
export { signalSession } from './notices.ts';
export type { Op, Operation, StageRequest } from './operation.ts';
export { BranchRequest, OperationRequest } from './operation.ts';
export type { Become, Failed } from './outcome.ts';
export { isBecome } from './outcome.ts';
export { peerReceiver } from './peer-receiver.ts';
export type {
  ActorEffects,
  ActorHandle,
  ActorMessageType,
  ActorMessageTypes,
  ActorScope,
  AnswerTo,
  PersistentActor,
} from './persistent-actor.ts';
export { persistentActor } from './persistent-actor.ts';
export type { AnyActor, HostedMember } from './registry.ts';
export { Registry } from './registry.ts';
export { flowRelocation } from './relocation.ts';
export type { Compensate } from './saga.ts';
export type { InitiatorSession, Received, ResponderSession, Session, TimedOut } from './session.ts';
export type { MessageTypes, Protocol, ProtocolOptions } from './session-protocol.ts';
export { protocol } from './session-protocol.ts';
export type { Configured } from './shard-configuration.ts';
export { configurationKey, configurationRecord } from './shard-configuration.ts';
export type { FlowPlace, ProgressReport } from './signal.ts';
export type { RetryPolicy, StepBody, StepInfo, StepOptions } from './step.ts';
export type { Subflow, SubflowContext } from './subflow.ts';
export { subflow } from './subflow.ts';
export type { Life } from './worker-guard.ts';
export { WorkerGuard } from './worker-guard.ts';
