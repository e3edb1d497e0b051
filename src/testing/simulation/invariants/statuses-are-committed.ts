/**
 * W3, W8: whatever status of a flow is seen was sent in a commit, and who has seen a newer one never sees an older one.
 *
 * Whoever dies behind a commit does not tell of it, a successor may; so a commit that was sent will do.
 */
import type { SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

interface Told {
  /** Values in the order in which they were sent. */
  readonly sent: Uint8Array[];
  /** By worker: the place of the newest value that it has seen since it was started. */
  readonly seen: Map<string, number>;
}

export function statusesAreCommitted(): Invariant {
  /** By node, topic and key. */
  const nodes = new Map<string, Map<string, Map<string, Told>>>();
  const toldOf = (node: string, topic: string): Map<string, Told> => {
    const topics = nodes.get(node) ?? new Map<string, Map<string, Told>>();
    nodes.set(node, topics);
    const keys = topics.get(topic) ?? new Map<string, Told>();
    topics.set(topic, keys);
    return keys;
  };
  return {
    name: 'statuses are committed before they are seen',
    hears: ['commit', 'up', 'published'],
    event(event: SimEvent, violate) {
      if (event.type === 'commit') {
        for (const { topic, key, value } of event.batch.publications) {
          if (value === null) continue;
          const keys = toldOf(event.node, topic);
          const told = keys.get(key);
          if (told === undefined) keys.set(key, { sent: [value], seen: new Map() });
          else told.sent.push(value);
        }
      } else if (event.type === 'up') {
        for (const keys of nodes.get(event.node)?.values() ?? []) {
          for (const { seen } of keys.values()) seen.delete(event.worker);
        }
      } else if (event.type === 'published' && event.value !== undefined) {
        const { value, topic, key, worker } = event;
        const told = toldOf(event.node, topic).get(key);
        const place = told === undefined ? -1 : told.sent.findLastIndex((one) => Buffer.compare(one, value) === 0);
        if (told === undefined || place < 0) violate(`${topic} ${key} is seen, and no commit holds it`);
        else if (place < (told.seen.get(worker) ?? 0)) violate(`${topic} ${key} is seen as it was before`);
        else told.seen.set(worker, place);
      }
    },
  };
}
