/**
 * A node whose peer transport is in the test's hands: sees every session message that leaves, loses those it is told
 * to, and lets the test send messages of its own making, from any source.
 */
import { type SessionMessage, sessionMessage } from '../../../src/actors/session-manager/index.ts';
import { type Identity, seededRandom, silentLogger } from '../../../src/ports/index.ts';
import { virtualClock } from '../../../src/testing/index.ts';
import { type Faults, memoryCluster } from '../../../src/transport/log/index.ts';
import type { PeerMessage } from '../../../src/transport/peer/index.ts';
import { createNode, type Node, type NodeSettings } from '../../../src/worker/index.ts';

export type Wire = Awaited<ReturnType<typeof wiredNode>>;

/** `faults` strike its commits. */
export async function wiredNode(settings: NodeSettings, faults: Faults = {}) {
  const clock = virtualClock();
  const random = seededRandom(1);
  const cluster = memoryCluster({ clock, random, faults });
  /** Everything that was handed to the transport, lost or not. */
  const sent: SessionMessage[] = [];
  let receiver: ((message: PeerMessage) => void) | undefined;
  let node: Node | undefined;
  let lose: (message: SessionMessage) => boolean = () => false;

  const start = async (): Promise<void> => {
    let open = true;
    const log = cluster.worker('worker');
    const peer = {
      send(message: PeerMessage) {
        const decoded = sessionMessage.decode(message.bytes);
        if (!open) return;
        sent.push(decoded);
        if (!lose(decoded)) clock.soon(() => receiver?.(message));
      },
      listen(receive: (message: PeerMessage) => void) {
        receiver = receive;
      },
      close() {
        open = false;
      },
    };
    node = await createNode(settings, { log, clock, random, logger: silentLogger, peer });
  };
  await start();

  return {
    clock,
    cluster,
    sent,
    get node(): Node {
      if (node === undefined) throw new Error('the node is down');
      return node;
    },
    /** Messages for which `when` holds are lost from now on. */
    lose(when: (message: SessionMessage) => boolean): void {
      lose = when;
    },
    /** Hands a message to the node as the transport would; `source` and `destination` are those of the message. */
    deliver(message: SessionMessage, vouched?: Partial<Pick<PeerMessage, 'source' | 'destination'>>): void {
      receiver?.({
        source: { name: message.sourceName, group: message.sourceGroup },
        destination: { name: message.destinationName, group: message.destinationGroup },
        bytes: sessionMessage.encode(message),
        ...vouched,
      });
    },
    deliverBytes(message: PeerMessage): void {
      receiver?.(message);
    },
    /** Ends the node as SIGKILL would. */
    crash(): void {
      cluster.crash('worker');
      void node?.internals.system.terminate();
      node = undefined;
    },
    restart: start,
    advance: (duration: Parameters<typeof clock.advance>[0]) => clock.advance(duration),
  };
}

export function member(name: string, group = 'default'): Identity {
  return { name, group };
}

/** A session message from `source` to `destination`; the rest is what a first `open` has. */
export function messageFrom(
  source: Identity,
  destination: Identity,
  parts: Partial<SessionMessage> & Pick<SessionMessage, 'session' | 'created'>,
): SessionMessage {
  return {
    protocol: 'talk',
    version: 1,
    direction: 'toResponder',
    kind: 'open',
    sequence: 1,
    sourceName: source.name,
    sourceGroup: source.group,
    destinationName: destination.name,
    destinationGroup: destination.group,
    trace: 'trace',
    expires: parts.created + 60_000,
    type: '',
    body: new Uint8Array(),
    received: 0,
    consumed: 0,
    acknowledged: 0,
    cause: 'failed',
    ended: false,
    ...parts,
  };
}

/** The facts of a shard, as an operator sees them in the tree. */
export function factsOf(node: Node, partition = 0): Readonly<Record<string, unknown>> {
  const found = node
    .tree()
    .map((actor) => find(actor, `shard-${partition}`))
    .find((actor) => actor !== undefined);
  if (found === undefined) throw new Error(`there is no shard ${partition}`);
  return found.facts ?? {};
}

type Snapshot = ReturnType<Node['tree']>[number];

function find(actor: Snapshot, name: string): Snapshot | undefined {
  if (actor.path.endsWith(`/${name}`)) return actor;
  for (const child of actor.children) {
    const found = find(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
