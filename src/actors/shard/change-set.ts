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

export interface LastRecord {
  readonly key: string;
  readonly value: () => Uint8Array;
}

/** What such a record is reckoned at until it is made: they are small. */
const lastBytes = 64;

const none: readonly never[] = [];

/** Every advance of every flow has one, and most have few things in them: a list is made with what is first in it. */
export class ChangeSet {
  #records: LogRecord[] | undefined;
  #publications: Publication[] | undefined;
  #outgoing: Outgoing[] | undefined;
  #afterCommit: Array<() => void> | undefined;
  #ifLost: Array<() => void> | undefined;
  #last: LastRecord[] | undefined;
  #joining: Array<(changes: ChangeSet) => void> | undefined;
  /** What runs afterwards waits for a commit, also when there is nothing to write. */
  #needsCommit = false;
  bytes = 0;

  get records(): readonly LogRecord[] {
    return this.#records ?? none;
  }

  get publications(): readonly Publication[] {
    return this.#publications ?? none;
  }

  get outgoing(): readonly Outgoing[] {
    return this.#outgoing ?? none;
  }

  /** Run, in order, once the batch that carries the set is durable (W3). */
  get afterCommit(): ReadonlyArray<() => void> {
    return this.#afterCommit ?? none;
  }

  /** Run when the incarnation ends before the batch that carries the set is known to be durable. */
  get ifLost(): ReadonlyArray<() => void> {
    return this.#ifLost ?? none;
  }

  /** Records whose values are made when the batch leaves. */
  get last(): readonly LastRecord[] {
    return this.#last ?? none;
  }

  put(key: string, value: Uint8Array): void {
    this.#records = joined(this.#records, { key, value });
    this.bytes += key.length + value.length;
  }

  /**
   * Puts what many sets of a batch put anew, such as the head of a chain: its bytes are made when the batch leaves, of
   * the last of them alone.
   */
  putLast(key: string, value: () => Uint8Array): void {
    this.#last = joined(this.#last, { key, value });
    this.bytes += key.length + lastBytes;
  }

  remove(key: string): void {
    this.#records = joined(this.#records, { key, value: null });
    this.bytes += key.length;
  }

  /** @param when `lazily`: nobody waits to hear of it on another worker, and it may take a moment to get there */
  publish(topic: string, key: string, value: Uint8Array | null, when: 'soon' | 'lazily' = 'soon'): void {
    this.#publications = joined(this.#publications, { topic, key, value, ...(when === 'lazily' && { lazy: true }) });
    this.bytes += key.length + (value?.length ?? 0);
  }

  /** Sends `bytes` to a shard through the outbox: durable with this set, delivered after its commit, in order, once. */
  send(partition: number, bytes: Uint8Array): void {
    this.#outgoing = joined(this.#outgoing, { partition, bytes });
    this.bytes += bytes.length;
  }

  /** Runs behind a commit of this owner, even if it has nothing to write: that proves that nobody else owns the shard. */
  after(run: () => void): void {
    this.#needsCommit = true;
    this.#afterCommit = joined(this.#afterCommit, run);
  }

  /**
   * Runs once all that joined a batch before, or with it, is durable: for what an owner says again that is durable, and
   * that no later owner will deny.
   */
  repeat(run: () => void): void {
    this.#afterCommit = joined(this.#afterCommit, run);
  }

  /** In place of what is told `after` it: nobody here knows by then whether it is durable, and the next owner does. */
  orElse(run: () => void): void {
    this.#ifLost = joined(this.#ifLost, run);
  }

  /**
   * Runs when the set joins a batch, and may add to it still: for what depends on the sets that joined before, such as
   * the numbers of a chain. A set that is thrown away uses none up.
   */
  onJoin(run: (changes: ChangeSet) => void): void {
    this.#joining = joined(this.#joining, run);
  }

  /** @internal Called once, by the shard. */
  joining(): void {
    const joining = this.#joining;
    if (joining === undefined) return;
    this.#joining = undefined;
    for (const run of joining) run(this);
  }

  /** Takes everything of `other` in, after what is here already. */
  merge(other: ChangeSet): void {
    for (const record of other.records) this.#records = joined(this.#records, record);
    for (const publication of other.publications) this.#publications = joined(this.#publications, publication);
    for (const sent of other.outgoing) this.#outgoing = joined(this.#outgoing, sent);
    for (const run of other.afterCommit) this.#afterCommit = joined(this.#afterCommit, run);
    for (const run of other.ifLost) this.#ifLost = joined(this.#ifLost, run);
    for (const record of other.last) this.#last = joined(this.#last, record);
    for (const run of other.#joining ?? none) this.#joining = joined(this.#joining, run);
    this.#needsCommit ||= other.#needsCommit;
    this.bytes += other.bytes;
  }

  /**
   * Nobody waits for it: it removes records, and nothing is told or sent. Should it get lost with its batch, nothing
   * that came after it is durable either.
   */
  get onlyRemoves(): boolean {
    return this.#isSilent && this.records.every(({ value }) => value === null);
  }

  /** There is nothing to write, and what it says is known to be durable when all before it is. */
  get onlyRepeats(): boolean {
    return (
      !this.#needsCommit &&
      this.#afterCommit !== undefined &&
      this.#records === undefined &&
      this.#publications === undefined &&
      this.#outgoing === undefined &&
      this.#last === undefined
    );
  }

  get empty(): boolean {
    return this.#records === undefined && this.#isSilent && this.#joining === undefined;
  }

  /** Nothing is told, sent or done, and no value is to be made. */
  get #isSilent(): boolean {
    return (
      this.#publications === undefined &&
      this.#outgoing === undefined &&
      this.#afterCommit === undefined &&
      this.#last === undefined
    );
  }
}

/** With its first entry a list is as long as that; one that is empty would take room for many. */
function joined<T>(list: T[] | undefined, entry: T): T[] {
  if (list === undefined) return [entry];
  list.push(entry);
  return list;
}
