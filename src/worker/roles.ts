/**
 * Roles: which services a worker runs. One artefact serves all of them; its configuration says which part of the node a
 * process is. What tells of the worker itself (heartbeats, errors) every worker runs.
 */
import { z } from 'zod';
import { didYouMean, WeirError } from '../errors/index.ts';

const roles = ['all', 'flow', 'rpc'] as const;

/**
 * `flow` owns shards and runs flows; `rpc` answers clients over HTTP for every shard, wherever it runs; `all`, the
 * default, is both.
 */
export type Role = (typeof roles)[number];

const servicesOf: Readonly<Record<Role, readonly string[]>> = {
  all: ['flow', 'rpc'],
  flow: ['flow'],
  rpc: ['rpc'],
};

/** Names that are kept for services to come: a worker of one would do nothing, and say nothing. */
const rolesToCome: readonly string[] = ['data', 'gateway'];

export const rolesSetting = z
  .array(z.enum(roles, { error: ({ input }) => refusal(input) }), 'name roles as a list')
  .min(1, 'name at least one role, or leave them out');

/** Where a worker stands among those of its node. */
export interface Placement {
  /**
   * What this process does of its node. A worker without `flow` owns no shard; one without `rpc` opens no HTTP, and what
   * is asked of its client is refused (`WEIR_ROLE_MISSING`). Parts of a node need a log on Kafka. Default `['all']`.
   */
  readonly roles?: readonly Role[];
}

/**
 * Whether a worker of these roles runs a service.
 * @param given names of roles, also those that another version has told of: what is not known here runs nothing
 */
export function runsService(service: string, given: readonly string[] = ['all']): boolean {
  return roles.some((role) => given.includes(role) && servicesOf[role].includes(service));
}

/**
 * A log of its own belongs to one process, which has to be the whole node.
 * @throws WeirError `WEIR_CONFIGURATION_INVALID`
 */
export function checkPlacement({ roles: given = ['all'] }: Placement, sharesLog: boolean): void {
  if (sharesLog || servicesOf.all.every((service) => runsService(service, given))) return;
  const why = `with the embedded log one process is the whole node, not only ${given.join()}: leave them out, or keep the log on Kafka`;
  throw new WeirError('WEIR_CONFIGURATION_INVALID', { path: 'roles', why });
}

function refusal(input: unknown): string {
  const known = `there are ${roles.join(', ')}`;
  if (typeof input !== 'string') return `a role is a name: ${known}`;
  if (rolesToCome.includes(input)) return `no service of this version has the role "${input}": leave it out (${known})`;
  return `there is no role "${input}"${didYouMean(input, roles)}: ${known}`;
}
