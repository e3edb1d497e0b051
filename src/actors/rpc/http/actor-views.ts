/** The shapes in which clients read actors, events and traces. Times are ISO 8601 text. */
import { z } from 'zod';
import type { ActorEventPage, ActorSnapshot, ActorTrace } from '../../kernel/index.ts';
import { toJson } from './json.ts';
import type { Json } from './routing/route.ts';
import { countSchema, timeOf, timeSchema } from './views.ts';

const actorSchema = z
  .object({
    path: z.string(),
    uid: countSchema.describe('its incarnation'),
    state: z.enum(['starting', 'live', 'suspended', 'restarting', 'draining', 'dead']),
    restarts: countSchema,
    lastFailure: z.string().optional(),
    mailbox: countSchema.describe('messages that wait'),
    waitMs: z.number().describe('age of the oldest of them'),
    turnMs: z.number().describe('age of the running turn; 0 when there is none'),
    facts: z.record(z.string(), z.unknown()).optional(),
    get children() {
      return z.array(actorSchema);
    },
    below: countSchema.optional().describe('children that are not shown'),
  })
  .meta({ id: 'Actor' });

export const actorsSchema = z.object({ actors: z.array(actorSchema) });

export const eventsSchema = z.object({
  events: z.array(
    z.object({
      seq: countSchema,
      at: timeSchema,
      type: z.enum([
        ...[
          'started',
          'failed',
          'restarted',
          'escalated',
          'stopped',
          'suspended',
          'resumed',
          'dead-letter',
          'name-refused',
        ],
      ] as const),
      path: z.string(),
      uid: countSchema.optional().describe('the incarnation, unless nobody was there'),
      why: z.string().optional(),
    }),
  ),
  next: countSchema.describe('`since` of the next request'),
  missed: countSchema.describe('events in between that are not kept any more'),
});

export const traceSchema = z.object({
  path: z.string(),
  seen: countSchema,
  entries: z.array(
    z.object({
      at: timeSchema,
      uid: countSchema.optional().describe('the incarnation; not there for a signal'),
      kind: z.string(),
      waitMs: z.number(),
      tookMs: z.number().optional(),
      waiting: countSchema.describe('messages that waited behind it'),
      outcome: z.enum(['running', 'handled', 'failed']),
    }),
  ),
});

type ShownActor = Json<typeof actorSchema>;

/** `depth` levels, and no more than `most` actors; `below` says how many children are not shown. */
export function actorsJson(actors: readonly ActorSnapshot[], depth: number, most: number): ShownActor[] {
  let left = most;
  const show = (level: readonly ActorSnapshot[], levels: number): ShownActor[] => {
    const shown = level.slice(0, Math.max(0, left));
    left -= shown.length;
    return shown.map(({ facts, children, ...actor }) => {
      const inside = levels > 1 ? show(children, levels - 1) : [];
      return {
        ...actor,
        ...(facts === undefined ? {} : { facts: factsJson(facts) }),
        children: inside,
        ...(inside.length === children.length ? {} : { below: children.length - inside.length }),
      };
    });
  };
  return show(actors, depth);
}

export function eventsJson({ events, next, missed }: ActorEventPage): Json<typeof eventsSchema> {
  return { events: events.map((event) => ({ ...event, at: timeOf(event.at) })), next, missed };
}

export function traceJson(path: string, trace: ActorTrace): Json<typeof traceSchema> {
  const entries = trace.entries().map((entry) => ({ ...entry, at: timeOf(entry.at) }));
  return { path, seen: trace.seen, entries };
}

function factsJson(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, toJson(value)]));
}
