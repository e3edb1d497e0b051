/** What a table of any driver holds: its records by key, until whoever opened it takes them over. */
export class TableEntries {
  /** Undefined once they were handed over. */
  #entries: Map<string, Uint8Array> | undefined = new Map();

  get size(): number {
    return this.#entries?.size ?? 0;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries?.get(key);
  }

  set(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.#entries?.delete(key);
    else this.#entries?.set(key, value);
  }

  *entries(): Generator<[string, Uint8Array]> {
    if (this.#entries !== undefined) yield* this.#entries;
  }

  handOver(): ReadonlyMap<string, Uint8Array> {
    const entries = this.#entries ?? new Map<string, Uint8Array>();
    this.#entries = undefined;
    return entries;
  }
}
