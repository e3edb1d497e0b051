/** Faults by name: the words, the injector, and the decorators of ports that strike what they wrap. */
export { describeFault } from './describe-fault.ts';
export type { Fault, FaultWord, Shift } from './fault.ts';
export { faultWords, parseFault } from './fault.ts';
export type { ActiveFault, FaultInjector, InjectorSetup, MessageFate, WriteFate } from './injector.ts';
export { faultInjector } from './injector.ts';
export type { ActorFaults, ProcessFaults, Seams } from './seams.ts';
export type { ActorTarget, LogTarget, PeerTarget, ShardTarget, Target } from './target.ts';
