/** Tests of flows: given, when, then on the real engine. */
export type { Endings, FlowOutcome } from './endings.ts';
export type { ActorScenario, AskedScenario, FlowKit, FlowScenario, PeerScenario, StepScenario } from './scenario.ts';
export { flowKit, given } from './scenario.ts';
export type { FlowKitSettings } from './script.ts';
