/** Errors: what the actor kernel answers: mailboxes, asks, turns, and steering from outside. */
import type { CatalogueArea } from './entry.ts';

export const actors = {
  WEIR_MAILBOX_FULL: {
    message: 'the mailbox of {path} is full ({capacity} messages)',
    remedy: 'slow down and send again later',
    status: 429,
    retryable: true,
  },
  WEIR_ACTOR_DEAD: {
    message: 'the actor {path} is not running',
    remedy: 'look it up again; it may have been restarted under a new reference',
    status: 503,
    retryable: true,
  },
  WEIR_ASK_TIMEOUT: {
    message: '{path} did not answer within {withinMs} ms',
    remedy: 'ask again, or give it more time',
    status: 503,
    retryable: true,
  },
  WEIR_NAME_IN_USE: {
    message: 'the name {name} is in use under {path}',
    remedy: 'choose another name, or wait until the actor of this name has terminated',
    status: 409,
  },
  WEIR_NAME_INVALID: {
    message: '"{name}" is not a valid actor name: {why}',
    remedy: 'use 1 to 200 characters without "/"',
    status: 400,
  },
  WEIR_ESCALATED: {
    message: '{path} failed and could not be helped',
    remedy: 'see the cause; what failed is at the end of the chain',
    status: 503,
    retryable: true,
  },
  WEIR_POLICY_FAILED: {
    message: '{path} failed, and so did its failure policy: {policy}',
    remedy: 'correct the policy (onFailure); the failure of the actor is the cause of this one',
    status: 500,
  },
  WEIR_TURN_DEADLINE: {
    message: 'a turn of {path} took longer than {withinMs} ms and was abandoned',
    remedy: 'see what it waits for, or raise its turn deadline',
    status: 503,
    retryable: true,
  },
  WEIR_ACTOR_STALLED: {
    message: '{path} has handled nothing for {withinMs} ms, while {waiting} messages waited',
    remedy: 'see what its turn waits for, or give it more time',
    status: 503,
    retryable: true,
  },
  WEIR_ACTOR_NOT_FOUND: {
    message: 'there is no actor at {path}',
    remedy: 'see the paths with "weir tree"',
    status: 404,
  },
  WEIR_ACTOR_NOT_STEERABLE: {
    message: 'the actor {path} does not {act}: {why}',
    remedy: 'see its state with "weir tree", and try again when that has changed',
    status: 409,
  },
  WEIR_ACTOR_RESTARTED: {
    message: 'a restart of {path} was asked for from outside',
    remedy: 'nothing is to be done: no fault of the actor was seen',
    status: 503,
    retryable: true,
  },
  WEIR_LOOP_BLOCKED: {
    message: 'the event loop has stood still for {blockedMs} ms, held {by} {where}; the process ends; report: {report}',
    remedy: 'move long work out of the process or cut it into pieces; the node goes on from what was committed',
    status: 500,
  },
  WEIR_DEAD_LETTERS: {
    message:
      '{letters} messages within {withinS} s found nobody who takes them; the last one was for {path} ({reason})',
    remedy: 'see "weir actor events" for whom they were, and "weir tree" for who does not keep up or is gone',
    status: 503,
  },
  WEIR_NOT_AN_ACTOR: {
    message: '{path} is not the reference of an actor that {by} may {act}',
    remedy: 'use the reference that spawn returned',
    status: 500,
  },
} as const satisfies CatalogueArea;
