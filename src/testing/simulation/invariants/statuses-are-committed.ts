/**
 * W3, W8: whatever status of a flow is seen was sent in a commit; who has seen a newer one never sees an older one; and in
 * the end every worker that listens has seen the newest.
 *
 * Whoever dies behind a commit does not tell of it, a successor may; so a commit that was sent will do.
 */
import type { SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

interface Told {
  /** Values in the order in which they were sent. */
  readonly sent: Uint8Array[];
  /** By worker: the place of the newest value that it has seen since it was started. Most keys nobody ever sees. */
  seen: Map<string, number> | undefined;
  /** What was looked for last: many workers see the same. */
  found: { readonly value: Uint8Array; readonly place: number } | undefined;
  /** Place of the newest value that is known to be durable, and since when; nobody has to see one that was removed. */
  newest: number;
  newestAt: number;
}

interface Topic {
  readonly keys: Map<string, Told>;
  /** Workers with a table of it. */
  readonly listeners: Set<string>;
}

/** Longer than a status may take to get to every worker once nothing fails any more. */
const arrivesWithinMs = 3_000;

export function statusesAreCommitted(): Invariant {
  const statuses = new SeenStatuses();
  return {
    name: 'statuses are committed before they are seen',
    hears: ['commit', 'applied', 'up', 'down', 'snapshot', 'published', 'closed'],
    event: (event, violate) => statuses.event(event, violate),
    end({ scheduler }, violate) {
      for (const text of statuses.unseen(scheduler.now)) violate(text);
    },
  };
}

export class SeenStatuses {
  /** By node and topic. */
  readonly #nodes = new Map<string, Map<string, Topic>>();

  event(event: SimEvent, violate: (text: string) => void): void {
    switch (event.type) {
      case 'commit':
        for (const { topic, key, value } of event.batch.publications) {
          if (value !== null) sent(this.#topic(event.node, topic), key, value);
        }
        return;
      case 'applied':
        for (const { topic, key, value } of event.batch.publications) {
          const told = this.#topic(event.node, topic).keys.get(key);
          if (told === undefined) continue;
          told.newest = value === null ? -1 : placeOf(told, value);
          told.newestAt = event.at;
        }
        return;
      case 'up':
      case 'down':
        for (const { keys, listeners } of this.#nodes.get(event.node)?.values() ?? []) {
          listeners.delete(event.worker);
          for (const { seen } of keys.values()) seen?.delete(event.worker);
        }
        return;
      case 'snapshot': {
        const { keys, listeners } = this.#topic(event.node, event.topic);
        listeners.add(event.worker);
        for (const [key, value] of event.entries) {
          const told = keys.get(key);
          if (told !== undefined) sees(told, event.worker, placeOf(told, value));
        }
        return;
      }
      case 'closed':
        // Its service waits for another one, and opens the table again when that is back.
        this.#topic(event.node, event.topic).listeners.delete(event.worker);
        return;
      case 'published': {
        const { value, topic, key, worker } = event;
        if (value === undefined) return;
        const told = this.#topic(event.node, topic).keys.get(key);
        const place = told === undefined ? -1 : placeOf(told, value);
        if (told === undefined || place < 0) violate(`${topic} ${key} is seen, and no commit holds it`);
        else if (place < (told.seen?.get(worker) ?? 0)) violate(`${topic} ${key} is seen as it was before`);
        else sees(told, worker, place);
      }
    }
  }

  /** Statuses that somebody who listens should have seen by now, and has not. */
  *unseen(now: number): Generator<string> {
    for (const [node, topics] of this.#nodes) {
      for (const [topic, { keys, listeners }] of topics) {
        for (const [key, { seen, newest, newestAt }] of keys) {
          if (newestAt + arrivesWithinMs > now) continue;
          for (const worker of listeners) {
            if ((seen?.get(worker) ?? -1) < newest)
              yield `${node}/${worker} has not seen how ${topic} ${key} is in the end`;
          }
        }
      }
    }
  }

  #topic(node: string, name: string): Topic {
    const topics = this.#nodes.get(node) ?? new Map<string, Topic>();
    this.#nodes.set(node, topics);
    const topic = topics.get(name) ?? { keys: new Map(), listeners: new Set() };
    topics.set(name, topic);
    return topic;
  }
}

function sent({ keys }: Topic, key: string, value: Uint8Array): void {
  const told = keys.get(key);
  if (told === undefined) keys.set(key, { sent: [value], seen: undefined, found: undefined, newest: -1, newestAt: 0 });
  else told.sent.push(value);
}

function sees(told: Told, worker: string, place: number): void {
  told.seen ??= new Map();
  told.seen.set(worker, place);
}

/** Where a value stands among those that were sent; below 0 when it never was. */
function placeOf(told: Told, value: Uint8Array): number {
  if (told.found?.value === value) return told.found.place;
  const place = told.sent.findLastIndex((one) => one === value || Buffer.compare(one, value) === 0);
  told.found = { value, place };
  return place;
}
