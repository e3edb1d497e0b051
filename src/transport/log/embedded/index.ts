export { partitionPrefix } from './codec.ts';
export type { EmbeddedLogSettings } from './open.ts';
export { openEmbeddedLog } from './open.ts';
export type { OpenStore, Store } from './store.ts';
export { openLevelStore } from './store.ts';
