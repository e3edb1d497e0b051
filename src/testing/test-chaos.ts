/** Faults by name for the workers of a test node: an injector for each, and the ports through which it strikes. */
import {
  attachMemory,
  contestedLog,
  type FaultInjector,
  faultInjector,
  faultyClock,
  faultyPeer,
} from '../chaos/index.ts';
import { type Clock, type Logger, seededRandom } from '../ports/index.ts';
import type { Log, MemoryCluster } from '../transport/log/index.ts';
import type { PeerTransport } from '../transport/peer/index.ts';

export interface WorkerChaosSetup {
  readonly clock: Clock;
  readonly seed: number;
  /** Name of the worker in the cluster. */
  readonly name: string;
  readonly cluster: () => MemoryCluster;
}

export interface WorkerChaos {
  readonly injector: FaultInjector;
  /** The ports of a worker that starts, with whatever strikes it at that moment. */
  ports(ports: { readonly log: Log; readonly peer: PeerTransport; readonly logger: Logger }): {
    readonly log: Log;
    readonly peer: PeerTransport;
    readonly clock: Clock;
  };
}

/** Faults outlive a crash of their worker, as what is wrong with a disk or a network does. */
export function workerChaos({ clock, seed, name, cluster }: WorkerChaosSetup): WorkerChaos {
  // A partition and a worker that stands still both stop its line to the log; it is mended when neither does.
  let stops = 0;
  const stop = (): (() => void) => {
    stops += 1;
    cluster().freeze(name);
    let mended = false;
    return () => {
      if (mended) return;
      mended = true;
      stops -= 1;
      if (stops === 0) cluster().thaw(name);
    };
  };
  const injector = faultInjector({
    clock,
    // A stream of its own: a fault must not change what the node draws.
    random: seededRandom(seed),
    process: { crash: () => cluster().crash(name), freeze: stop },
  });
  attachMemory(injector, stop);
  return {
    injector,
    ports({ log, peer, logger }) {
      if (stops > 0) cluster().freeze(name);
      return {
        log: contestedLog(log, injector, logger),
        peer: faultyPeer(peer, injector),
        clock: faultyClock(clock, injector),
      };
    },
  };
}
