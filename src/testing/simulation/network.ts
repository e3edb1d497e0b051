/**
 * The network between the nodes of a simulation: the only way on which they meet.
 *
 * Owns what becomes of each message between members: lost, repeated, late and so overtaken, cut off by a partition.
 * Whom a message comes from is vouched for by the network; `forge` is a peer that lies about it in the bytes.
 */
import type { Clock, Identity, Random } from '../../ports/index.ts';
import type { PeerMessage, PeerTransport } from '../../transport/peer/index.ts';
import type { Happening } from './events.ts';

export interface NetworkSettings {
  /** Odds that a message is lost, 0 to 1. Default 0. */
  readonly lose?: number;
  /** Odds that it arrives twice. Default 0. */
  readonly repeat?: number;
  /** Time on the way, in milliseconds; what takes longer is overtaken. Default 0.2 to 2. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
}

export interface NetworkSetup {
  readonly settings: NetworkSettings;
  readonly random: Random;
  /** On which messages travel. */
  readonly line: Pick<Clock, 'after'>;
  /** The node that hosts a member. */
  readonly nodeOf: (member: Identity) => string | undefined;
  readonly observe: (node: string, worker: string, happening: Happening) => void;
}

/** A worker's end of the network. */
export interface NetworkEnd {
  readonly node: string;
  readonly worker: string;
  /** Lane of the worker: what arrives runs there. */
  readonly clock: Clock;
}

/** Messages that a liar can pick from, and how many it takes. */
const remembered = 64;
const forgedAtOnce = 6;

export class Network {
  readonly #setup: NetworkSetup;
  readonly #ends = new Map<string, Array<NetworkEnd & { receive: (message: PeerMessage) => void }>>();
  readonly #cuts = new Set<string>();
  readonly #heard: PeerMessage[] = [];

  constructor(setup: NetworkSetup) {
    this.#setup = setup;
  }

  /** The peer transport of one process; `close` is what its death does. */
  connect(end: NetworkEnd): PeerTransport {
    let closed = false;
    const here = { ...end, receive: (_message: PeerMessage): void => undefined };
    return {
      send: (message) => {
        if (!closed) this.#send(end, message);
      },
      listen: (receive) => {
        here.receive = receive;
        const ends = this.#ends.get(end.node) ?? [];
        this.#ends.set(end.node, [...ends.filter((other) => other !== here), here]);
      },
      close: () => {
        closed = true;
        this.#ends.set(
          end.node,
          (this.#ends.get(end.node) ?? []).filter((other) => other !== here),
        );
      },
    };
  }

  /** Nothing passes between two nodes until `mend`. */
  cut(a: string, b: string): void {
    this.#cuts.add(pair(a, b));
  }

  mend(a: string, b: string): void {
    this.#cuts.delete(pair(a, b));
  }

  /**
   * A member sends, under its own name, copies of what other members said last; `alter` may change their bytes. Nothing
   * happens while there is no message to copy.
   */
  forge(liar: Identity, alter: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): void {
    const foreign = this.#heard.filter(({ source }) => source.name !== liar.name || source.group !== liar.group);
    for (const victim of foreign.slice(-forgedAtOnce)) {
      this.#arrive({ ...victim, source: liar, bytes: alter(victim.bytes) }, 'forged');
    }
  }

  #send(from: NetworkEnd, message: PeerMessage): void {
    const { settings, random, nodeOf, observe, line } = this.#setup;
    const target = nodeOf(message.destination);
    this.#remember(message);
    const strikes = (odds: number): boolean => odds > 0 && random.next() < odds;
    const fate =
      target === undefined
        ? 'nobody there'
        : this.#cuts.has(pair(from.node, target))
          ? 'cut off'
          : strikes(settings.lose ?? 0)
            ? 'lost'
            : strikes(settings.repeat ?? 0)
              ? 'repeated'
              : 'passed';
    observe(from.node, from.worker, { type: 'sent', fate, ...message });
    if (fate !== 'passed' && fate !== 'repeated') return;
    const copies = fate === 'passed' ? 1 : 2;
    for (let copy = 0; copy < copies; copy++) {
      const { min, max } = settings.latencyMs ?? { min: 0.2, max: 2 };
      line.after(min + (max - min) * random.next(), () => this.#arrive(message, fate));
    }
  }

  #arrive(message: PeerMessage, fate: 'passed' | 'repeated' | 'forged'): void {
    const node = this.#setup.nodeOf(message.destination) ?? '';
    const ends = this.#ends.get(node) ?? [];
    const end = ends[Math.floor(this.#setup.random.next() * ends.length)];
    // A node whose workers are all down, as a closed port would: the sender tries again.
    if (end === undefined) return;
    end.clock.soon(() => {
      this.#setup.observe(end.node, end.worker, { type: 'delivered', fate, ...message });
      end.receive(message);
    });
  }

  #remember(message: PeerMessage): void {
    this.#heard.push(message);
    if (this.#heard.length > remembered) this.#heard.shift();
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
