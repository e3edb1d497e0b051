/**
 * Suites that every driver of a port passes, for people who write drivers: the door of `weir/testing/contracts`.
 * They are written with vitest, which the project that runs them brings.
 */
export type { LogDriver } from './log-contract.ts';
export { logContract } from './log-contract.ts';
