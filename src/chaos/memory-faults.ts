/** The faults of a memory cluster, as the injectors of its workers say. */
import { WeirError } from '../errors/index.ts';
import type { Fate, Faults, LogHealth } from '../transport/log/index.ts';
import type { WriteFate } from './fates.ts';
import type { FaultInjector } from './injector.ts';
import type { ActiveFault } from './live-fault.ts';

/**
 * @param injectorOf the injector of a worker by its name; undefined for one that has none
 */
export function memoryFaults(injectorOf: (worker: string) => FaultInjector | undefined): Faults {
  return {
    commit: ({ worker, shard }) => fateOf(injectorOf(worker)?.fateOfCommit(shard)),
    append: ({ worker, topic, partition }) => fateOf(injectorOf(worker)?.fateOfAppend(topic, partition)),
    health: (worker) => healthOf(injectorOf(worker)),
  };
}

/** Says which words strike in a memory cluster. `cutOff` cuts the worker's line to the storage and gives how to mend it. */
export function attachMemory(injector: FaultInjector, cutOff: () => () => void): void {
  injector.attach({ writes: ['crash', 'slow', 'lost-ack', 'duplicate', 'full-disk', 'torn-write'], cutOff });
}

function fateOf(fate: WriteFate | undefined): Fate {
  if (fate === undefined) return 'ok';
  const { what, delayMs, over } = fate;
  switch (what) {
    case 'crash-before':
    case 'crash-after':
      return { delayMs, what };
    case 'torn-write':
      // Half a batch is none: what a disk has of it is dropped when the log is opened again.
      return { delayMs, what: 'crash-before' };
    case 'lost-ack':
    case 'duplicate':
      // A request that comes twice is what the storage sees of an acknowledgement that was lost.
      return { delayMs, what: 'lost-ack' };
    case 'full-disk':
      return { delayMs, ...(over === undefined ? {} : { held: over }) };
    default:
      // A partition has cut the line itself: requests arrive when it is mended.
      return delayMs === 0 ? 'ok' : { delayMs };
  }
}

/** What was told of each injector last: health is asked for again and again, and an error with its stack is dear. */
const told = new WeakMap<FaultInjector, { readonly type: string; readonly health: LogHealth }>();

function healthOf(injector: FaultInjector | undefined): LogHealth | undefined {
  const fault = injector?.heldUp();
  if (injector === undefined || fault === undefined) return undefined;
  const last = told.get(injector);
  if (last?.health.since === fault.since && last.type === fault.fault.type) return last.health;
  const health = stalledBy(fault);
  told.set(injector, { type: fault.fault.type, health });
  return health;
}

function stalledBy(fault: ActiveFault): LogHealth {
  const full = fault.fault.type === 'full-disk';
  const error = full
    ? new WeirError('WEIR_LOG_DISK_FULL', { directory: 'memory' })
    : new Error('the log does not answer');
  return { state: 'stalled', error, since: fault.since };
}
