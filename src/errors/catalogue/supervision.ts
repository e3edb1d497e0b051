/** Errors: what supervisors answer, and what was not done in time. */
import type { CatalogueArea } from './entry.ts';

export const supervision = {
  WEIR_SUPERVISION_INVALID: {
    message: 'the supervision specification is wrong at {path}: {why}',
    remedy: 'correct the specification; nothing was started',
    status: 500,
  },
  WEIR_CHILD_DOWN: {
    message: 'child {id} is down: it failed again after {restarts} restarts',
    remedy: 'see the cause; when it is removed, restart it (a service of a node: "weir actor restart /services/{id}")',
    status: 503,
    retryable: true,
  },
  WEIR_CHILD_ENDED: {
    message: 'child {id} has ended ({how}), and its supervisor had not told it to',
    remedy: 'a child that may end by itself is transient or temporary',
    status: 500,
  },
  WEIR_CHILD_UNKNOWN: {
    message: 'the supervisor has no child {id}{hint}',
    remedy: 'ask for its status to see its children',
    status: 404,
  },
  WEIR_CHILD_EXISTS: {
    message: 'the supervisor has a child {id} already; it is {state}',
    remedy: 'restart that one, delete it first, or choose another id',
    status: 409,
  },
  WEIR_CHILD_RUNS: {
    message: 'child {id} is {state}: only what is down or stopped can be restarted or deleted',
    remedy: 'terminate it first',
    status: 409,
  },
  WEIR_CHILD_NEEDED: {
    message: 'child {id} is needed by {by}',
    remedy: 'delete first what needs it',
    status: 409,
  },
  WEIR_CHILD_NOT_STARTED: {
    message: 'child {id} has not started: {why}',
    remedy: 'see the cause; when it is removed, ask again',
    status: 503,
    retryable: true,
  },
  WEIR_NOTHING_LEFT: {
    message: 'nothing runs under {path} any more, and nothing can start',
    remedy: 'see the cause: the child that went down last',
    status: 503,
    retryable: true,
  },
  WEIR_START_TIMEOUT: {
    message: '{path} was not ready within {withinMs} ms; it waits on {waitsOn}',
    remedy: 'see the cause in the log, or raise its start deadline',
    status: 503,
    retryable: true,
  },
  WEIR_DEADLINE: {
    message: '{what} did not finish within {withinMs} ms',
    remedy: 'see the log for what it waits on',
    status: 503,
    retryable: true,
  },
} as const satisfies CatalogueArea;
