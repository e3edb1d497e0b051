/**
 * Loopback: the peer transport between members of one node. In production it loses nothing; the faults of its contract
 * can be switched on for tests, from a seeded source.
 */
import type { Clock, Random } from '../../ports/index.ts';
import type { PeerMessage, PeerTransport } from './port.ts';

/** Odds of each fault for each message, 0 to 1. */
export interface PeerFaults {
  readonly lose?: number;
  readonly repeat?: number;
  readonly reorder?: number;
}

export interface LoopbackSetup {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: PeerFaults | undefined;
}

export function loopbackTransport({ clock, random, faults = {} }: LoopbackSetup): PeerTransport {
  let receiver: ((message: PeerMessage) => void) | undefined;
  let queue: PeerMessage[] = [];
  let closed = false;

  const deliver = (): void => {
    const batch = queue;
    queue = [];
    if (closed) return;
    for (const message of batch) receiver?.(message);
  };
  const strikes = (odds: number | undefined): boolean => odds !== undefined && odds > 0 && random.next() < odds;
  const enqueue = (message: PeerMessage): void => {
    if (queue.length === 0) clock.soon(deliver);
    if (strikes(faults.reorder)) queue.unshift(message);
    else queue.push(message);
  };

  return {
    send(message) {
      if (closed || strikes(faults.lose)) return;
      enqueue(message);
      if (strikes(faults.repeat)) enqueue(message);
    },
    listen(receive) {
      receiver = receive;
    },
    close() {
      closed = true;
      queue = [];
    },
  };
}
