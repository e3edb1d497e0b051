/** Routes of actors: the live tree, what happens in it, and what an operator does to one of them. */
import { z } from 'zod';
import { WeirError } from '../../../errors/index.ts';
import type { Logger } from '../../../ports/index.ts';
import type { ChildAnswer } from '../../../supervisors/index.ts';
import type { ActorSnapshot, ActorSystem, SteeringAnswer } from '../../kernel/index.ts';
import { actorsJson, actorsSchema, eventsJson, eventsSchema, traceJson, traceSchema } from './actor-views.ts';
import type { Edge } from './edge.ts';
import { eventsQuery, steerBody, traceQuery, treeQuery } from './requests.ts';
import { apiRoot, json, type Route, route } from './routing/route.ts';

export interface ActorRoutesSetup {
  readonly edge: Edge;
  readonly system: ActorSystem;
  /** Starts a service again that is down or stopped; answered when it is ready, or waits for what it needs. */
  readonly restartService: (id: string) => Promise<ChildAnswer>;
  readonly logger: Logger;
}

const tag = 'actors';
const acts = {
  suspend: 'Lets an actor handle nothing more; its messages wait',
  resume: 'Lets a suspended actor go on',
  stop: 'Ends an actor and what is below it; its supervisor says what follows',
  restart: 'Gives an actor a new incarnation; its messages stay. A service that is down is started again',
} as const;
type Act = keyof typeof acts;

const steeredSchema = z.object({
  path: z.string(),
  act: z.string(),
  state: z.string().optional().describe('how it is now; not there when it is gone'),
});

/** Traces that may run at one time; each may keep a thousand messages. */
const mostTraces = 16;
/** Actors in one answer; where there are more, the ones furthest down are left out. */
const mostActors = 5_000;

export function actorRoutes({ edge, system, restartService, logger }: ActorRoutesSetup): readonly Route[] {
  let traces = 0;

  const steer = (act: Act, path: string): SteeringAnswer | Promise<SteeringAnswer> => {
    const actor = find(system.tree(), path);
    if (actor === undefined) throw new WeirError('WEIR_ACTOR_NOT_FOUND', { path });
    const ends = act === 'stop' || act === 'restart';
    // Nobody would start it again, and whoever steers would soon have nothing left to steer with.
    if (ends && isTop(path)) throw notSteerable(path, act, 'it has no supervisor: stop the node instead');
    return system.steer[act](path);
  };

  /** A service that is down has no actor: its supervisor starts one. Gives how the service is then. */
  const startAgain = async (path: string): Promise<string> => {
    const id = /^\/services\/([^/]+)$/.exec(path)?.[1];
    const answer = id === undefined ? undefined : await restartService(id);
    if (answer === undefined) throw new WeirError('WEIR_ACTOR_NOT_FOUND', { path });
    if (answer.type === 'done') return answer.child.state;
    throw answer.error.code === 'WEIR_CHILD_UNKNOWN' ? new WeirError('WEIR_ACTOR_NOT_FOUND', { path }) : answer.error;
  };

  const steering = (act: Act, summary: string): Route =>
    route({
      method: 'POST',
      path: `${apiRoot}/actors/${act}`,
      operation: `${act}Actor`,
      tag,
      summary,
      body: steerBody,
      replies: { 200: json('it is done', steeredSchema) },
      errors: [
        ...(['WEIR_FORBIDDEN', 'WEIR_ACTOR_NOT_FOUND', 'WEIR_ACTOR_NOT_STEERABLE'] as const),
        ...(act === 'restart' ? (['WEIR_CHILD_NOT_STARTED', 'WEIR_CHILD_RUNS', 'WEIR_ASK_TIMEOUT'] as const) : []),
      ],
      handle: async ({ body: { path, reason } }) => {
        const principal = edge.steerer(path);
        logger.warn({ actor: path, act, principal, reason }, 'an actor is steered');
        if (act === 'restart' && find(system.tree(), path) === undefined) {
          return { status: 200, body: { path, act, state: await startAgain(path) } };
        }
        const answer = await steer(act, path);
        const actor = find(system.tree(), path);
        if (answer === 'not-allowed') throw notSteerable(path, act, `it is ${actor?.state ?? 'gone'}`);
        return { status: 200, body: { path, act, ...(actor === undefined ? {} : { state: actor.state }) } };
      },
    });

  return [
    steering('suspend', acts.suspend),
    steering('resume', acts.resume),
    steering('stop', acts.stop),
    steering('restart', acts.restart),
    route({
      method: 'GET',
      path: `${apiRoot}/tree`,
      operation: 'getTree',
      tag,
      summary: 'The live tree of actors',
      query: treeQuery,
      replies: { 200: json('actors from the top, or from `path`', actorsSchema) },
      errors: ['WEIR_FORBIDDEN', 'WEIR_ACTOR_NOT_FOUND'],
      handle: ({ query: { path, depth } }) => {
        edge.checkRead();
        const tree = system.tree();
        const actor = path === undefined ? undefined : find(tree, path);
        if (path !== undefined && actor === undefined) throw new WeirError('WEIR_ACTOR_NOT_FOUND', { path });
        return { status: 200, body: { actors: actorsJson(actor === undefined ? tree : [actor], depth, mostActors) } };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/actors/events`,
      operation: 'listActorEvents',
      tag,
      summary: 'What has happened to actors after number `since`; with `wait` it waits for the next event',
      query: eventsQuery,
      replies: { 200: json('events in order', eventsSchema) },
      errors: ['WEIR_FORBIDDEN', 'WEIR_WAITING_FULL'],
      handle: async ({ query: { since, wait } }) => {
        edge.checkRead();
        const { events } = system;
        if (events.since(since).events.length === 0) await edge.pause(wait, (wake) => events.listen(wake));
        return { status: 200, body: eventsJson(events.since(since)) };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/actors/trace`,
      operation: 'traceActor',
      tag,
      summary: 'Kinds and times of the messages that an actor handles from now on',
      query: traceQuery,
      replies: { 200: json('after `for`, the newest messages', traceSchema) },
      errors: ['WEIR_FORBIDDEN', 'WEIR_ACTOR_NOT_FOUND', 'WEIR_WAITING_FULL'],
      handle: async ({ query: { path, for: forMs, limit, every } }) => {
        edge.checkRead();
        if (traces >= mostTraces) throw new WeirError('WEIR_WAITING_FULL', { waiting: traces });
        const trace = system.trace(path, { keep: limit, every });
        if (trace === undefined) throw new WeirError('WEIR_ACTOR_NOT_FOUND', { path });
        traces += 1;
        try {
          await edge.pause(forMs);
          return { status: 200, body: traceJson(path, trace) };
        } finally {
          trace.stop();
          traces -= 1;
        }
      },
    }),
  ];
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
