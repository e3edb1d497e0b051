/**
 * W3, W8: whatever status of a flow is seen was sent in a commit, and who has seen a newer one never sees an older one.
 *
 * Whoever dies behind a commit does not tell of it, a successor may; so a commit that was sent will do.
 */
import type { SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

export function statusesAreCommitted(): Invariant {
  /** By node, topic and key: values in the order in which they were sent. */
  const sent = new Map<string, Uint8Array[]>();
  /** By what a worker has seen since it was started: the place of the newest value. */
  const seen = new Map<string, Map<string, number>>();
  return {
    name: 'statuses are committed before they are seen',
    event(event: SimEvent, violate) {
      if (event.type === 'commit') {
        for (const { topic, key, value } of event.batch.publications) {
          if (value === null) continue;
          const name = `${event.node}/${topic}/${key}`;
          const values = sent.get(name) ?? [];
          sent.set(name, values);
          values.push(value);
        }
      } else if (event.type === 'up') {
        seen.delete(`${event.node}/${event.worker}`);
      } else if (event.type === 'published' && event.value !== undefined) {
        const { value, topic, key } = event;
        const worker = `${event.node}/${event.worker}`;
        const places = seen.get(worker) ?? new Map<string, number>();
        seen.set(worker, places);
        const place = (sent.get(`${event.node}/${topic}/${key}`) ?? []).findLastIndex(
          (one) => Buffer.compare(one, value) === 0,
        );
        const last = places.get(`${topic}/${key}`) ?? 0;
        if (place < 0) violate(`${topic} ${key} is seen, and no commit holds it`);
        else if (place < last) violate(`${topic} ${key} is seen as it was before`);
        else places.set(`${topic}/${key}`, place);
      }
    },
  };
}
