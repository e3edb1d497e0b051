/** What `weir doctor` tells: whether a node can run where it is to run, and which rights it needs there. */
export type { Finding } from '../../transport/log/index.ts';
export { kafkaNames } from '../../transport/log/index.ts';
export type { AclRole } from './acl.ts';
export { aclCommands, aclRoles } from './acl.ts';
export { checkup } from './checkup.ts';
