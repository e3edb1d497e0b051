/**
 * Reading ahead: a worker that is to have a shard reads its partition while another one still runs it, so that there is
 * little left to read when it claims the shard, and the shard stands still for as long as that takes.
 *
 * Owns what is followed, and when that may be trusted. A claim goes on from here under the very same rules as from the
 * beginning; what was read stands for the beginning of the log only if
 *
 * - the log has had one leader from before the reading began until the claim's fence: nothing can have been cut off;
 * - every batch behind the first end has come whole, and right behind the one before it: compaction, which may take a
 *   removal away and leave nothing that tells of it, was not there first.
 *
 * Else it is thrown away, and the claim reads from the beginning.
 */
import { messageOf } from '../../../errors/index.ts';
import type { Clock, Logger, Timer } from '../../../ports/index.ts';
import type { StatePreview, TopicName } from '../port.ts';
import { PartitionReader, type PartitionReaderSetup } from './partition-reader.ts';
import { ShardState } from './shard-state.ts';
import type { WireBatch } from './wire.ts';

export interface ReadAheadSetup extends Pick<PartitionReaderSetup, 'wire' | 'patience' | 'maxBytes'> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of the state topic, with the prefix. */
  readonly topic: TopicName;
  /** How long brokers hold a read at the end of a partition. */
  readonly waitMs: number;
  /** A partition that takes longer moves as if it had not been read. */
  readonly withinMs: number;
}

export interface ReadAheadListener {
  /** Takes what is read of a partition; undefined when nobody wants it. */
  preview(partition: number): StatePreview | undefined;
  /** Nearly everything is read, or it takes too long: the owner may give the partition up. */
  ready(partition: number): void;
  /** Its owner has given the partition up. */
  free(partition: number): void;
}

/** The beginning of a partition, as it was read by now. */
export interface ReadSoFar {
  readonly state: ShardState;
  /** Everything below this offset is in the state. */
  readonly position: number;
  /** Where the partition ended when the reading began: up to here compaction may have been there before. */
  readonly end: number;
  /** Of the leader, from before the reading began. */
  readonly leaderEpoch: number;
  /** Holds all of it but for what the state says has changed; undefined when nobody does. */
  readonly preview: StatePreview | undefined;
}

export class ReadAhead {
  readonly #setup: ReadAheadSetup;
  readonly #followers = new Map<number, Follower>();

  constructor(setup: ReadAheadSetup) {
    this.#setup = setup;
  }

  /** Follows the partitions that are coming; what has been read of those that were given is kept for their claims. */
  follow(coming: ReadonlySet<number>, given: ReadonlySet<number>, listener: ReadAheadListener): void {
    for (const [partition, follower] of this.#followers) {
      if (coming.has(partition) || given.has(partition)) continue;
      follower.close();
      this.#followers.delete(partition);
    }
    for (const partition of coming) {
      if (this.#followers.has(partition)) continue;
      this.#followers.set(partition, new Follower(this.#setup, partition, listener));
    }
  }

  /** What was read of a partition is its claim's from here on; undefined when there is nothing to be trusted. */
  take(partition: number): ReadSoFar | undefined {
    const follower = this.#followers.get(partition);
    this.#followers.delete(partition);
    return follower?.take();
  }

  close(): void {
    for (const follower of this.#followers.values()) follower.close();
    this.#followers.clear();
  }
}

/** Whether what was read can be trusted with this batch behind it, the next one that there is. */
export function joins(batch: WireBatch, { position, end, leaderEpoch }: Omit<ReadSoFar, 'state' | 'preview'>): boolean {
  const { baseOffset, lastOffset, control, records } = batch;
  if (baseOffset < end) return true;
  const whole = control || records.length === lastOffset - baseOffset + 1;
  return whole && baseOffset === Math.max(position, end) && batch.leaderEpoch === leaderEpoch;
}

/** How long a reading waits for what the broker has named as the end; it can be read at once. */
const endWaitMs = 500;

class Follower {
  readonly #setup: ReadAheadSetup;
  readonly #partition: number;
  readonly #listener: ReadAheadListener;
  readonly #deadline: Timer;
  readonly #preview: StatePreview | undefined;
  #read: ReadSoFar | undefined;
  #isReady = false;
  #closed = false;

  constructor(setup: ReadAheadSetup, partition: number, listener: ReadAheadListener) {
    this.#setup = setup;
    this.#partition = partition;
    this.#listener = listener;
    this.#preview = listener.preview(partition);
    this.#deadline = setup.clock.after(setup.withinMs, () => this.#ready());
    this.#run().catch((error: unknown) => {
      const { topic, logger } = setup;
      if (this.#closed) return;
      logger.warn({ topic, partition, error: messageOf(error) }, 'a shard that is to come cannot be read ahead');
      this.#forget();
      this.#ready();
    });
  }

  take(): ReadSoFar | undefined {
    const read = this.#read;
    if (read === undefined) this.#preview?.clear();
    this.#end();
    return read;
  }

  close(): void {
    this.#end();
    this.#forget();
  }

  #end(): void {
    this.#closed = true;
    this.#deadline.cancel();
  }

  /** What was read is nobody's, and takes no memory. */
  #forget(): void {
    this.#read = undefined;
    this.#preview?.clear();
  }

  async #run(): Promise<void> {
    while (!this.#closed) await this.#follow();
  }

  /** Reads from the beginning, and goes on at the end, until what was read cannot be trusted any more. */
  async #follow(): Promise<void> {
    let trusted = true;
    const reader = this.#reader(0, (position, oldest) => {
      trusted &&= oldest > position;
    });
    const end = await reader.end();
    const leaderEpoch = await this.#leaderEpoch(end);
    const state = new ShardState();
    if (this.#preview !== undefined) state.watch();
    while (!this.#closed && trusted) {
      if (reader.position >= end) this.#atEnd(state);
      let { position } = reader;
      const batches = await reader.next(this.#setup.waitMs, end);
      if (this.#closed) return;
      for (const batch of batches) {
        trusted &&= leaderEpoch !== undefined && joins(batch, { position, end, leaderEpoch });
        position = batch.lastOffset + 1;
        state.take(batch);
      }
      state.keep();
      if (!trusted) return this.#forget();
      if (leaderEpoch === undefined) continue;
      const preview = this.#preview;
      this.#read = { state, position, end, leaderEpoch, preview };
      await preview?.take(state.changes());
    }
  }

  #atEnd(state: ShardState): void {
    this.#ready();
    if (state.released) this.#listener.free(this.#partition);
  }

  /** Of the last batch that there is, which was written under the leader of this moment or an earlier one. */
  async #leaderEpoch(end: number): Promise<number | undefined> {
    if (end === 0) return undefined;
    const batches = await this.#reader(end - 1, () => undefined).next(endWaitMs);
    return batches.find(({ lastOffset }) => lastOffset === end - 1)?.leaderEpoch;
  }

  #reader(from: number, onGap: PartitionReaderSetup['onGap']): PartitionReader {
    const { wire, patience, topic, maxBytes } = this.#setup;
    const partition = this.#partition;
    return new PartitionReader({
      ...{ wire, patience, topic, maxBytes, partition, from, onGap },
      ended: () => this.#closed,
    });
  }

  #ready(): void {
    if (this.#isReady || this.#closed) return;
    this.#isReady = true;
    this.#deadline.cancel();
    this.#listener.ready(this.#partition);
  }
}
