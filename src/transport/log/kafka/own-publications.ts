/**
 * What the claims of a worker publish, as the tables of the same worker hear of it: from the claim itself, once it is
 * durable, and not by way of the brokers.
 *
 * Owns who tells whom. A table follows its topic until it has taken everything of it that a claim of this worker has
 * there acknowledged. From then on the claim tells it, in the order of its commits, and the table passes over what it
 * meets of that claim. Both go on where the other one left off, since a topic keeps the order of what one claim sends,
 * and whatever a newer claim sends begins with the newest of each key that is not acknowledged (`Publisher`).
 */
import type { Publication } from '../port.ts';
import type { ProducerIdentity } from './wire.ts';

/** Publications of one claim for one partition of a table. */
export interface OwnLane {
  readonly producer: ProducerIdentity;
  /** Its topic has acknowledged everything of it below this offset; undefined before the first batch. */
  readonly end: number | undefined;
  /** What is durable, and not acknowledged by its topic, in order. */
  unacknowledged(): Iterable<Publication>;
  /** Resolves when the topic has all of that. */
  flush(): Promise<void>;
}

/** A partition of an open table. */
export interface Follower {
  /** It may have come as far as the lane by now. */
  look(lane: OwnLane): void;
  /** The claim of the lane that it is told by publishes this. */
  hear(lane: OwnLane, publication: Publication): void;
  /** The lane tells of nothing more. */
  left(lane: OwnLane): void;
}

interface Partition {
  lane: OwnLane | undefined;
  readonly followers: Set<Follower>;
}

export class OwnPublications {
  /** By name of the topic, with the prefix, and number. */
  readonly #partitions = new Map<string, Partition>();

  begin(topic: string, partition: number, lane: OwnLane): void {
    const at = this.#at(topic, partition);
    const former = at.lane;
    at.lane = lane;
    if (former !== undefined) for (const follower of at.followers) follower.left(former);
  }

  /** Durable: nobody who has heard of it will be told otherwise. */
  publish(topic: string, partition: number, lane: OwnLane, publication: Publication): void {
    const at = this.#at(topic, partition);
    if (at.lane === lane) for (const follower of at.followers) follower.hear(lane, publication);
  }

  acknowledged(topic: string, partition: number, lane: OwnLane): void {
    const at = this.#at(topic, partition);
    if (at.lane === lane) for (const follower of at.followers) follower.look(lane);
  }

  end(topic: string, partition: number, lane: OwnLane): void {
    const at = this.#at(topic, partition);
    if (at.lane !== lane) return;
    at.lane = undefined;
    for (const follower of at.followers) follower.left(lane);
  }

  /** The lane of the partition as it is by now. */
  lane(topic: string, partition: number): OwnLane | undefined {
    return this.#at(topic, partition).lane;
  }

  join(topic: string, partition: number, follower: Follower): void {
    this.#at(topic, partition).followers.add(follower);
  }

  leave(topic: string, partition: number, follower: Follower): void {
    this.#at(topic, partition).followers.delete(follower);
  }

  #at(topic: string, partition: number): Partition {
    const name = `${topic}/${partition}`;
    const known = this.#partitions.get(name) ?? { lane: undefined, followers: new Set() };
    this.#partitions.set(name, known);
    return known;
  }
}
