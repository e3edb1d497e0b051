/** What is kept for each shard of a world, found without putting a name together: that is asked for at every commit. */
import type { ShardId } from '../../transport/log/index.ts';

export class ByShard<Kept> {
  readonly #nodes = new Map<string, Map<string, Kept[]>>();
  readonly #make: (shard: ShardId) => Kept;
  /** What was asked for last: that is asked for again. */
  #lastNode = '';
  #lastTopic = '';
  #last: Kept[] = [];

  constructor(make: (shard: ShardId) => Kept) {
    this.#make = make;
  }

  /** What is kept for a shard; made when it is asked for first. */
  of(node: string, shard: ShardId): Kept {
    const { topic, partition } = shard;
    const last = this.#last[partition];
    if (node === this.#lastNode && topic === this.#lastTopic && last !== undefined) return last;
    let topics = this.#nodes.get(node);
    if (topics === undefined) {
      topics = new Map();
      this.#nodes.set(node, topics);
    }
    let kept = topics.get(topic);
    if (kept === undefined) {
      kept = [];
      topics.set(topic, kept);
    }
    let mine = kept[partition];
    if (mine === undefined) {
      mine = this.#make(shard);
      kept[partition] = mine;
    }
    this.#lastNode = node;
    this.#lastTopic = topic;
    this.#last = kept;
    return mine;
  }

  *all(): IterableIterator<Kept> {
    for (const topics of this.#nodes.values()) {
      // Partitions that nobody has asked for are holes.
      for (const kept of topics.values()) yield* Object.values(kept);
    }
  }
}
