/** Errors: what is wrong with a configuration. */
import type { CatalogueArea } from './entry.ts';

export const configuration = {
  WEIR_CONFIGURATION_INVALID: {
    message: 'the configuration is wrong at {path}: {why}',
    remedy: 'correct it; nothing was started',
    status: 500,
  },
  WEIR_CONFIGURATION_WINDOWS: {
    message: 'times do not fit each other: {windows}',
    remedy: '{change}; nothing was started',
    status: 500,
  },
  WEIR_CONFIGURATION_UNREADABLE: {
    message: 'the configuration {file} cannot be read: {why}',
    remedy: 'correct the file, or name another with --config; weir.sample.yaml is one to begin with',
    status: 500,
  },
  WEIR_MODULE_UNUSABLE: {
    message: 'the configuration names {module} at {path}, and {why}',
    remedy: 'correct the path (relative to the configuration file) or the name behind "#"; nothing was started',
    status: 500,
  },
} as const satisfies CatalogueArea;
