export type { EmbeddedLogSettings } from './open.ts';
export { openEmbeddedLog } from './open.ts';
