/**
 * Things in the order of their last changes. Whoever follows the changes needs no queue of its own, only the number of
 * the last one it has seen: of a thing that has changed many times since, it finds the newest alone.
 */
export interface Changing {
  /** Number of its last change, from 1; grows over all things. 0: it has none here. */
  changed: number;
}

/** Places that are free are given back when there are more of them than of others. */
const fewFree = 1_024;

export class ChangeOrder<Thing extends Changing> {
  #things: Thing[] = [];
  /** Number of the change at each place; the place is free when the thing there has changed since. */
  #numbers: number[] = [];
  #free = 0;
  #last = 0;

  /** Number of the last change of all. */
  get last(): number {
    return this.#last;
  }

  /** How many places it takes, those that are free included. */
  get places(): number {
    return this.#things.length;
  }

  /** It has changed just now. */
  touch(thing: Thing): void {
    if (thing.changed !== 0) this.#free++;
    thing.changed = ++this.#last;
    this.#things.push(thing);
    this.#numbers.push(thing.changed);
    this.#compact();
  }

  /** It is no longer there. */
  drop(thing: Thing): void {
    if (thing.changed !== 0) this.#free++;
    thing.changed = 0;
    this.#compact();
  }

  /** Things whose last change came after change `number`, oldest first. Nothing may change while they are looked at. */
  *after(number: number): Generator<Thing> {
    for (let place = this.#placeAfter(number); place < this.#things.length; place++) {
      const thing = this.#things[place];
      if (thing !== undefined && thing.changed === this.#numbers[place]) yield thing;
    }
  }

  #placeAfter(number: number): number {
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle] ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    if (this.#free <= fewFree || this.#free * 2 <= this.#things.length) return;
    const things = this.#things.filter((thing, place) => thing.changed === this.#numbers[place]);
    this.#things = things;
    this.#numbers = things.map(({ changed }) => changed);
    this.#free = 0;
  }
}
