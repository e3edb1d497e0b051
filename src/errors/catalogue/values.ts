/** Errors: values and records that cannot be kept or read. */
import type { CatalogueArea } from './entry.ts';

export const values = {
  WEIR_VALUE_UNSUPPORTED: {
    message: '{what} cannot be kept: {path} is {found}',
    remedy: 'use plain data: null, booleans, numbers, strings, bigint, Date, Map, Set, Uint8Array, arrays and objects',
    status: 400,
  },
  WEIR_RECORD_UNREADABLE: {
    message: 'a record of {what} cannot be read: {why}',
    remedy: 'it was written by a newer version, or is damaged: do not delete it, see docs/decisions/records.md',
    status: 500,
  },
  WEIR_DURATION_INVALID: {
    message: '"{value}" is not a duration{why?}',
    remedy:
      "write a number with a unit, such as '250 ms', '30s', '15 min' or '2 days'; in code, a number is milliseconds",
    status: 400,
  },
} as const satisfies CatalogueArea;
