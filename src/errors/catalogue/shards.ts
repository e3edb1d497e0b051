/** Errors: what shards answer. */
import type { CatalogueArea } from './entry.ts';

export const shards = {
  WEIR_SHARD_PARTITIONS: {
    message: '{topic}/{partition} was written with {found} partitions, the node is configured for {expected}',
    remedy: 'configure the number it was created with; it is fixed for a data directory',
    status: 500,
  },
  WEIR_SHARD_UNAVAILABLE: {
    message: 'shard {partition} is not running here yet',
    remedy: 'try again shortly',
    status: 503,
    retryable: true,
  },
  WEIR_SHARD_BUSY: {
    message: 'shard {partition} has too much work waiting',
    remedy: 'slow down and try again later',
    status: 429,
    retryable: true,
  },
} as const satisfies CatalogueArea;
