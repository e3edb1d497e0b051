/** Faults by name: the words, the injector, and the decorators of ports that strike what they wrap. */
export { contestedLog } from './contested-log.ts';
export { describeFault } from './describe-fault.ts';
export type { ChaosDesk } from './desk.ts';
export { chaosDesk } from './desk.ts';
export type { ClockError, MessageFate, WriteFate } from './fates.ts';
export type { Fault, FaultWord, Shift } from './fault.ts';
export { faultyClock } from './faulty-clock.ts';
export { faultyPeer } from './faulty-peer.ts';
export { faultyStore } from './faulty-store.ts';
export { faultyWire } from './faulty-wire.ts';
export type { FaultInjector, InjectorSetup } from './injector.ts';
export { faultInjector } from './injector.ts';
export type { ActiveFault } from './live-fault.ts';
export { attachMemory, memoryFaults } from './memory-faults.ts';
export { faultFrom, parseFault } from './read-fault.ts';
export type { ActorFaults, ProcessFaults, Seams } from './seams.ts';
export type { ActorTarget, LogTarget, PeerTarget, ShardTarget, Target } from './target.ts';
export { faultWords } from './words.ts';
