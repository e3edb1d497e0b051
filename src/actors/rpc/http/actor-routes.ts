/** Routes of actors: the live tree, what happens in it, and what an operator does to one of them. */
import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../../errors/index.ts';
import type { Logger } from '../../../ports/index.ts';
import type { ActorSnapshot, ActorSystem, SteeringAnswer } from '../../kernel/index.ts';
import { actorsJson, eventsJson, traceJson } from './actor-views.ts';
import type { Edge } from './edge.ts';
import { apiRoot } from './flow-routes.ts';
import { sendJson } from './reply.ts';
import { eventsQuery, noQuery, parsed, steerBody, traceQuery, treeQuery } from './requests.ts';

export interface ActorRoutesSetup {
  readonly edge: Edge;
  readonly system: ActorSystem;
  readonly logger: Logger;
}

const acts = ['suspend', 'resume', 'stop', 'restart'] as const;
type Act = (typeof acts)[number];

/** Traces that may run at one time; each may keep a thousand messages. */
const mostTraces = 16;
/** Actors in one answer; where there are more, the ones furthest down are left out. */
const mostActors = 5_000;

export function actorRoutes(app: FastifyInstance, { edge, system, logger }: ActorRoutesSetup): void {
  let traces = 0;

  const steer = (act: Act, path: string): SteeringAnswer | Promise<SteeringAnswer> => {
    const actor = find(system.tree(), path);
    if (actor === undefined) throw new WeirError('WEIR_ACTOR_NOT_FOUND', { path });
    const ends = act === 'stop' || act === 'restart';
    // Nobody would start it again, and whoever steers would soon have nothing left to steer with.
    if (ends && isTop(path)) throw notSteerable(path, act, 'it has no supervisor: stop the node instead');
    return system.steer[act](path);
  };

  for (const act of acts) {
    app.post(`${apiRoot}/actors/${act}`, async (request, reply) => {
      parsed(noQuery, request.query);
      const { path, reason } = parsed(steerBody, request.body);
      const principal = edge.steerer(path);
      logger.warn({ actor: path, act, principal, reason }, 'an actor is steered');
      const answer = await steer(act, path);
      const actor = find(system.tree(), path);
      if (answer === 'not-allowed') throw notSteerable(path, act, `it is ${actor?.state ?? 'gone'}`);
      return sendJson(reply, 200, { path, act, ...(actor === undefined ? {} : { state: actor.state }) });
    });
  }

  app.get(`${apiRoot}/tree`, (request, reply) => {
    edge.checkRead();
    const { path, depth } = parsed(treeQuery, request.query);
    const tree = system.tree();
    const actor = path === undefined ? undefined : find(tree, path);
    if (path !== undefined && actor === undefined) throw new WeirError('WEIR_ACTOR_NOT_FOUND', { path });
    return sendJson(reply, 200, { actors: actorsJson(actor === undefined ? tree : [actor], depth, mostActors) });
  });

  app.get(`${apiRoot}/actors/events`, async (request, reply) => {
    edge.checkRead();
    const { since, wait } = parsed(eventsQuery, request.query);
    const { events } = system;
    if (events.since(since).events.length === 0) await edge.pause(wait, (wake) => events.listen(wake));
    return sendJson(reply, 200, eventsJson(events.since(since)));
  });

  app.get(`${apiRoot}/actors/trace`, async (request, reply) => {
    edge.checkRead();
    const { path, for: forMs, limit, every } = parsed(traceQuery, request.query);
    if (traces >= mostTraces) throw new WeirError('WEIR_WAITING_FULL', { waiting: traces });
    const trace = system.trace(path, { keep: limit, every });
    if (trace === undefined) throw new WeirError('WEIR_ACTOR_NOT_FOUND', { path });
    traces += 1;
    try {
      await edge.pause(forMs);
      return sendJson(reply, 200, traceJson(path, trace));
    } finally {
      trace.stop();
      traces -= 1;
    }
  });
}

function notSteerable(path: string, act: Act, why: string): WeirError {
  return new WeirError('WEIR_ACTOR_NOT_STEERABLE', { path, act, why });
}

function isTop(path: string): boolean {
  return path.lastIndexOf('/') === 0;
}

function find(actors: readonly ActorSnapshot[], path: string): ActorSnapshot | undefined {
  const next = actors.find((actor) => path === actor.path || path.startsWith(`${actor.path}/`));
  return next === undefined || next.path === path ? next : find(next.children, path);
}
