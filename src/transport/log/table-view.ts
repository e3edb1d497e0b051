/**
 * An open table, as those of all drivers are: its records by key, until whoever opened it takes them over, and those who
 * are told of changes. A driver brings the snapshot and the changes.
 */
import type { Table } from './port.ts';

type Listener = (key: string, value: Uint8Array | undefined) => void;

export abstract class TableView implements Table {
  /** Undefined once they were handed over. */
  #entries: Map<string, Uint8Array> | undefined = new Map();
  readonly #listeners: Listener[] = [];
  readonly #threw: (key: string, error: unknown) => void;

  /** @param threw a listener has thrown; the others are told all the same, unless this throws, too */
  constructor(threw: (key: string, error: unknown) => void) {
    this.#threw = threw;
  }

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries?.get(key);
  }

  *entries(): Generator<[string, Uint8Array]> {
    if (this.#entries !== undefined) yield* this.#entries;
  }

  handOver(): ReadonlyMap<string, Uint8Array> {
    const entries = this.#entries ?? new Map<string, Uint8Array>();
    this.#entries = undefined;
    return entries;
  }

  /** Where commits are told as they are made. */
  isBehind(_partition: number): boolean {
    return false;
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  abstract close(): void;

  /** A record of the snapshot, which nobody is told of. */
  protected put(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.#entries?.delete(key);
    else this.#entries?.set(key, value);
  }

  protected change(key: string, value: Uint8Array | undefined): void {
    this.put(key, value);
    for (const listener of this.#listeners) {
      try {
        listener(key, value);
      } catch (error) {
        this.#threw(key, error);
      }
    }
  }
}
