/** Where operators of a running node inject faults: each act leaves a line in the log, with who and why. */
import { messageOf } from '../errors/index.ts';
import type { Authority, Logger } from '../ports/index.ts';
import type { FaultWord } from './fault.ts';
import type { FaultInjector } from './injector.ts';
import type { ActiveFault } from './live-fault.ts';
import { parseFault } from './read-fault.ts';

export interface ChaosDesk {
  /** @throws WeirError `WEIR_FAULT_INVALID`, `WEIR_FAULT_UNREACHABLE` */
  inject(fault: unknown, by: Authority): ActiveFault;
  /** Ends one fault, or all without `id`. Gives those that it ended. */
  clear(by: Authority, id?: number): readonly ActiveFault[];
  active(): readonly ActiveFault[];
  /** How often each word has struck since the node started. */
  struck(): Readonly<Record<FaultWord, number>>;
}

export function chaosDesk(injector: FaultInjector, logger: Logger): ChaosDesk {
  return {
    inject(given, { principal, reason }) {
      const fault = parseFault(given);
      // Before it strikes: it may be the last line of the process.
      logger.warn({ fault, principal: principal.name, reason }, 'a fault is injected');
      try {
        return injector.inject(fault);
      } catch (error) {
        logger.warn({ fault, error: messageOf(error) }, 'the fault was refused');
        throw error;
      }
    },
    clear({ principal, reason }, id) {
      const ended = injector.active().filter((one) => id === undefined || one.id === id);
      logger.warn({ faults: ended.map(({ text }) => text), principal: principal.name, reason }, 'faults are cleared');
      for (const one of ended) injector.lift(one.id);
      return ended;
    },
    active: () => injector.active(),
    struck: () => injector.struck(),
  };
}
