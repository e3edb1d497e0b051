/** Routes of the node itself: health, metrics, status, the live tree, its members, and a page for each error. */
import type { FastifyInstance } from 'fastify';
import { catalogue, type ErrorCode } from '../../../errors/index.ts';
import type { Identity } from '../../../ports/index.ts';
import type { ChildStatus } from '../../../supervisors/index.ts';
import type { LogHealth } from '../../../transport/log/index.ts';
import type { ActorSnapshot } from '../../kernel/index.ts';
import { apiRoot } from './flow-routes.ts';
import type { Metrics } from './metrics.ts';
import { titleOf } from './problem.ts';
import { sendJson } from './reply.ts';
import { memberJson } from './views.ts';

/** How a node stands. */
export interface NodeStanding {
  readonly ready: boolean;
  readonly services: readonly ChildStatus[];
  /** One sentence for each service that waits. */
  readonly waiting: readonly string[];
  readonly shards: ReadonlyArray<{
    readonly partition: number;
    readonly phase: string;
    readonly restarts: number;
    readonly lastFailure: string | undefined;
  }>;
  readonly log: LogHealth & { readonly driver: string };
}

export interface NodeFacts {
  readonly status: () => NodeStanding;
  readonly tree: () => readonly ActorSnapshot[];
  readonly members: () => ReadonlyArray<{ readonly identity: Identity; readonly flows: readonly string[] }>;
}

/** @param checkRead throws for whoever may not look into the node; probes of its health are open to all */
export function nodeRoutes(app: FastifyInstance, facts: NodeFacts, metrics: Metrics, checkRead: () => void): void {
  // Probes and scrapers look at the root by custom; under /api/v1 is everything.
  for (const root of ['', apiRoot]) {
    app.get(`${root}/health/live`, (_request, reply) => {
      const reasons = stuckIn(facts.tree());
      return sendJson(reply, reasons.length === 0 ? 200 : 503, { live: reasons.length === 0, reasons });
    });
    app.get(`${root}/health/ready`, (_request, reply) => {
      const reasons = reasonsOf(facts.status());
      if (reasons.length > 0) void reply.header('retry-after', '1');
      return sendJson(reply, reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
    });
    app.get(`${root}/metrics`, async (_request, reply) => {
      checkRead();
      return reply.header('content-type', metrics.contentType).send(await metrics.text());
    });
  }
  app.get(`${apiRoot}/status`, (_request, reply) => {
    checkRead();
    const status = facts.status();
    return sendJson(reply, 200, {
      ...status,
      ready: reasonsOf(status).length === 0,
      waiting: reasonsOf(status),
      log: logJson(status.log),
    });
  });
  app.get(`${apiRoot}/members`, (_request, reply) => {
    checkRead();
    return sendJson(reply, 200, {
      members: facts.members().map(({ identity, flows }) => ({ ...memberJson(identity), flows })),
    });
  });
  app.get<{ Params: { readonly code: string } }>('/errors/:code', (request, reply) => {
    const { code } = request.params;
    if (!isCode(code)) return reply.callNotFound();
    const { message, remedy, status } = catalogue[code];
    const text = `${code}: ${titleOf(code)} (HTTP ${status})\n\n${message.replace(/\{\w+\?\}/g, '')}\n\nWhat to do: ${remedy}\n`;
    return reply.header('content-type', 'text/plain; charset=utf-8').send(text);
  });
}

/** Longer than the watchdog of a service needs to restart it: what is still stuck then, only a new process helps. */
const stuckMs = 120_000;

/** Actors that handle nothing while messages wait for them; alive is only who gets on. */
function stuckIn(actors: readonly ActorSnapshot[]): string[] {
  return actors.flatMap(({ path, state, mailbox, turnMs, children }) => {
    const stuck = state === 'live' && mailbox > 0 && turnMs >= stuckMs;
    const reason = `${path} has handled nothing for ${Math.floor(turnMs / 1_000)} s, and ${mailbox} messages wait`;
    return [...(stuck ? [reason] : []), ...stuckIn(children)];
  });
}

/** Why the node is not ready; none when it is. */
function reasonsOf({ ready, waiting, log }: NodeStanding): readonly string[] {
  if (!ready) return waiting.length > 0 ? waiting : ['the node is starting or stopping'];
  // Services run, but whatever they start waits for its commit.
  return log.state === 'stalled' ? [`flow waits on log (${log.error?.message ?? 'stalled'})`] : [];
}

function logJson({ driver, state, error, since }: NodeStanding['log']): Record<string, unknown> {
  return {
    driver,
    state,
    ...(error === undefined ? {} : { error: error.message }),
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
  };
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(catalogue, text);
}
