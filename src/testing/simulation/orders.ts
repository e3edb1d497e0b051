/**
 * Orders of operators in a simulated node of several workers: the product's own cluster of workers, with its heartbeats,
 * on the line that one worker has to its log. What it gives out is observed.
 */
import type { NodeAct } from '../../actors/flow/protocol.ts';
import type { RpcAnswer, RpcMessage } from '../../actors/rpc/index.ts';
import type { Authority, Clock, Logger, Random } from '../../ports/index.ts';
import type { KafkaLog } from '../../transport/log/index.ts';
import {
  Cluster,
  clusterTopics,
  decodeOrder,
  drainKey,
  type ExtraServices,
  heartbeatService,
  isProposal,
  type Node,
  type NodePorts,
  notedWithinMs,
  type ServiceDescriptor,
} from '../../worker/index.ts';
import type { Happening } from './events.ts';
import { nameOf } from './plan.ts';

/** Workers and shards by number. */
export type NodeOrder =
  | { readonly type: 'drain' | 'undrain'; readonly worker: number }
  | { readonly type: 'move'; readonly partition: number; readonly worker: number };

export interface OrdersSetup {
  readonly log: KafkaLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observe: (happening: Happening) => void;
}

const starter: Authority = { principal: { name: 'sim:starter', kind: 'operator' }, reason: 'the node was started so' };
/** Whoever asked has given up long before. */
const answeredWithinMs = 10 * 60_000;

export class Orders {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  /** Orders to take shards again that wait to be noted, and since when. */
  readonly #unnoted = new Set<{ readonly key: string; readonly reason: string; readonly since: number }>();

  constructor({ log, observe, ...ports }: OrdersSetup) {
    this.#clock = ports.clock;
    const put: KafkaLog['put'] = (topic, records) => {
      if (topic === clusterTopics.orders) {
        for (const { key, value } of records) {
          if (isProposal(key)) continue;
          const reason = value === null ? undefined : decodeOrder(value)?.reason;
          observe({ type: 'ordered', key, reason, late: reason === undefined ? this.#lateOf(key) : undefined });
        }
      }
      return log.put(topic, records);
    };
    this.#cluster = new Cluster({ ...ports, log: { ...log, put } });
  }

  /** What a node is started with that is one of several workers. */
  get ports(): Pick<NodePorts, 'elsewhere' | 'startedBy'> {
    return { elsewhere: this.#cluster.elsewhere, startedBy: starter };
  }

  service(parts: Parameters<ExtraServices>[0]): ServiceDescriptor {
    const load = () => ({ cpu: 0, memoryBytes: 0 });
    return heartbeatService({ ...parts, cluster: this.#cluster, roles: ['all'], address: () => undefined, load });
  }

  /** The reason of an order that has waited for its note for as long as one waits. */
  #lateOf(key: string): string | undefined {
    const now = this.#clock.monotonic();
    // Sums of virtual times are not exact.
    const late = [...this.#unnoted].find((one) => one.key === key && now - one.since >= notedWithinMs - 1);
    if (late !== undefined) this.#unnoted.delete(late);
    return late?.reason;
  }

  /** The order is durable when it resolves, and was in the audit before, unless no shard could note it in time. */
  async give({ internals: { system, rpc } }: Node, order: NodeOrder, authority: Authority): Promise<void> {
    const worker = nameOf(order.worker);
    const unnoted = { key: drainKey(worker), reason: authority.reason, since: this.#clock.monotonic() };
    const noting = async (note: NodeAct): Promise<void> => {
      const answer = await system.ask<RpcMessage, RpcAnswer<null>>(
        rpc(),
        (replyTo) => ({ type: 'note', note, authority, replyTo }),
        { withinMs: answeredWithinMs },
      );
      if (answer.type === 'error') throw answer.error;
      this.#unnoted.delete(unnoted);
    };
    if (order.type === 'undrain') this.#unnoted.add(unnoted);
    if (order.type === 'move') await this.#cluster.move(order.partition, worker, authority, noting);
    else await this.#cluster[order.type](worker, authority, noting);
  }
}

/** A few words for the trace. */
export function describeOrder(order: NodeOrder): string {
  const worker = nameOf(order.worker);
  return order.type === 'move' ? `move shard ${order.partition} to ${worker}` : `${order.type} ${worker}`;
}
