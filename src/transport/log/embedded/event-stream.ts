/**
 * One partition of an `events` topic of the embedded log: its offsets, its tails and what was trimmed.
 *
 * A tail at the end of the partition is handed new records straight from the group that made them durable; one that
 * is behind reads the store in chunks until it has caught up. Nothing polls.
 */
import type { Tail, TailReceiver, TailRecord } from '../port.ts';
import { decodeEvent, decodeValue, type Operations, offsetKey } from './codec.ts';
import { chunkRecords, type StreamSetup } from './read-prefix.ts';
import { putTrimmed } from './system-records.ts';

/** Deletions that one group takes along for a trimmed partition. */
const trimAtOnce = 1_000;

interface Reader {
  next: number;
  busy: boolean;
  /** The receiver has asked to be left alone for now. */
  held: boolean;
  closed: boolean;
  readonly receive: TailReceiver;
}

export class EventStream {
  readonly prefix: string;
  /** Offset that the next append takes. */
  end: number;
  readonly #setup: StreamSetup;
  readonly #readers = new Set<Reader>();
  /** Records below are gone for readers. */
  #trimmed: number;
  /** Records below are deleted in the store. */
  #deleted: number;
  #durableEnd: number;

  constructor(setup: StreamSetup & { prefix: string; trimmed: number; end: number }) {
    this.#setup = setup;
    this.prefix = setup.prefix;
    this.end = setup.end;
    this.#durableEnd = setup.end;
    this.#trimmed = setup.trimmed;
    this.#deleted = setup.trimmed;
  }

  /** Something reads here, so records are worth keeping until they are durable. */
  get watched(): boolean {
    return this.#readers.size > 0;
  }

  tail(from: number, receive: TailReceiver): Tail {
    const reader: Reader = { next: from, busy: false, held: false, closed: false, receive };
    this.#readers.add(reader);
    this.#catchUp(reader);
    return {
      close: () => {
        reader.closed = true;
        this.#readers.delete(reader);
      },
    };
  }

  /** The records from offset `start` on, up to before `end`, are durable. */
  appended(start: number, end: number, records: readonly TailRecord[]): void {
    this.#durableEnd = end;
    for (const reader of this.#readers) {
      if (reader.busy) continue;
      if (reader.next !== start || records.length === 0) this.#catchUp(reader);
      else this.#deliver(reader, records, end);
    }
  }

  trim(before: number): void {
    this.#trimmed = Math.max(this.#trimmed, Math.min(before, this.#durableEnd));
  }

  /** Adds a part of the deletions that trims have left, and from where on they are done. */
  takeTrimmed(group: Operations): void {
    if (this.#deleted >= this.#trimmed) return;
    const until = Math.min(this.#trimmed, this.#deleted + trimAtOnce);
    for (let offset = this.#deleted; offset < until; offset++) group.delete(offsetKey(this.prefix, offset));
    this.#deleted = until;
    putTrimmed(group, this.prefix, until);
  }

  get hasTrimmed(): boolean {
    return this.#deleted < this.#trimmed;
  }

  #catchUp(reader: Reader): void {
    reader.busy = true;
    this.#setup.clock.soon(() => void this.#readOn(reader));
  }

  async #readOn(reader: Reader): Promise<void> {
    const { store, directory, logger } = this.#setup;
    try {
      while (!reader.closed) {
        const end = this.#durableEnd;
        const from = Math.max(reader.next, this.#trimmed);
        if (from >= end) break;
        const range = { gte: offsetKey(this.prefix, from), lt: offsetKey(this.prefix, end), limit: chunkRecords };
        const entries = await store.read(range);
        const records = entries.map(([key, stored]) =>
          decodeEvent(decodeValue(directory, key, stored), Number(key.slice(this.prefix.length))),
        );
        const last = records.at(-1);
        if (last === undefined) break;
        this.#deliver(reader, records, last.offset + 1);
        if (reader.held) return;
      }
    } catch (error) {
      if (!reader.closed) logger.error({ prefix: this.prefix, error }, 'a tail cannot read on');
    } finally {
      if (!reader.held) reader.busy = false;
    }
  }

  /** What comes meanwhile stays in the store, and is read from there afterwards. */
  #hold(reader: Reader, until: Promise<void>): void {
    reader.busy = true;
    reader.held = true;
    const goOn = (): void => {
      reader.held = false;
      this.#catchUp(reader);
    };
    until.then(goOn, goOn);
  }

  #deliver(reader: Reader, records: readonly TailRecord[], next: number): void {
    if (reader.closed) return;
    reader.next = next;
    try {
      const held = reader.receive(records);
      if (held !== undefined) this.#hold(reader, held);
    } catch (error) {
      // A receiver's mistake must not stop the group that others wait for.
      this.#setup.logger.error({ prefix: this.prefix, error }, 'the receiver of a tail threw');
    }
  }
}
