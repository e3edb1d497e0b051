/** Errors: what the command line answers by itself. */
import type { CatalogueArea } from './entry.ts';

export const commandLine = {
  WEIR_NODE_UNREACHABLE: {
    message: 'no node answers at {url}: {why}',
    remedy: 'start one with "weir up", or name the address of another with --url or WEIR_URL',
    status: 503,
    retryable: true,
  },
  WEIR_CLI_USAGE: {
    message: '{why}',
    remedy: 'see {help}',
    status: 400,
  },
} as const satisfies CatalogueArea;
