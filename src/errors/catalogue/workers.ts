/** Errors: what is answered where several workers share the shards. */
import type { CatalogueArea } from './entry.ts';

export const workers = {
  WEIR_WORKERS_NEED_KAFKA: {
    message: 'workers share a log, and this node keeps its own in {data}, which one process uses at a time',
    remedy:
      'set "log: { driver: kafka, brokers: [...] }" in the configuration, or start the one process with "weir up"',
    status: 400,
  },
  WEIR_WORKERS_NONE: {
    message: 'this node is one process with a log of its own: there are no workers between which shards could move',
    remedy: 'see "weir status" for its shards, or keep its log on Kafka and start several workers',
    status: 409,
  },
  WEIR_WORKER_UNKNOWN: {
    message: 'there is no worker "{worker}"{hint?}',
    remedy: 'see "weir workers" for those that are there',
    status: 404,
  },
  WEIR_WORKER_SILENT: {
    message: 'worker {worker} has not been heard of since {since}',
    remedy: 'see whether its process runs and reaches the brokers; its shards run elsewhere',
    status: 409,
  },
  WEIR_WORKER_DIED: {
    message: 'worker {worker} (process {pid}) has ended without being told to: {how}',
    remedy: 'see what it said before; what it ran goes on elsewhere, or at its next start',
    status: 503,
  },
  WEIR_WORKER_DRAINED: {
    message: 'worker {worker} is drained and takes no shards',
    remedy: 'let it take part again with "weir undrain", or name another worker',
    status: 409,
  },
  WEIR_ROLE_MISSING: {
    message: '{worker} does not run the service {service}: its roles are {roles}',
    remedy: 'ask a worker that does ("weir workers" shows the roles of each), or give it another role',
    status: 409,
  },
  WEIR_FLOWS_ABSENT: {
    message: 'no worker that runs flows is ready, so nobody has started this one within {withinMs} ms',
    remedy:
      'start a worker of role flow or all, or see "weir workers" for what those that are there wait on; asked again under the same request id, the flow is started once',
    status: 503,
    retryable: true,
  },
  WEIR_WORKER_LAST: {
    message: 'without worker {worker} no worker is left that takes shards: every flow would stand still',
    remedy:
      'start another worker, or let one that is drained, or about to be, take part again with "weir undrain"; nothing was done',
    status: 409,
  },
  WEIR_SHARD_UNKNOWN: {
    message: 'there is no shard {shard}: they are numbered 0 to {last}',
    remedy: 'see "weir shards"',
    status: 404,
  },
  WEIR_WORKERS_ENDED: {
    message: 'no worker is left: the last one ended again and again ({why})',
    remedy: 'see what the workers have said before they ended',
    status: 503,
  },
  WEIR_ERRORS_DROPPED: {
    message: 'more errors than are told of: {count} were left out, most of them {most}',
    remedy: 'see the log of the worker, which has all of them',
    status: 503,
  },
} as const satisfies CatalogueArea;
