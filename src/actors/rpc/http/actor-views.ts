/** The shapes in which clients read actors, events and traces. Times are ISO 8601 text. */
import type { ActorEventPage, ActorSnapshot, ActorTrace } from '../../kernel/index.ts';
import { toJson } from './json.ts';

/** `depth` levels, and no more than `most` actors; `below` says how many children are not shown. */
export function actorsJson(actors: readonly ActorSnapshot[], depth: number, most: number): unknown[] {
  let left = most;
  const show = (level: readonly ActorSnapshot[], levels: number): Record<string, unknown>[] => {
    const shown = level.slice(0, Math.max(0, left));
    left -= shown.length;
    return shown.map(({ facts, children, ...actor }) => {
      const inside = levels > 1 ? show(children, levels - 1) : [];
      return {
        ...actor,
        ...(facts === undefined ? {} : { facts: toJson(facts) }),
        children: inside,
        ...(inside.length === children.length ? {} : { below: children.length - inside.length }),
      };
    });
  };
  return show(actors, depth);
}

export function eventsJson({ events, next, missed }: ActorEventPage): Record<string, unknown> {
  return { events: events.map((event) => ({ ...event, at: new Date(event.at).toISOString() })), next, missed };
}

export function traceJson(path: string, trace: ActorTrace): Record<string, unknown> {
  const entries = trace.entries().map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() }));
  return { path, seen: trace.seen, entries };
}
