export type { AnyBehavior, ChildSpec, ChildStart, Strategy, SupervisorSpec } from './spec.ts';
export type { ChildState, ChildStatus } from './status.ts';
export { describeWaiting } from './status.ts';
export type { SupervisorMessage, SupervisorSetup } from './supervisor.ts';
export { shutdownMsOf, supervisor } from './supervisor.ts';
