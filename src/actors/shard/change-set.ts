/**
 * What one advance of one persistent actor wants to become durable, gathered before any of it counts.
 * It joins a batch as a whole, or is thrown away as a whole: so a failing flow leaves no trace in its neighbours' batch.
 */
import type { LogRecord, Publication } from '../../transport/log/index.ts';

/** A message for another (or the same) shard of the service. */
export interface Outgoing {
  readonly partition: number;
  readonly bytes: Uint8Array;
}

export class ChangeSet {
  readonly records: LogRecord[] = [];
  readonly publications: Publication[] = [];
  readonly outgoing: Outgoing[] = [];
  /** Run, in order, once the batch that carries the set is durable (W3). */
  readonly afterCommit: Array<() => void> = [];
  readonly #joining: Array<(changes: ChangeSet) => void> = [];
  bytes = 0;

  put(key: string, value: Uint8Array): void {
    this.records.push({ key, value });
    this.bytes += key.length + value.length;
  }

  remove(key: string): void {
    this.records.push({ key, value: null });
    this.bytes += key.length;
  }

  publish(topic: string, key: string, value: Uint8Array | null): void {
    this.publications.push({ topic, key, value });
    this.bytes += key.length + (value?.length ?? 0);
  }

  /** Sends `bytes` to a shard through the outbox: durable with this set, delivered after its commit, in order, once. */
  send(partition: number, bytes: Uint8Array): void {
    this.outgoing.push({ partition, bytes });
    this.bytes += bytes.length;
  }

  after(run: () => void): void {
    this.afterCommit.push(run);
  }

  /**
   * Runs when the set joins a batch, and may add to it still: for what depends on the sets that joined before, such as
   * the numbers of a chain. A set that is thrown away uses none up.
   */
  onJoin(run: (changes: ChangeSet) => void): void {
    this.#joining.push(run);
  }

  /** @internal Called once, by the shard. */
  joining(): void {
    for (const run of this.#joining.splice(0)) run(this);
  }

  /** Takes everything of `other` in, after what is here already. */
  merge(other: ChangeSet): void {
    this.records.push(...other.records);
    this.publications.push(...other.publications);
    this.outgoing.push(...other.outgoing);
    this.afterCommit.push(...other.afterCommit);
    this.#joining.push(...other.#joining);
    this.bytes += other.bytes;
  }

  /**
   * Nobody waits for it: it removes records, and nothing is told or sent. Should it get lost with its batch, nothing
   * that came after it is durable either.
   */
  get onlyRemoves(): boolean {
    return (
      this.publications.length === 0 &&
      this.outgoing.length === 0 &&
      this.afterCommit.length === 0 &&
      this.records.every(({ value }) => value === null)
    );
  }

  get empty(): boolean {
    return (
      this.records.length === 0 &&
      this.publications.length === 0 &&
      this.outgoing.length === 0 &&
      this.afterCommit.length === 0 &&
      this.#joining.length === 0
    );
  }
}
