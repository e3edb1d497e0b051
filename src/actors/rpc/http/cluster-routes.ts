/** Routes of a node's workers: who there is, who runs which shard, and what an operator moves. */
import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../../errors/index.ts';
import type { Authority } from '../../../ports/index.ts';
import type { Edge } from './edge.ts';
import { apiRoot } from './flow-routes.ts';
import { sendJson } from './reply.ts';
import { moveBody, noQuery, parsed, reasonBody } from './requests.ts';

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

/** What operators ask of the workers; each order is durable when it resolves, and obeyed by the worker it is for. */
export interface ClusterDesk {
  /** The worker that is asked. */
  readonly self: string;
  workers(): readonly WorkerStanding[];
  shards(): readonly PlacedShard[];
  /** @throws WeirError `WEIR_SHARD_UNKNOWN`, `WEIR_WORKER_UNKNOWN`, `WEIR_WORKER_SILENT`, `WEIR_WORKER_DRAINED` */
  move(partition: number, worker: string, authority: Authority): Promise<void>;
  /** @throws WeirError `WEIR_WORKER_UNKNOWN`, `WEIR_WORKER_SILENT`, `WEIR_WORKER_LAST` */
  drain(worker: string, authority: Authority): Promise<void>;
  /** @throws WeirError `WEIR_WORKER_UNKNOWN` */
  undrain(worker: string, authority: Authority): Promise<void>;
}

/** @param desk undefined on a node that is one process: everything is refused */
export function clusterRoutes(app: FastifyInstance, edge: Edge, desk: ClusterDesk | undefined): void {
  const workers = (): ClusterDesk => {
    if (desk === undefined) throw new WeirError('WEIR_WORKERS_NONE');
    return desk;
  };

  app.get(`${apiRoot}/workers`, (request, reply) => {
    parsed(noQuery, request.query);
    edge.checkRead();
    const { self } = workers();
    return sendJson(reply, 200, { self, workers: workers().workers().map(workerJson) });
  });

  app.get(`${apiRoot}/shards`, (request, reply) => {
    parsed(noQuery, request.query);
    edge.checkRead();
    return sendJson(reply, 200, { shards: workers().shards() });
  });

  app.post<{ Params: { readonly shard: string } }>(`${apiRoot}/shards/:shard/move`, async (request, reply) => {
    const { worker, reason } = parsed(moveBody, request.body);
    const authority = edge.placer('shard.move', worker, reason);
    const partition = /^\d{1,9}$/.test(request.params.shard) ? Number(request.params.shard) : Number.NaN;
    await workers().move(partition, worker, authority);
    return sendJson(reply, 202, { shard: partition, worker });
  });

  for (const act of ['drain', 'undrain'] as const) {
    app.post<{ Params: { readonly worker: string } }>(`${apiRoot}/workers/:worker/${act}`, async (request, reply) => {
      const { reason } = parsed(reasonBody, request.body);
      const { worker } = request.params;
      await workers()[act](worker, edge.placer('worker.drain', worker, reason));
      return sendJson(reply, 202, { worker, act });
    });
  }
}

function workerJson({ startedAt, seenAt, drained, ...worker }: WorkerStanding): Record<string, unknown> {
  return {
    ...worker,
    startedAt: timeOf(startedAt),
    seenAt: timeOf(seenAt),
    ...(drained === undefined ? {} : { drained: { ...drained, at: timeOf(drained.at) } }),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
