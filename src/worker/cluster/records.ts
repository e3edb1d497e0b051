/**
 * What stands on the topics of the workers. Both are tables of one partition, and no shard's: a worker writes its own
 * heartbeat, any worker writes the orders that operators give.
 *
 * | topic | key | value |
 * |---|---|---|
 * | `worker.heartbeats` | name of the worker | its heartbeat |
 * | `worker.orders` | `drain/<worker>` | it is to run nothing, until the record is removed or the process ends |
 * | | `move/<service>/<partition>` | the worker is to take the shard over |
 * | | `proposed/<id>` | a drain that is judged before it is ordered: nobody obeys it |
 */
import { z } from 'zod';
import type { TopicSpec } from '../../transport/log/index.ts';

export const clusterTopics = { heartbeats: 'worker.heartbeats', orders: 'worker.orders' } as const;

/** Every worker writes its own heartbeat and hears those of the others, and obeys orders that any of them gives out. */
export const clusterAccess = { reads: Object.values(clusterTopics), writes: Object.values(clusterTopics) };

export const clusterTopicSpecs: readonly TopicSpec[] = Object.values(clusterTopics).map((name) => ({
  ...{ name, partitions: 1, kind: 'table' },
}));

const heartbeat = z.object({
  worker: z.string(),
  /** Tells processes of one name apart. */
  instance: z.string(),
  version: z.string(),
  roles: z.array(z.string()),
  address: z.string().optional(),
  startedAt: z.number(),
  /** By the clock of the worker. */
  at: z.number(),
  ready: z.boolean(),
  waiting: z.array(z.string()),
  shards: z.array(
    z.object({
      service: z.string(),
      partition: z.number(),
      phase: z.string(),
      term: z.string().optional(),
      position: z.number().optional(),
      lag: z.number().optional(),
      restarts: z.number(),
      lastFailure: z.string().optional(),
    }),
  ),
  load: z.object({ cpu: z.number(), memoryBytes: z.number() }),
});
export type Heartbeat = z.output<typeof heartbeat>;

const order = z.object({
  worker: z.string(),
  /** The process that it is for: the next one of that name begins without it. */
  instance: z.string(),
  principal: z.string(),
  reason: z.string(),
  at: z.number(),
});
export type Order = z.output<typeof order>;

const proposal = z.object({
  /** The worker that is to be drained. */
  drains: z.string(),
  /** Who was asked for it, and judges it. */
  by: z.string(),
  /** Its process. */
  instance: z.string(),
});
export type Proposal = z.output<typeof proposal>;

const proposed = 'proposed/';
export const proposalKey = (id: string): string => `${proposed}${id}`;
/** Whether nobody obeys what stands under this key. */
export const isProposal = (key: string): boolean => key.startsWith(proposed);

export const drainKey = (worker: string): string => `drain/${worker}`;
export const moveKey = (service: string, partition: number): string => `move/${service}/${partition}`;

/** The service and the partition of an order to move; undefined for another order. */
export function moveOf(key: string): { readonly service: string; readonly partition: number } | undefined {
  const [kind, service, partition] = key.split('/');
  if (kind !== 'move' || service === undefined || partition === undefined) return undefined;
  return { service, partition: Number(partition) };
}

export function encode(value: Heartbeat | Order | Proposal): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Undefined for what another version wrote in another form: it is not shown, and nobody obeys it. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat | undefined {
  return heartbeat.safeParse(parsed(bytes)).data;
}

/** As for heartbeats. */
export function decodeOrder(bytes: Uint8Array): Order | undefined {
  return order.safeParse(parsed(bytes)).data;
}

/** As for heartbeats. */
export function decodeProposal(bytes: Uint8Array): Proposal | undefined {
  return proposal.safeParse(parsed(bytes)).data;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
