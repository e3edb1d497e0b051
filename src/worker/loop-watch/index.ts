export type { LoopWatch, LoopWatchSettings } from './loop-watch.ts';
export { watchLoop } from './loop-watch.ts';
