/**
 * The state of a shard as its partition tells it, batch by batch.
 *
 * Owns which batches count (rule 6 of the fencing rules): from a fence on, only those that carry its producer id and
 * epoch in their header. What a zombie wrote all the same, on a broker that had forgotten the fence, is *foreign*: it
 * is not applied, and the next claim writes the good value over it, since compaction keeps the newest record of a key
 * whoever wrote it. Below the fence of the newest claim everything counts, because that claim has mended it.
 */
import type { LogRecord, Publication, Term } from '../port.ts';
import { compareKeys, newerTerm } from '../rules.ts';
import {
  type ClaimRecord,
  claimKey,
  decodeClaim,
  decodeFence,
  decodePublication,
  fenceKey,
  publicationNumber,
  publicationPrefix,
  releasedKey,
  shardKey,
} from './own-records.ts';
import type { FetchedRecord, ProducerIdentity, WireBatch, WireRecord } from './wire.ts';

/** The epoch of dead fences: no claim ever has it. */
export const deadEpoch = 32_767;

/** What a worker was told of a shard when it had it last. */
export interface FormerClaim {
  readonly term: Term;
  readonly producer: ProducerIdentity;
  /** Everything below this offset was acknowledged. */
  readonly end: number;
  /** Where a batch of it has landed all the same, which ended it. */
  readonly cut: number | undefined;
}

/** One that does not hold what was fetched with it. */
class Kept implements FetchedRecord {
  readonly key: string | null;
  readonly offset: number;
  readonly value: Uint8Array | null;

  constructor({ key, offset }: FetchedRecord, value: Uint8Array | null) {
    this.key = key;
    this.offset = offset;
    this.value = value;
  }

  get valueLength(): number {
    return this.value?.length ?? -1;
  }
}

/** What was fetched is held until it is so much: a state that is read at once is not copied at all. */
const heldBytes = 32 * 1024 * 1024;

export class ShardState {
  /** Newest record of each key; removals only while a foreign batch waits for its judgement, and may hold the key. */
  readonly #entries = new Map<string, FetchedRecord>();
  /** The same of publications, by their numbers: most of what is read is about those, and they soon go. */
  readonly #publications = new Map<number, FetchedRecord>();
  /** Keys that have changed since their records were given out; undefined when none have been given out. */
  #changed: Set<string> | undefined;
  /** Whether removals are kept. */
  #keepsRemovals = false;
  /** Bytes of all values that were fetched with those. */
  #fetchedBytes = 0;
  readonly #foreign: WireBatch[] = [];
  readonly #producers = new Set<string>();
  #owner: ProducerIdentity | undefined;
  /** Offset of the newest fence. */
  #fence = -1;
  #claim: ClaimRecord | undefined;
  /** Those that were written by their own producers. */
  readonly #claims: ClaimRecord[] = [];
  #term: Term | undefined;
  /** The greatest one among those whose records were not written by their own producer. */
  #copiedTerm: Term | undefined;

  /** The greatest term that any claim's record tells of, in a copy of the log too; undefined before the first claim. */
  get term(): Term | undefined {
    return this.#term;
  }

  /** Whose batches count from here on: the producer of the newest fence; undefined before the first one. */
  get owner(): ProducerIdentity | undefined {
    return this.#owner;
  }

  /** Whether the owner, of the newest fence, has given the shard up. */
  get released(): boolean {
    const released = this.#entries.get(releasedKey);
    return released !== undefined && released.offset > this.#fence;
  }

