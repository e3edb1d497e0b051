/**
 * The state of a shard as its partition tells it, batch by batch.
 *
 * Owns which batches count (rule 6 of the fencing rules): from a fence on, only those that carry its producer id and
 * epoch in their header. What a zombie wrote all the same, on a broker that had forgotten the fence, is *foreign*: it
 * is not applied, and the next claim writes the good value over it, since compaction keeps the newest record of a key
 * whoever wrote it. Below the fence of the newest claim everything counts, because that claim has mended it.
 */
import type { LogRecord, Publication, Term } from '../port.ts';
import { compareKeys } from '../rules.ts';
import {
  type ClaimRecord,
  claimKey,
  decodeClaim,
  decodeFence,
  decodePublication,
  fenceKey,
  publicationPrefix,
  shardKey,
} from './own-records.ts';
import type { ProducerIdentity, WireBatch, WireRecord } from './wire.ts';

/** The epoch of dead fences: no claim ever has it. */
export const deadEpoch = 32_767;

interface Entry {
  readonly value: Uint8Array | null;
  readonly offset: number;
}

export class ShardState {
  /** Newest record of each key, removals too, until `settle`. */
  readonly #entries = new Map<string, Entry>();
  readonly #foreign: WireBatch[] = [];
  readonly #producers = new Set<string>();
  #owner: ProducerIdentity | undefined;
  /** Offset of the newest fence. */
  #fence = -1;
  #claim: ClaimRecord | undefined;
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

  /** Every producer id that is known to have written here, oldest first. */
  get producers(): readonly string[] {
    return [...new Set([...(this.#claim?.producers ?? []), ...this.#producers])];
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
    for (const [key, { value }] of this.#entries) if (value === null) this.#entries.delete(key);
    return [...repairs.values()];
  }

  /** The shard's own live records, in key order. */
  records(): LogRecord[] {
    const records: LogRecord[] = [];
    for (const [stored, { value }] of this.#entries) {
      const key = shardKey(stored);
      if (key !== undefined) records.push({ key, value });
    }
    return records.sort((a, b) => compareKeys(a.key, b.key));
  }

  /** Publications that their topics have not acknowledged, by number, in order. */
  publications(): Array<[number, Publication]> {
    const found: Array<[number, Publication]> = [];
    for (const [key, { value }] of this.#entries) {
      if (!key.startsWith(publicationPrefix) || value === null) continue;
      found.push([Number(key.slice(publicationPrefix.length)), decodePublication(value)]);
    }
    return found.sort(([a], [b]) => a - b);
  }

  /**
   * The newest claim that is told of was not written by its own producer: a tool has copied the records from another
   * log, under producers of its own, which tell nothing. Everything counts as it stands.
   */
  get #copied(): boolean {
    return this.#copiedTerm !== undefined && (this.#claim === undefined || isGreater(this.#copiedTerm, this.#claim));
  }

  /** A claim's record also stands for its fence, which compaction may have dropped in favour of a newer one. */
  #takeClaim({ records, producer }: WireBatch): void {
    const value = records.find(({ key }) => key === claimKey)?.value;
    const claim = value === undefined || value === null ? undefined : decodeClaim(value);
    if (claim === undefined) return;
    if (this.#term === undefined || isGreater(claim, this.#term)) this.#term = claim;
    if (!same(claim, producer)) {
      if (this.#copiedTerm === undefined || isGreater(claim, this.#copiedTerm)) this.#copiedTerm = claim;
      return;
    }
    if (claim.fence < this.#fence) return;
    this.#owner = producer;
    this.#fence = claim.fence;
    this.#claim = claim;
  }

  #apply({ records }: WireBatch): void {
    for (const { key, value, offset } of records) {
      if (key === null) continue;
      const known = this.#entries.get(key);
      if (known === undefined || known.offset < offset) this.#entries.set(key, { value, offset });
    }
  }

  #repair({ records }: WireBatch, repairs: Map<string, WireRecord>): void {
    for (const { key, offset } of records) {
      // Those of the driver's own that are written at each claim are replaced in any case.
      if (key === null || (shardKey(key) === undefined && !key.startsWith(publicationPrefix))) continue;
      const good = this.#entries.get(key);
      if (good === undefined || good.offset < offset) repairs.set(key, { key, value: good?.value ?? null });
    }
  }
}

function same(one: ProducerIdentity, other: ProducerIdentity | undefined): boolean {
  return one.producerId === other?.producerId && one.epoch === other.epoch;
}

function isGreater(one: Term, other: Term): boolean {
  if (one.incarnation !== other.incarnation) return one.incarnation > other.incarnation;
  return one.counter > other.counter;
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
