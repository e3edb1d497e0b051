/**
 * A shard that is to run here, as far as its records tell: what they become lies ready when it is claimed. Owns the records
 * that its preparation has no use for, until the shard takes them.
 */
import type { Clock } from '../../ports/index.ts';
import type { LogRecord, StatePreview } from '../../transport/log/index.ts';
import type { ShardPreparation } from './program.ts';
import { Slices } from './slices.ts';

/** Pieces that take well below a millisecond. */
const madeAtOnce = 32;

export class ShardPreview<Local> implements StatePreview {
  readonly #clock: Clock;
  readonly preparation: ShardPreparation<Local>;
  /** Newest values by key. */
  readonly #others = new Map<string, Uint8Array>();

  constructor(clock: Clock, preparation: ShardPreparation<Local>) {
    this.#clock = clock;
    this.preparation = preparation;
  }

  async take(records: readonly LogRecord[]): Promise<void> {
    // All of them at once: a claim may come at any time, and goes on behind them.
    for (const record of records) {
      if (this.preparation.put(record)) continue;
      const { key, value } = record;
      this.#keep(key, value === null ? null : value.slice());
    }
    const slices = new Slices(this.#clock);
    let made = 0;
    for (const _ of this.preparation.make()) {
      made += 1;
      if (made % madeAtOnce === 0) await slices.next();
    }
  }

  /** One record of a restore, whose value is used before it ends. */
  put(record: LogRecord): void {
    if (!this.preparation.put(record)) this.#keep(record.key, record.value);
  }

  clear(): void {
    this.preparation.clear();
    this.#others.clear();
  }

  /** What the preparation had no use for; it is the shard's from here on. */
  *others(): Generator<readonly [string, Uint8Array]> {
    yield* this.#others;
    this.#others.clear();
  }

  #keep(key: string, value: Uint8Array | null): void {
    if (value === null) this.#others.delete(key);
    else this.#others.set(key, value);
  }
}
