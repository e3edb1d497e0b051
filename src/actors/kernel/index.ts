/** The door of the kernel. All of it is public: `weir/actors` opens on the same. */
export type { ActorSystemSetup } from './system.ts';
export { createActorSystem } from './system.ts';
export type {
  ActorContext,
  ActorEvent,
  ActorEventPage,
  ActorEvents,
  ActorEventType,
  ActorSnapshot,
  ActorSystem,
  ActorTrace,
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
  TracedMessage,
  TraceSettings,
} from './types.ts';
export { unreachable } from './unreachable.ts';
