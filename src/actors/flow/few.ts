/**
 * A map that has one entry nearly always: it has no table before there is a second one. Entries come in the order in
 * which they were put.
 */
export class Few<Key, Value> {
  #only: { readonly key: Key; readonly value: Value } | undefined;
  #table: Map<Key, Value> | undefined;

  get size(): number {
    return this.#table?.size ?? Number(this.#only !== undefined);
  }

  get(key: Key): Value | undefined {
    if (this.#table !== undefined) return this.#table.get(key);
    return this.#only?.key === key ? this.#only.value : undefined;
  }

  has(key: Key): boolean {
    return this.#table?.has(key) ?? this.#only?.key === key;
  }

  set(key: Key, value: Value): void {
    const only = this.#only;
    if (this.#table === undefined && (only === undefined || only.key === key)) {
      this.#only = { key, value };
      return;
    }
    this.#table ??= new Map();
    if (only !== undefined) this.#table.set(only.key, only.value);
    this.#only = undefined;
    this.#table.set(key, value);
  }

  delete(key: Key): void {
    this.#table?.delete(key);
    if (this.#only?.key === key) this.#only = undefined;
  }

  forEach(take: (value: Value, key: Key) => void): void {
    if (this.#table !== undefined) this.#table.forEach(take);
    else if (this.#only !== undefined) take(this.#only.value, this.#only.key);
  }

  clear(): void {
    this.#only = undefined;
    this.#table = undefined;
  }

  values(): Iterable<Value> {
    return this.#table?.values() ?? (this.#only === undefined ? [] : [this.#only.value]);
  }
}
