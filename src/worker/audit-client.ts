/** What a program that embeds a node asks of its audit. */

import type { AuditChain, AuditPage, AuditStretch, AuditQuery as RpcAuditQuery } from '../actors/rpc/index.ts';
import { type Authority, identityOf, type MemberName } from '../ports/index.ts';
import type { ClientRequest } from './client-request.ts';

export interface AuditQuery extends Omit<RpcAuditQuery, 'member'> {
  /** Only acts on flows of this member. */
  readonly member?: MemberName | undefined;
}

export function auditClient(request: ClientRequest, authority: Authority) {
  return {
    /**
     * A page of the audit, newest first: who did what to which flow, when and why, and how flows ended.
     * @throws WeirError `WEIR_REQUEST_INVALID` for a limit or a cursor, `WEIR_AUDIT_BUSY`, `WEIR_NODE_STOPPED`
     */
    audit: ({ member, ...query }: AuditQuery = {}): Promise<AuditPage> =>
      request((replyTo) => ({
        type: 'audit',
        query: { ...query, ...(member === undefined ? {} : { member: identityOf(member) }) },
        authority,
        replyTo,
      })),
    /**
     * From where to where each chain of the audit can be verified.
     * @throws WeirError `WEIR_FORBIDDEN`, `WEIR_AUDIT_BUSY`, `WEIR_NODE_STOPPED`
     */
    auditChains: (): Promise<readonly AuditChain[]> =>
      request((replyTo) => ({ type: 'auditChains', authority, replyTo })),
    /**
     * The entries of a chain, oldest first, from behind its anchor or the cursor.
     * @throws WeirError `WEIR_REQUEST_INVALID`, `WEIR_FORBIDDEN`, `WEIR_AUDIT_BUSY`, `WEIR_NODE_STOPPED`
     */
    auditChain: (chain: number, { limit, cursor }: Pick<AuditQuery, 'limit' | 'cursor'> = {}): Promise<AuditStretch> =>
      request((replyTo) => ({ type: 'auditChain', chain, limit, cursor, authority, replyTo })),
  };
}
