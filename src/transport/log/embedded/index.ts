export { directoryCheckup, embeddedCheckup } from './checkup.ts';
export { partitionPrefix } from './codec.ts';
export { openEmbeddedOffline } from './offline.ts';
export type { EmbeddedLogSettings } from './open.ts';
export { openEmbeddedLog } from './open-log.ts';
export type { OpenStore, Store } from './store.ts';
export { openLevelStore } from './store.ts';
