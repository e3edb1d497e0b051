/** Errors: what a client's request is answered. */
import type { CatalogueArea } from './entry.ts';

export const requests = {
  WEIR_REQUEST_INVALID: {
    message: 'the request is not valid: {why}',
    remedy: 'correct the request',
    status: 400,
  },
  WEIR_REQUEST_NOT_FOUND: {
    message: 'member {member} has no flow for client request id {clientRequestId}',
    remedy: 'check the id; request ids of finished flows are forgotten after their retention',
    status: 404,
  },
  WEIR_FLOW_UNFINISHED: {
    message: 'flow {flowId} is {status} and has no result yet{why?}',
    remedy: 'wait longer; if it is STUCK, mend the cause and retry it',
    status: 409,
  },
  WEIR_NODE_NOT_READY: {
    message: 'the node is not ready: {waitsOn}',
    remedy: 'try again shortly',
    status: 503,
    retryable: true,
  },
  WEIR_NODE_STOPPED: {
    message: 'the node has been stopped',
    remedy: 'start it again and ask the new one; unfinished flows go on there',
    status: 503,
    retryable: true,
  },
  WEIR_WAITING_FULL: {
    message: 'there are {waiting} requests waiting for results already',
    remedy: 'ask without wait, or try again later',
    status: 429,
    retryable: true,
  },
  WEIR_AUDIT_BUSY: {
    message: '{readings} readings of the audit are going on already',
    remedy: 'try again shortly; ask for one flow, or since a later time, to look through less',
    status: 429,
    retryable: true,
  },
  WEIR_HOSPITAL_BUSY: {
    message: 'there are {requests} requests for many STUCK flows going on already',
    remedy: 'try again when they are done',
    status: 429,
    retryable: true,
  },
  WEIR_INTERNAL: {
    message: 'something went wrong inside the node',
    remedy: 'see the log of the node, and report it',
    status: 500,
  },
  WEIR_FORBIDDEN: {
    message: '{principal} may not {action} here',
    remedy: 'ask for the permission',
    status: 403,
  },
} as const satisfies CatalogueArea;
