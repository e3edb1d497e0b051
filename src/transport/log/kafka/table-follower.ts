/**
 * Follows one partition of an open table: reads what comes, or is told by a claim of the same worker (`OwnPublications`).
 *
 * Owns the change from the one to the other. While a claim tells it, the partition is only looked at now and then: a
 * newer claim elsewhere, which this worker has not heard of, would be met there.
 */
import type { Clock } from '../../../ports/index.ts';
import type { Publication } from '../port.ts';
import type { Follower, OwnLane, OwnPublications } from './own-publications.ts';
import { shardKey } from './own-records.ts';
import type { PartitionReader } from './partition-reader.ts';
import type { ProducerIdentity, WireBatch } from './wire.ts';

export interface TableFollowerSetup {
  readonly clock: Clock;
  readonly own: OwnPublications;
  /** With the prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly reader: Pick<PartitionReader, 'position' | 'next' | 'toEnd'>;
  /** How long a broker may hold a request when nothing changes. */
  readonly waitMs: number;
  readonly take: (key: string, value: Uint8Array | null) => void;
}

/** How long it looks away while a claim tells it. */
const lookMs = 5_000;

export class TableFollower implements Follower {
  readonly #setup: TableFollowerSetup;
  /** Who tells it. */
  #teller: OwnLane | undefined;
  /** Whose batches hold nothing that it has not been told. */
  #toldBy: ProducerIdentity | undefined;
  /** A newer claim has been met behind it. */
  #overtaken: OwnLane | undefined;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(setup: TableFollowerSetup) {
    this.#setup = setup;
  }

  /** Takes the snapshot: what other tables of the worker have been told before this began is in it, too. */
  async load(): Promise<void> {
    const { own, topic, partition, reader } = this.#setup;
    await own.lane(topic, partition)?.flush();
    await reader.toEnd((batches) => this.take(batches));
  }

  /** Runs until it is closed. @throws what the reader throws */
  async run(): Promise<void> {
    const { own, topic, partition, reader, waitMs } = this.#setup;
    own.join(topic, partition, this);
    try {
      while (!this.#closed) {
        await this.#rest();
        this.take(await reader.next(waitMs));
        const lane = own.lane(topic, partition);
        if (lane !== undefined) this.look(lane);
      }
    } finally {
      own.leave(topic, partition, this);
    }
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** A claim of this worker has something durable that has not come here, neither from it nor by way of the brokers. */
  get isBehind(): boolean {
    const { own, topic, partition, reader } = this.#setup;
    const lane = own.lane(topic, partition);
    if (lane === undefined || lane === this.#teller) return false;
    if (lane.end !== undefined && lane.end > reader.position) return true;
    for (const _ of lane.unacknowledged()) return true;
    return false;
  }

  look(lane: OwnLane): void {
    if (this.#teller !== undefined || lane === this.#overtaken || this.#closed) return;
    if (lane.end !== this.#setup.reader.position) return;
    this.#teller = lane;
    this.#toldBy = lane.producer;
    for (const publication of lane.unacknowledged()) this.hear(lane, publication);
  }

  hear(lane: OwnLane, { key, value }: Publication): void {
    if (lane === this.#teller && !this.#closed) this.#setup.take(key, value);
  }

  left(lane: OwnLane): void {
    if (lane !== this.#teller) return;
    this.#passOver(lane);
    this.#teller = undefined;
    this.#wake();
  }

  /** What was read, in order. */
  take(batches: readonly WireBatch[]): void {
    for (const batch of batches) this.#take(batch);
  }

  #take(batch: WireBatch): void {
    if (isBy(batch, this.#toldBy)) return;
    if (this.#teller !== undefined) {
      // The older claim may still hear of a commit that was taken before it was fenced: the newer one tells of that, too.
      this.#overtaken = this.#teller;
      this.#teller = undefined;
    }
    if (batch.control || this.#closed) return;
    for (const { key: stored, value } of batch.records) {
      const key = stored === null ? undefined : shardKey(stored);
      // A copy of its own: what was fetched shares its memory with everything else of the answer.
      if (key !== undefined) this.#setup.take(key, value === null ? null : Uint8Array.from(value));
    }
  }

  #passOver({ end = 0 }: OwnLane): void {
    const { reader } = this.#setup;
    reader.position = Math.max(reader.position, end);
  }

  /** While a claim tells it: until it is time to look, or that ends. */
  async #rest(): Promise<void> {
    if (this.#teller === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = this.#setup.clock.after(lookMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = () => undefined;
    if (this.#teller !== undefined) this.#passOver(this.#teller);
  }
}

function isBy({ producer }: WireBatch, other: ProducerIdentity | undefined): boolean {
  return producer !== undefined && producer.producerId === other?.producerId && producer.epoch === other.epoch;
}
