/**
 * Stands for a warehouse with an interface of its own: places are named by order and item, so that a repeated request
 * changes nothing; what was released stays so, also for a request that was on its way and comes late.
 */
import { ApplicationError } from 'weir';

const held = new Set<string>();
const released = new Set<string>();
const soldOut = new Set<string>();

/** From now on nobody can have this item of an order. */
export function sellOut(order: string, item: number): void {
  soldOut.add(placeOf(order, item));
}

/** @throws ApplicationError `SOLD_OUT` */
export async function reserve(order: string, item: number): Promise<string> {
  const place = placeOf(order, item);
  if (soldOut.has(place)) throw new ApplicationError('SOLD_OUT', `item ${item} of ${order} is sold out`);
  if (!released.has(place)) held.add(place);
  return await Promise.resolve(place);
}

export function release(order: string, item: number): void {
  released.add(placeOf(order, item));
  held.delete(placeOf(order, item));
}

/** Places that an order holds. */
export function heldBy(order: string): number {
  return [...held].filter((place) => place.startsWith(`${order}/`)).length;
}

function placeOf(order: string, item: number): string {
  return `${order}/${item}`;
}