  /** Every producer id that is known to have written here, oldest first. */
  get producers(): readonly string[] {
    return [...new Set([...(this.#claim?.producers ?? []), ...this.#producers])];
  }

  /**
   * Where a claim begins that came after this one, and yet below what it was acknowledged: that has been cut off.
   * Undefined where there is none, or none any more since the log was compacted.
   */
  begunBelow(former: FormerClaim): number | undefined {
    return this.#claims.find((claim) => claim.fence < former.end && isNewer(claim, former))?.fence;
  }

  /** Batches come in the order of their offsets. */
  take(batch: WireBatch): void {
    const { producer } = batch;
    // A marker of a transaction, which only an operator's tool can have written: it holds nothing.
    if (batch.control || producer?.epoch === deadEpoch) return;
    if (producer !== undefined) this.#producers.add(producer.producerId);
    if (isFence(batch)) {
      this.#owner = producer;
      this.#fence = batch.baseOffset;
      return;
    }
    this.#takeClaim(batch);
    if (this.#owner === undefined || same(this.#owner, producer)) this.#apply(batch);
    else this.#foreign.push(batch);
  }

  /**
   * Ends the reading: what is left of foreign batches has to be written over by these records.
   * Nothing may be taken afterwards.
   */
  settle(): WireRecord[] {
    const mended = this.#copied ? Number.POSITIVE_INFINITY : (this.#claim?.fence ?? 0);
    const repairs = new Map<string, WireRecord>();
    for (const batch of this.#foreign.splice(0)) {
      if (batch.baseOffset < mended) this.#apply(batch);
      else this.#repair(batch, repairs);
    }
    if (this.#keepsRemovals) {
      for (const [key, entry] of this.#entries) if (isRemoval(entry)) this.#entries.delete(key);
      for (const [number, entry] of this.#publications) if (isRemoval(entry)) this.#publications.delete(number);
    }
    return [...repairs.values()];
  }

  /**
   * Lets go of what was fetched when that has become much: what is left of it is copied. To be called between answers.
   * @param limit bytes of it that may be held
   */
  keep(limit = heldBytes): void {
    if (this.#fetchedBytes <= limit) return;
    this.#fetchedBytes = 0;
    keepAll(this.#entries);
    keepAll(this.#publications);
  }

  /** The shard's own live records, in key order. */
  records(): LogRecord[] {
    return [...this.#own()].sort((a, b) => compareKeys(a.key, b.key));
  }

  /** From here on `changes` tells what has changed. */
  watch(): void {
    this.#changed = new Set(this.#entries.keys());
  }

  /** Nobody has what was given out. */
  unwatch(): void {
    this.#changed = undefined;
  }

  /**
   * The shard's own records that have changed since this was asked last, null for those that are gone; all live ones when
   * nobody watches. Kinds in key order, those of a kind as they came.
   */
  changes(): LogRecord[] {
    const changed = this.#changed;
    const kinds = new Kinds();
    if (changed === undefined) for (const [stored, record] of this.#entries) kinds.add(stored, record);
    else {
      this.#changed = new Set();
      for (const stored of changed) kinds.add(stored, this.#entries.get(stored));
    }
    return kinds.inOrder();
  }

  /** Publications that their topics have not acknowledged, by number, in order. */
  publications(): Array<[number, Publication]> {
    const found: Array<[number, Publication]> = [];
    for (const [number, { value }] of this.#publications) {
      if (value !== null) found.push([number, decodePublication(value)]);
    }
    return found.sort(([a], [b]) => a - b);
  }

  /** Everything has been given out: forgets it. */
  clear(): void {
    this.#entries.clear();
    this.#publications.clear();
  }

  *#own(): Generator<LogRecord> {
    for (const [stored, { value }] of this.#entries) {
      const key = shardKey(stored);
      if (key !== undefined) yield { key, value };
    }
  }

  /**
   * The newest claim that is told of was not written by its own producer: a tool has copied the records from another
   * log, under producers of its own, which tell nothing. Everything counts as it stands.
   */
  get #copied(): boolean {
    return this.#copiedTerm !== undefined && (this.#claim === undefined || newerTerm(this.#copiedTerm, this.#claim));
  }

  /** A claim's record also stands for its fence, which compaction may have dropped in favour of a newer one. */
  #takeClaim({ records, producer }: WireBatch): void {
    const value = records.find(({ key }) => key === claimKey)?.value;
    const claim = value === undefined || value === null ? undefined : decodeClaim(value);
    if (claim === undefined) return;
    if (this.#term === undefined || newerTerm(claim, this.#term)) this.#term = claim;
    if (!same(claim, producer)) {
      if (this.#copiedTerm === undefined || newerTerm(claim, this.#copiedTerm)) this.#copiedTerm = claim;
      return;
    }
    this.#claims.push(claim);
    if (claim.fence < this.#fence) return;
    this.#owner = producer;
    this.#fence = claim.fence;
    this.#claim = claim;
  }

  #apply({ records }: WireBatch): void {
    for (const record of records) {
      const { key, valueLength } = record;
      if (valueLength > 0) this.#fetchedBytes += valueLength;
      if (key === null) continue;
      const number = publicationNumber(key);
      if (number !== undefined) this.#put(this.#publications, number, record);
      else {
        this.#put(this.#entries, key, record);
        this.#changed?.add(key);
      }
    }
  }

  #put<Key>(entries: Map<Key, FetchedRecord>, key: Key, record: FetchedRecord): void {
    const known = entries.get(key);
    if (known !== undefined && known.offset >= record.offset) return;
    if (isRemoval(record)) {
      if (this.#foreign.length === 0) {
        entries.delete(key);
        return;
      }
      this.#keepsRemovals = true;
    }
    entries.set(key, record);
  }

  #repair({ records }: WireBatch, repairs: Map<string, WireRecord>): void {
    for (const { key, offset } of records) {
      // Those of the driver's own that are written at each claim are replaced in any case.
      if (key === null || (shardKey(key) === undefined && !key.startsWith(publicationPrefix))) continue;
      const number = publicationNumber(key);
      const good = number === undefined ? this.#entries.get(key) : this.#publications.get(number);
      if (good === undefined || good.offset < offset) repairs.set(key, { key, value: good?.value ?? null });
    }
  }
}

/** Records by what their keys begin with, up to and with its first "/". */
class Kinds {
  readonly #kinds = new Map<string, LogRecord[]>();

  /** @param record undefined for one that is gone */
  add(stored: string, record: FetchedRecord | undefined): void {
    const key = shardKey(stored);
    if (key === undefined) return;
    const added = record !== undefined && hasKey(record, key) ? record : { key, value: record?.value ?? null };
    const kind = key.slice(0, key.indexOf('/') + 1 || undefined);
    const some = this.#kinds.get(kind);
    if (some === undefined) this.#kinds.set(kind, [added]);
    else some.push(added);
  }

  inOrder(): LogRecord[] {
    return [...this.#kinds].sort(([a], [b]) => compareKeys(a, b)).flatMap(([, records]) => records);
  }
}

function hasKey(record: FetchedRecord, key: string): record is FetchedRecord & LogRecord {
  return record.key === key;
}

function isRemoval({ valueLength }: FetchedRecord): boolean {
  return valueLength < 0;
}

/** Copies what is left of all that was fetched. */
function keepAll<Key>(entries: Map<Key, FetchedRecord>): void {
  const borrowed = [...entries].filter(([, record]) => !(record instanceof Kept));
  const memory = new Uint8Array(borrowed.reduce((sum, [, { valueLength }]) => sum + Math.max(0, valueLength), 0));
  let used = 0;
  for (const [key, record] of borrowed) {
    const { value } = record;
    const kept = value === null ? null : memory.subarray(used, used + value.length);
    if (value !== null) kept?.set(value);
    entries.set(key, new Kept(record, kept));
    used += kept?.length ?? 0;
  }
}

function same(one: ProducerIdentity, other: ProducerIdentity | undefined): boolean {
  return one.producerId === other?.producerId && one.epoch === other.epoch;
}

/** Epochs grow though terms are lost, which are counted from what is left; but only those of one producer id compare. */
function isNewer(claim: ClaimRecord, { term, producer }: FormerClaim): boolean {
  if (claim.producerId === producer.producerId) return claim.epoch > producer.epoch;
  return !newerTerm(term, claim);
}

/** Each epoch begins with a fence, at sequence 0; compaction may have taken its record and left the empty batch. */
function isFence({ producer, records }: WireBatch): boolean {
  if (producer?.baseSequence !== 0) return false;
  const [first] = records;
  if (first === undefined) return true;
  if (first.key !== fenceKey || first.value === null) return false;
  const fence = decodeFence(first.value);
  return fence !== undefined && same(fence, producer);
}
