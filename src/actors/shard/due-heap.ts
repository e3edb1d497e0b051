/**
 * Things by when they are due, the earliest first. Owns the order alone: two arrays side by side, since a time on its own
 * costs a number where an object that holds it costs ten times as much.
 */
export class DueHeap<Thing> {
  readonly #dues: number[] = [];
  readonly #things: Thing[] = [];

  get size(): number {
    return this.#things.length;
  }

  /** When the first one is due; undefined when there is none. */
  get due(): number | undefined {
    return this.#dues[0];
  }

  push(due: number, thing: Thing): void {
    this.#dues.push(due);
    this.#things.push(thing);
    this.#up(this.#things.length - 1);
  }

  /** Takes the first one that is due at `now`. */
  take(now: number): Thing | undefined {
    const due = this.#dues[0];
    const first = this.#things[0];
    if (due === undefined || due > now) return undefined;
    const lastDue = this.#dues.pop();
    const last = this.#things.pop();
    if (this.#things.length > 0 && lastDue !== undefined && last !== undefined) {
      this.#dues[0] = lastDue;
      this.#things[0] = last;
      this.#down(0);
    }
    return first;
  }

  /** Drops whatever is not to be kept. */
  keep(kept: (thing: Thing, due: number) => boolean): void {
    let size = 0;
    for (const [index, thing] of this.#things.entries()) {
      const due = this.#dues[index];
      if (due === undefined || !kept(thing, due)) continue;
      this.#dues[size] = due;
      this.#things[size] = thing;
      size++;
    }
    this.#dues.length = size;
    this.#things.length = size;
    for (let index = (size >> 1) - 1; index >= 0; index--) this.#down(index);
  }

  clear(): void {
    this.#dues.length = 0;
    this.#things.length = 0;
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const a = this.#dues[left];
      const b = this.#dues[right];
      if (a === undefined) return;
      const least = b !== undefined && b < a ? right : left;
      if (!this.#swapIfEarlier(least, index)) return;
      index = least;
    }
  }

  /** Swaps when the thing at `index` is due before the one at `other`. */
  #swapIfEarlier(index: number, other: number): boolean {
    const aDue = this.#dues[index];
    const bDue = this.#dues[other];
    const a = this.#things[index];
    const b = this.#things[other];
    if (aDue === undefined || bDue === undefined || a === undefined || b === undefined || aDue >= bDue) return false;
    this.#dues[index] = bDue;
    this.#dues[other] = aDue;
    this.#things[index] = b;
    this.#things[other] = a;
    return true;
  }
}
