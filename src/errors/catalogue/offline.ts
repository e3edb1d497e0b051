/** Errors: what is done to a log while nobody runs on it (export, import, other partitions, adoption). */
import type { CatalogueArea } from './entry.ts';

export const offline = {
  WEIR_LOG_NONE: {
    message: 'there is no log at {place}',
    remedy: 'name the configuration of a node that has run: --config FILE, or --data DIR',
    status: 404,
  },
  WEIR_LOG_RUNNING: {
    message: 'somebody runs on the log at {place}: {who}',
    remedy:
      'stop every worker of the node, then run it again; one that was killed counts until its session has run out (10 s)',
    status: 409,
    retryable: true,
  },
  WEIR_LOG_CHANGED: {
    message: 'the log at {place} has changed while it was read: {what}',
    remedy: 'stop whoever writes there, then run it again; nothing was put in its place',
    status: 409,
    retryable: true,
  },
  WEIR_LOG_NOT_EMPTY: {
    message: 'the log at {place} has topics already: {topics}',
    remedy: 'import into a new data directory, or under another log.prefix; nothing was written',
    status: 409,
  },
  WEIR_LOG_COPY_DIFFERS: {
    message: 'what was written to {place} is not what was to be written: {why}',
    remedy: 'run it again; nothing was put in the place of what was there',
    status: 500,
    retryable: true,
  },
  WEIR_LOG_FILE: {
    message: 'the file {file} cannot be used: {why}',
    remedy: 'name another file, or "-" for standard input or output',
    status: 400,
  },
  WEIR_LOG_FILE_DAMAGED: {
    message: '{file} is not a whole copy of a log: {why}',
    remedy: 'take another copy of the file, or export the log again; nothing was imported',
    status: 400,
  },
  WEIR_LOG_FILE_VERSION: {
    message: '{file} has format {found}, this version reads {expected}',
    remedy: 'use the version of Weir that wrote it, or a newer one',
    status: 400,
  },
  WEIR_LOG_REPLACED: {
    message: 'the log of this worker is incarnation {before}, and has been replaced by {now} since it started',
    remedy: 'start the worker again: it was left running, or asleep, while the log was imported, adopted or resharded',
    status: 503,
  },
  WEIR_LOG_ADOPTION: {
    message: 'topic {topic} is not the one that this log was made with: {why}',
    remedy:
      'if it was restored or mirrored on purpose, stop every worker and run "weir log adopt", so that terms do not go backwards; if it was not, what flows wrote there is gone',
    status: 500,
  },
} as const satisfies CatalogueArea;
