export type { ModelBroker, ModelLog } from './broker.ts';
export { modelBroker } from './broker.ts';
export type { Api, ModelEvent, RequestFate, RequestFaults, RequestInfo } from './faults.ts';
export type { Replication } from './partition.ts';
export type { ModelBrokerSetup } from './settings.ts';
