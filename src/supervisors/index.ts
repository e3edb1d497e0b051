export type { ChildAnswer, ChildRequest, SupervisorMessage } from './messages.ts';
export type { AnyBehavior, ChildSpec, ChildStart, Restart, Strategy, SupervisorSpec } from './spec.ts';
export { shutdownMsOf } from './spec.ts';
export type { ChildState, ChildStatus } from './status.ts';
export { describeWaiting } from './status.ts';
export type { SupervisorSetup } from './supervisor.ts';
export { supervisor } from './supervisor.ts';
export type { AvailabilityListener, Elsewhere } from './uses.ts';
