/** What a node is told to be: `weir.yaml`, environment and flags, and the modules that they name. */
export type { Configuration, ConfigurationSources } from './load.ts';
export { loadConfiguration, pathOf } from './load.ts';
export type { LoadedMember } from './modules.ts';
export { loadMembers } from './modules.ts';
export { brokersSetting, durationSetting, shardsSetting } from './schema.ts';
