export type { LoopWatch, LoopWatchSettings } from './loop-watch.ts';
export { blockedExitCode, watchLoop } from './loop-watch.ts';
