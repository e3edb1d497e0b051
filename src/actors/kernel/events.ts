/**
 * What happens to actors, as a bounded stream that anyone may read at any time: the newest of each type are kept, so that
 * a storm of one type (dead letters, mostly) never pushes out the others. Owns numbers and places, not what happened.
 */
import type { Clock, Logger } from '../../ports/index.ts';
import type { ActorEvent, ActorEventPage, ActorEvents, ActorEventType } from './types.ts';

/** Events of one type that are kept. */
const kept = 256;

/** The newest events of one type, and how many there were. */
class Shelf {
  count = 0;
  readonly #events: ActorEvent[] = [];

  put(event: ActorEvent): void {
    this.#events[this.count % kept] = event;
    this.count += 1;
  }

  after(seq: number, into: ActorEvent[]): void {
    for (const event of this.#events) if (event.seq > seq) into.push(event);
  }
}

export class Events implements ActorEvents {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #shelves = new Map<ActorEventType, Shelf>();
  readonly #listeners = new Set<(event: ActorEvent) => void>();
  #seq = 0;
  #telling = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  publish(type: ActorEventType, path: string, uid: number | undefined, why?: string): void {
    this.#seq += 1;
    const event = { seq: this.#seq, at: this.#clock.now(), type, path, uid, why };
    let shelf = this.#shelves.get(type);
    if (shelf === undefined) {
      shelf = new Shelf();
      this.#shelves.set(type, shelf);
    }
    shelf.put(event);
    if (this.#listeners.size > 0) this.#tell(event);
  }

  since(seq: number): ActorEventPage {
    const events: ActorEvent[] = [];
    for (const shelf of this.#shelves.values()) shelf.after(seq, events);
    events.sort((a, b) => a.seq - b.seq);
    return { events, next: this.#seq, missed: Math.max(0, this.#seq - seq - events.length) };
  }

  counts(): ReadonlyMap<ActorEventType, number> {
    return new Map([...this.#shelves].map(([type, { count }]) => [type, count]));
  }

  listen(listener: (event: ActorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: ActorEvent): void {
    // What a listener causes would be told to it again, without end.
    if (this.#telling) return;
    this.#telling = true;
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (thrown) {
        // A listener only looks on; its failure must not reach the actor that it looks at.
        this.#logger.error({ err: thrown }, 'a listener for events of actors failed');
      }
    }
    this.#telling = false;
  }
}
