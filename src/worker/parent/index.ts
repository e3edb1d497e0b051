/** A parent process that runs several workers of one host and watches them. */

export { forkWorker } from './fork-worker.ts';
export type { DeadWorker, Parent, ParentEvent, ParentSetup, WorkerProcess } from './parent.ts';
export { workersParent } from './parent.ts';
export { workerOptions } from './worker-options.ts';
export type { WorkerReport } from './worker-report.ts';
