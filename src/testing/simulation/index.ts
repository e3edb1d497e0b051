/** Simulation of whole clusters from a seed: the door of this folder. */
export type { Accepted, SimClients } from './client.ts';
export { Coverage } from './coverage.ts';
export type { ClientWord, Happening, SentCommit, SimEvent } from './events.ts';
export type { NetworkSettings } from './network.ts';
export type { BrokerFault, Plan, PlannedNode, SimFault, SimFaultWord, Timed, WorkerFault, WorldFault } from './plan.ts';
export { brokerFaults } from './plan.ts';
export type { SeenActor, SeenFlow } from './reading.ts';
export { actorsOf, configurationOf, flowsOf } from './reading.ts';
export type { RunResult } from './run.ts';
export { drawPlan, runPlan } from './run.ts';
export type { PreparedRun, Scenario } from './scenario.ts';
export { freshSeed, parseSeed, seedText } from './seed.ts';
export type { Cut } from './shrink.ts';
export { applyCut } from './shrink.ts';
export type { SimulateSettings, SimulationFailure, SimulationReport } from './simulate.ts';
export { replay, simulate } from './simulate.ts';
export { lineOf } from './words.ts';
export type { Invariant, SimNode, Violation, World } from './world.ts';
