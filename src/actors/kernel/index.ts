export type { ActorSystemSetup } from './system.ts';
export { createActorSystem } from './system.ts';
export type {
  ActorContext,
  ActorSnapshot,
  ActorSystem,
  AskOptions,
  Behavior,
  Cause,
  DeadLetter,
  Decision,
  Failure,
  MessageCounts,
  Receive,
  Ref,
  Signal,
  SpawnOptions,
  Steering,
  SteeringAnswer,
  TellResult,
} from './types.ts';
