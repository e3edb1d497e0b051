/** Failure injection into a running node: what strikes it, and the ports through which that gets at it. */
import {
  type ChaosDesk,
  chaosDesk,
  contestedLog,
  faultInjector,
  faultyClock,
  faultyPeer,
  faultyStore,
  faultyWire,
} from '../chaos/index.ts';
import type { Clock, Logger, Random } from '../ports/index.ts';
import { type KafkaWire, type Log, type OpenStore, openLevelStore } from '../transport/log/index.ts';
import type { PeerTransport } from '../transport/peer/index.ts';
import type { Node } from './node-parts.ts';

export interface ChaosOptions {
  /** Whether faults may be injected over HTTP. Never on a node that anybody relies on. Default false. */
  readonly allow?: boolean;
}

export interface NodeChaos {
  readonly desk: ChaosDesk;
  /** How the embedded log opens its store. Faults of the disk can be injected once this was asked for. */
  openStore(): OpenStore;
  /** What the log on Kafka says to the brokers, with whatever strikes it. */
  wire(wire: KafkaWire): KafkaWire;
  readonly clock: Clock;
  /** The ports of the node with whatever strikes them. */
  ports(ports: { readonly log: Log; readonly peer: PeerTransport }): {
    readonly log: Log;
    readonly peer: PeerTransport;
  };
  /** The node runs: its actors can be struck from now on. */
  started(node: Node): void;
}

/** Whoever injects a crash hears that it was done before it happens. */
const lastWordsMs = 25;

export function nodeChaos(setup: {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}): NodeChaos {
  const { clock, random, logger } = setup;
  logger.warn({}, 'failure injection is allowed: whoever reaches this node over HTTP can make it fail');
  const injector = faultInjector({
    clock,
    random,
    process: {
      crash: () => void clock.after(lastWordsMs, () => process.kill(process.pid, 'SIGKILL')),
      freeze(forMs) {
        clock.after(lastWordsMs, () => standStill(forMs));
        // Nothing runs that could let it go on earlier.
        return undefined;
      },
    },
    onStrike: ({ id, text, struck }) => logger.debug({ id, text, struck }, 'a fault strikes'),
  });
  return {
    desk: chaosDesk(injector, logger),
    openStore: () => faultyStore(openLevelStore, injector),
    wire: (wire) => faultyWire(wire, injector),
    clock: faultyClock(clock, injector),
    ports: ({ log, peer }) => ({ log: contestedLog(log, injector, logger), peer: faultyPeer(peer, injector) }),
    started: ({ internals }) => injector.attach({ actors: internals.system.steer }),
  };
}

/** Blocks the event loop, so that nothing of this process runs, as between SIGSTOP and SIGCONT. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}
