/**
 * The trace of a run. Owns its hash, which tells two runs apart by everything that happened in them, and its words,
 * which a person reads when a seed is replayed.
 */
import { crc32 } from 'node:zlib';
import type { SimEvent } from './events.ts';

/** Events kept for a reader; older ones are forgotten. */
const keptEvents = 500_000;

export class Trace {
  #high = 0x811c9dc5;
  #low = 0x2545f491;
  readonly #names = new Map<string, number>();
  readonly #kept: SimEvent[] | undefined;
  readonly #hashed: boolean;
  count = 0;

  /**
   * With `keep` the events are kept for `events()`; without `hashed` (default true) it has no hash, which costs a
   * thirtieth of a run that nobody compares.
   */
  constructor({ keep = false, hashed = true }: { readonly keep?: boolean; readonly hashed?: boolean } = {}) {
    this.#kept = keep ? [] : undefined;
    this.#hashed = hashed;
  }

  /** Mixes a number into the hash. */
  mix(value: number): void {
    // FNV-1a over two words with different primes: 64 bits are enough to tell runs apart.
    this.#high = Math.imul(this.#high ^ value, 0x01000193);
    this.#low = Math.imul(this.#low ^ value ^ (this.#high >>> 15), 0x85ebca6b);
  }

  add(event: SimEvent): void {
    this.count += 1;
    if (this.#hashed) {
      this.mix(event.at * 1_000);
      this.#mixText(event.type);
      this.#mixText(event.node);
      this.#mixText(event.worker);
      this.#mixDetails(event);
    }
    if (this.#kept === undefined) return;
    this.#kept.push(event);
    if (this.#kept.length > 2 * keptEvents) this.#kept.splice(0, keptEvents);
  }

  /** @throws Error when it was made without one */
  hash(): string {
    if (!this.#hashed) throw new Error('the trace of this run has no hash');
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  events(): readonly SimEvent[] {
    return this.#kept ?? [];
  }

  #mixDetails(event: SimEvent): void {
    switch (event.type) {
      case 'up':
      case 'ready':
        return;
      case 'down':
        this.#mixText(event.why);
        return;
      case 'claiming':
        this.mix(event.shard.partition);
        return;
      case 'claimed':
      case 'fenced':
      case 'released':
      case 'refused':
      case 'durable':
        this.mix(event.shard.partition);
        this.mix(event.term.counter);
        return;
      case 'ahead':
        this.mix(event.shard.partition);
        this.mix(event.records);
        return;
      case 'restored':
        this.mix(event.shard.partition);
        this.mix(event.records.length);
        return;
      case 'applied':
        this.mix(event.sequence);
        return;
      case 'commit':
        this.mix(event.shard.partition);
        this.mix(event.sequence);
        for (const { key, value } of event.batch.records) {
          this.mix(key.length);
          if (value !== null) this.mix(crc32(value));
        }
        return;
      case 'append':
        this.mix(event.partition);
        this.mix(event.records.length);
        return;
      case 'snapshot':
        this.#mixText(event.topic);
        this.mix(event.entries.size);
        return;
      case 'published':
        this.#mixText(event.topic);
        this.mix(crc32(event.value ?? event.key));
        return;
      case 'sent':
      case 'delivered':
        this.#mixText(event.fate);
        this.mix(crc32(event.bytes));
        return;
      case 'fault':
        this.mix(crc32(event.text));
        return;
      case 'client':
      case 'note':
        this.#mixText(event.what);
        this.mix(crc32(event.text));
        return;
    }
  }

  /** Names repeat, so each is hashed once. */
  #mixText(text: string): void {
    let hash = this.#names.get(text);
    if (hash === undefined) {
      hash = crc32(text);
      this.#names.set(text, hash);
    }
    this.mix(hash);
  }
}
