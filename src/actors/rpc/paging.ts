/** Pages of lists: how large they may be, and the cursor of those that go by places in the order of arrival. */
import { WeirError } from '../../errors/index.ts';

export const maxLimit = 1_000;
const defaultLimit = 100;

/** @throws WeirError `WEIR_REQUEST_INVALID` */
export function checkedLimit(limit = defaultLimit): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxLimit) return limit;
  throw new WeirError('WEIR_REQUEST_INVALID', { why: `limit must be a whole number from 1 to ${maxLimit}` });
}

/** The place that a page comes before; undefined for the first. @throws WeirError `WEIR_REQUEST_INVALID` */
export function placeOf(cursor: string | undefined): number | undefined {
  const before = cursor === undefined ? undefined : Number.parseInt(cursor, 36);
  if (before === undefined || Number.isSafeInteger(before)) return before;
  throw new WeirError('WEIR_REQUEST_INVALID', { why: 'the cursor is not one that a former page gave' });
}

/** What a page gives for the next one, if there is more. */
export function cursorOf(next: number | undefined): { readonly cursor?: string } {
  return next === undefined ? {} : { cursor: next.toString(36) };
}
