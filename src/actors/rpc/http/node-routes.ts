/** Routes of the node itself: health, metrics, status, the live tree, its members, and a page for each error. */
import { z } from 'zod';
import { catalogue, type ErrorCode, WeirError } from '../../../errors/index.ts';
import type { Identity } from '../../../ports/index.ts';
import type { ChildStatus } from '../../../supervisors/index.ts';
import type { LogHealth } from '../../../transport/log/index.ts';
import type { ActorSnapshot } from '../../kernel/index.ts';
import type { Metrics } from './metrics.ts';
import { titleOf } from './problem.ts';
import { anything, apiRoot, type Json, json, type Route, route, text } from './routing/route.ts';
import { countSchema, memberJson, memberSchema, timeOf, timeSchema } from './views.ts';

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

const tag = 'node';

const reasonsSchema = z.array(z.string()).describe('one sentence each');
const liveSchema = z.object({ live: z.boolean(), reasons: reasonsSchema });
const readySchema = z.object({ ready: z.boolean(), reasons: reasonsSchema });

const statusSchema = z
  .object({
    ready: z.boolean(),
    waiting: reasonsSchema,
    services: z.array(
      z.object({
        id: z.string(),
        state: z.enum(['waiting', 'starting', 'ready', 'backoff', 'stopping', 'down', 'stopped']),
        waitsOn: z.array(z.string()),
        restarts: countSchema,
        lastFailure: z.string().optional(),
        lacks: z.array(z.string()).optional().describe('what it uses and has to do without at present'),
      }),
    ),
    shards: z.array(
      z.object({
        partition: countSchema,
        phase: z.string(),
        restarts: countSchema,
        lastFailure: z.string().optional(),
      }),
    ),
    log: z.object({
      driver: z.string(),
      state: z.enum(['ok', 'stalled']),
      error: z.string().optional().describe('why commits wait'),
      since: timeSchema.optional(),
    }),
  })
  .meta({ id: 'NodeStatus' });

const membersSchema = z.object({ members: z.array(memberSchema.extend({ flows: z.array(z.string()) })) });

/** @param checkRead throws for whoever may not look into the node; probes of its health are open to all */
export function nodeRoutes(facts: NodeFacts, metrics: Metrics, checkRead: () => void): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: `${apiRoot}/health/live`,
      // Probes and scrapers look at the root by custom.
      alias: '/health/live',
      operation: 'isLive',
      tag,
      summary: 'Whether all actors get on',
      query: anything,
      replies: { 200: json('it is', liveSchema), 503: json('it is not', liveSchema) },
      handle: () => {
        const reasons = stuckIn(facts.tree());
        return { status: reasons.length === 0 ? 200 : 503, body: { live: reasons.length === 0, reasons } };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/health/ready`,
      alias: '/health/ready',
      operation: 'isReady',
      tag,
      summary: 'Whether flows can be started',
      query: anything,
      replies: { 200: json('it is', readySchema), 503: json('it is not', readySchema) },
      handle: () => {
        const reasons = reasonsOf(facts.status());
        if (reasons.length === 0) return { status: 200, body: { ready: true, reasons } };
        return { status: 503, body: { ready: false, reasons }, headers: { 'retry-after': '1' } };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/metrics`,
      alias: '/metrics',
      operation: 'getMetrics',
      tag,
      summary: 'Figures for Prometheus',
      query: anything,
      replies: { 200: text('in the text format of Prometheus', metrics.contentType) },
      errors: ['WEIR_FORBIDDEN'],
      handle: async () => {
        checkRead();
        return { status: 200, body: await metrics.text() };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/status`,
      operation: 'getStatus',
      tag,
      summary: 'Services and what they wait on, phases of shards, the health of the log',
      replies: { 200: json('how the node stands', statusSchema) },
      errors: ['WEIR_FORBIDDEN'],
      handle: () => {
        checkRead();
        const status = facts.status();
        const waiting = reasonsOf(status);
        return { status: 200, body: { ...status, ready: waiting.length === 0, waiting, log: logJson(status.log) } };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/members`,
      operation: 'listMembers',
      tag,
      summary: 'The members of the node and the flows of each',
      replies: { 200: json('the members', membersSchema) },
      errors: ['WEIR_FORBIDDEN'],
      handle: () => {
        checkRead();
        const members = facts.members().map(({ identity, flows }) => ({ ...memberJson(identity), flows }));
        return { status: 200, body: { members } };
      },
    }),
    route({
      method: 'GET',
      path: '/errors/:code',
      operation: 'getErrorPage',
      tag,
      summary: 'What an error code means, and what to do about it',
      params: z.object({ code: z.string() }),
      query: anything,
      replies: { 200: text('the page that problems name as their type', 'text/plain; charset=utf-8') },
      errors: ['WEIR_HTTP_ROUTE'],
      handle: ({ params: { code } }) => {
        if (!isCode(code)) throw new WeirError('WEIR_HTTP_ROUTE', { path: `/errors/${code}` });
        return { status: 200, body: errorPage(code) };
      },
    }),
  ];
}

function errorPage(code: ErrorCode): string {
  const { message, remedy, status } = catalogue[code];
  const fact = message.replace(/\{\w+\?\}/g, '');
  return `${code}: ${titleOf(code)} (HTTP ${status})\n\n${fact}\n\nWhat to do: ${remedy}\n`;
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

function logJson({ driver, state, error, since }: NodeStanding['log']): Json<typeof statusSchema>['log'] {
  return {
    driver,
    state,
    ...(error === undefined ? {} : { error: error.message }),
    ...(since === undefined ? {} : { since: timeOf(since) }),
  };
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(catalogue, text);
}
