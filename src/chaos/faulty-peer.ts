/** Messages between members that are lost, repeated, late, overtaken or cut off, as an injector says. */
import type { Timer } from '../ports/index.ts';
import type { PeerMessage, PeerTransport } from '../transport/peer/index.ts';
import type { FaultInjector } from './injector.ts';

interface Held {
  readonly timer: Timer;
  readonly pass: () => void;
}

/** The transport with the faults of one worker. What is sent is struck once; what arrives is only kept out by a partition. */
export function faultyPeer(transport: PeerTransport, injector: FaultInjector): PeerTransport {
  injector.attach({ messages: true });
  /** Messages that wait to be overtaken. */
  let held: Held[] = [];
  let closed = false;

  const letGo = (): void => {
    const waiting = held;
    held = [];
    for (const { timer, pass } of waiting) {
      timer.cancel();
      pass();
    }
  };

  return {
    send(message) {
      const { delayMs, copies, overtakenMs } = injector.fateOfMessage(message.source, message.destination);
      const pass = (): void => {
        if (closed) return;
        for (let copy = 0; copy < copies; copy++) transport.send(message);
      };
      if (overtakenMs !== undefined) {
        held.push({ timer: injector.clock.after(delayMs + overtakenMs, letGo), pass });
        return;
      }
      if (delayMs > 0) injector.clock.after(delayMs, pass);
      else pass();
      if (held.length > 0) letGo();
    },
    listen(receive) {
      transport.listen((message: PeerMessage) => {
        if (injector.admits(message.source, message.destination)) receive(message);
      });
    },
    close() {
      closed = true;
      for (const { timer } of held) timer.cancel();
      transport.close();
    },
  };
}
