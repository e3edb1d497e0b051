/** What tests of flows and actors are made with: the door of `weir/testing`. */

export type { CrashPoint, PeerFaults, TestNode, TestNodeSettings } from './test-node.ts';
export { testNode } from './test-node.ts';
export type { VirtualClock, VirtualClockSettings } from './virtual-clock.ts';
export { virtualClock } from './virtual-clock.ts';
