/** What is done to the log of a node while nobody runs on it. */
export type { OfflineLog } from '../../transport/log/index.ts';
export { adoptLog } from './adopt.ts';
export type { Copied } from './copy.ts';
export { exportLog, importLog } from './copy.ts';
export { readLogFile } from './log-file/index.ts';
export { openOffline } from './open.ts';
export { reshardLog } from './reshard.ts';
export type { Totals } from './tally.ts';
export { unfinishedFlows } from './unfinished-flows.ts';
