/** What a plan is drawn with: a stream of randomness, in words. */
import type { Random } from 'weir/testing';

export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True that often, 0 to 1. */
  odds(odds: number): boolean {
    return this.#random.next() < odds;
  }

  /** A whole number; both ends are possible. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.#random.next() * (max - min + 1));
  }

  /** One of several; there must be one. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#random.next() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** One of several but this one; the same when there is no other. */
  other<Item>(items: readonly Item[], not: Item): Item {
    const others = items.filter((item) => item !== not);
    return others.length === 0 ? not : this.pick(others);
  }

  /** So many of what `make` gives. */
  several<Item>(count: number, make: (index: number) => Item): Item[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}
