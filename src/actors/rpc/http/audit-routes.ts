/** Routes of the audit: its entries by what they say, and its chains, which can be verified. */
import { z } from 'zod';
import type { ErrorCode } from '../../../errors/index.ts';
import { auditPageSchema, chainJson, chainSchema, entryJson } from './audit-views.ts';
import type { Edge } from './edge.ts';
import { auditQuery, chainQuery } from './requests.ts';
import { apiRoot, json, type Route, route, rpcErrors } from './routing/route.ts';

const tag = 'audit';
const chainPath = z.object({ chain: z.string().regex(/^\d{1,5}$/, 'must be the number of a chain') });
const errors: readonly ErrorCode[] = [...rpcErrors, 'WEIR_AUDIT_BUSY', 'WEIR_LOG_CLOSED', 'WEIR_LOG_DAMAGED'];

export function auditRoutes(edge: Edge): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: `${apiRoot}/audit`,
      operation: 'listAudit',
      tag,
      summary: 'Acts on flows, newest first; a page may be empty and have a cursor, when few of many are looked for',
      query: auditQuery,
      replies: { 200: json('a page of entries', auditPageSchema) },
      errors: [...errors, 'WEIR_MEMBER_UNKNOWN'],
      handle: async ({ query: { member, group, since, until, ...query } }) => {
        const of = member === undefined ? {} : { member: edge.member(member, group) };
        const { entries, ...rest } = await edge.audit({
          ...query,
          ...of,
          since: since?.(edge.now()),
          until: until?.(edge.now()),
        });
        return { status: 200, body: { entries: entries.map(entryJson), ...rest } };
      },
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/audit/chains`,
      operation: 'listAuditChains',
      tag,
      summary: 'From where to where each chain of the audit can be verified',
      replies: { 200: json('the chains, one for each shard', z.object({ chains: z.array(chainSchema) })) },
      errors,
      handle: async () => ({ status: 200, body: { chains: (await edge.auditChains()).map(chainJson) } }),
    }),
    route({
      method: 'GET',
      path: `${apiRoot}/audit/chains/:chain`,
      operation: 'readAuditChain',
      tag,
      summary: 'The entries of a chain, oldest first, from behind its anchor',
      params: chainPath,
      query: chainQuery,
      replies: { 200: json('a stretch of the chain; without cursor its newest one', auditPageSchema) },
      errors,
      handle: async ({ params: { chain }, query }) => {
        const { entries, ...rest } = await edge.auditChain(Number(chain), query);
        return { status: 200, body: { entries: entries.map(entryJson), ...rest } };
      },
    }),
  ];
}
