/**
 * The door of `weir/actors`: the actor kernel and its supervisors, for programs that are made of actors.
 * @module weir/actors
 */
export * from './actors/kernel/index.ts';
export { WeirError } from './errors/index.ts';
export type { Clock, Duration, Logger, Random, Timer } from './ports/index.ts';
export { holdProcess, pinoLogger, seededRandom, silentLogger, systemClock, systemRandom } from './ports/index.ts';
export type {
  AnyBehavior,
  AvailabilityListener,
  ChildAnswer,
  ChildRequest,
  ChildSpec,
  ChildStart,
  ChildState,
  ChildStatus,
  Elsewhere,
  Restart,
  Strategy,
  SupervisorMessage,
  SupervisorSetup,
  SupervisorSpec,
} from './supervisors/index.ts';
export { describeWaiting, shutdownMsOf, supervisor } from './supervisors/index.ts';
