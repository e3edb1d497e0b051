/** Routes of a node's workers: who there is, who runs which shard, and what an operator moves. */
import { z } from 'zod';
import { type ErrorCode, WeirError } from '../../../errors/index.ts';
import type { Authority } from '../../../ports/index.ts';
import type { NodeAct } from '../../flow/protocol.ts';
import type { Edge } from './edge.ts';
import { moveBody, reasonBody } from './requests.ts';
import { apiRoot, type Json, json, type Route, route, rpcErrors } from './routing/route.ts';
import { countSchema, timeOf, timeSchema } from './views.ts';

/** A worker as the others have heard of it. Times are milliseconds since 1970. */
export interface WorkerStanding {
  readonly worker: string;
  readonly version: string;
  readonly roles: readonly string[];
  /** Where its HTTP listens, if it does. */
  readonly address: string | undefined;
  /** `draining`: it is drained and has not given everything up yet; `silent`: it has not been heard of for too long. */
  readonly state: 'ready' | 'waiting' | 'draining' | 'drained' | 'silent';
  readonly startedAt: number;
  readonly seenAt: number;
  /** What it waits on, one sentence each. */
  readonly waiting: readonly string[];
  /** How many shards it has, in whatever phase. */
  readonly shards: number;
  /** Who has drained it, and why. */
  readonly drained: { readonly principal: string; readonly reason: string; readonly at: number } | undefined;
  /** Part of one core that it has used lately, and bytes of memory. */
  readonly load: { readonly cpu: number; readonly memoryBytes: number };
}

export interface PlacedShard {
  readonly service: string;
  readonly partition: number;
  /** Who has it; undefined: nobody whom this worker has heard of. */
  readonly worker: string | undefined;
  /** The shard's own phase; `unowned` without a worker, `silent` when its worker is not heard of any more. */
  readonly phase: string;
  readonly term: string | undefined;
  /** Records of its log lane that it has not taken yet. */
  readonly lag: number | undefined;
  /** Offset of the next record of its log lane. */
  readonly position: number | undefined;
  readonly restarts: number;
  readonly lastFailure: string | undefined;
}

/** Has an act in the audit: it is durable there when it resolves. */
export type Noting = (note: NodeAct) => Promise<unknown>;

/**
 * What operators ask of the workers; each order is noted first, durable when it resolves, and obeyed by the worker it is for.
 * Where no shard can note it, an `undrain` is given out before.
 */
export interface ClusterDesk {
  /** The worker that is asked. */
  readonly self: string;
  workers(): readonly WorkerStanding[];
  shards(): readonly PlacedShard[];
  /** @throws WeirError `WEIR_SHARD_UNKNOWN`, `WEIR_WORKER_UNKNOWN`, `WEIR_WORKER_SILENT`, `WEIR_WORKER_DRAINED` */
  move(partition: number, worker: string, authority: Authority, noting: Noting): Promise<void>;
  /** @throws WeirError `WEIR_WORKER_UNKNOWN`, `WEIR_WORKER_SILENT`, `WEIR_WORKER_LAST`, `WEIR_DEADLINE` */
  drain(worker: string, authority: Authority, noting: Noting): Promise<void>;
  /** @throws WeirError `WEIR_WORKER_UNKNOWN` */
  undrain(worker: string, authority: Authority, noting: Noting): Promise<void>;
}

const tag = 'workers';

const workerSchema = z
  .object({
    worker: z.string(),
    version: z.string(),
    roles: z.array(z.string()),
    address: z.string().optional().describe('where its HTTP listens'),
    state: z.enum(['ready', 'waiting', 'draining', 'drained', 'silent']),
    startedAt: timeSchema,
    seenAt: timeSchema,
    waiting: z.array(z.string()).describe('what it waits on, one sentence each'),
    shards: countSchema,
    drained: z.object({ principal: z.string(), reason: z.string(), at: timeSchema }).optional(),
    load: z.object({ cpu: z.number().describe('part of one core'), memoryBytes: z.number() }),
  })
  .meta({ id: 'Worker' });

const shardSchema = z
  .object({
    service: z.string(),
    partition: countSchema,
    worker: z.string().optional().describe('not there when nobody has it'),
    phase: z.string(),
    term: z.string().optional(),
    lag: countSchema.optional().describe('records of its log lane that it has not taken yet'),
    position: countSchema.optional(),
    restarts: countSchema,
    lastFailure: z.string().optional(),
  })
  .meta({ id: 'PlacedShard' });

const workerPath = z.object({ worker: z.string() });
const shardPath = z.object({ shard: z.string().describe('its number') });
const movedSchema = z.object({ shard: countSchema, worker: z.string() });
const orderedSchema = z.object({ worker: z.string(), act: z.enum(['drain', 'undrain']) });

/** @param desk undefined on a node that is one process: everything is refused */
export function clusterRoutes(edge: Edge, desk: ClusterDesk | undefined): readonly Route[] {
  const errors: readonly ErrorCode[] = ['WEIR_FORBIDDEN', 'WEIR_WORKERS_NONE'];
  const orderErrors: readonly ErrorCode[] = [
    ...([...errors, 'WEIR_WORKER_UNKNOWN', 'WEIR_WORKER_SILENT'] as const),
    ...(['WEIR_LOG_CLOSED', 'WEIR_LOG_REFUSED'] as const),
    ...rpcErrors,
    'WEIR_SHARD_UNAVAILABLE',
  ];
  const workers = (): ClusterDesk => {
    if (desk === undefined) throw new WeirError('WEIR_WORKERS_NONE');
    return desk;
  };
  const ordering = (act: 'drain' | 'undrain', summary: string): Route =>
    route({
      method: 'POST',
      path: `${apiRoot}/workers/:worker/${act}`,
      operation: `${act}Worker`,
      tag,
      summary,
      params: workerPath,
      body: reasonBody,
      replies: { 202: json('the order is durable; the worker that it names obeys it', orderedSchema) },
      errors: [...orderErrors, 'WEIR_WORKER_LAST', 'WEIR_DEADLINE'],
      handle: async ({ params: { worker }, body: { reason } }) => {
        const authority = edge.placer('worker.drain', worker, reason);
        await workers()[act](worker, authority, (note) => edge.note(note, authority));
        return { status: 202, body: { worker, act } };
      },
    });

  return [
    route({
      method: 'GET',
      path: `${apiRoot}/workers`,
      operation: 'listWorkers',
      tag,
      summary: 'The workers as the one that is asked has heard of them',
      replies: { 200: json('the workers', z.object({ self: z.string(), workers: z.array(workerSchema) })) },
      errors,
      handle: () => {
        edge.checkRead();
        const { self } = workers();
        return { status: 200, body: { self, workers: workers().workers().map(workerJson) } };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/shards`,
      operation: 'listShards',
      tag,
      summary: 'Who has each shard, its phase, term, lag and position',
      replies: { 200: json('the shards', z.object({ shards: z.array(shardSchema) })) },
      errors,
      handle: () => {
        edge.checkRead();
        return { status: 200, body: { shards: workers().shards() } };
      },
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/shards/:shard/move`,
      operation: 'moveShard',
      tag,
      summary: 'Lets a worker take a shard over; its owner drains it first',
      params: shardPath,
      body: moveBody,
      replies: { 202: json('the order is durable; the worker that it names obeys it', movedSchema) },
      errors: [...orderErrors, 'WEIR_SHARD_UNKNOWN', 'WEIR_WORKER_DRAINED'],
      handle: async ({ params, body: { worker, reason } }) => {
        const authority = edge.placer('shard.move', worker, reason);
        const shard = /^\d{1,9}$/.test(params.shard) ? Number(params.shard) : Number.NaN;
        await workers().move(shard, worker, authority, (note) => edge.note(note, authority));
        return { status: 202, body: { shard, worker } };
      },
    }),
    ordering('drain', 'Lets a worker give up its shards and take none'),
    ordering('undrain', 'Lets a drained worker take shards again'),
  ];
}

function workerJson({ startedAt, seenAt, drained, ...worker }: WorkerStanding): Json<typeof workerSchema> {
  return {
    ...worker,
    startedAt: timeOf(startedAt),
    seenAt: timeOf(seenAt),
    ...(drained === undefined ? {} : { drained: { ...drained, at: timeOf(drained.at) } }),
  };
}
