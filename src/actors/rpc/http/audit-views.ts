/** The shapes of the audit that clients read: everything from which the hash of an entry can be computed again. */
import { z } from 'zod';
import { type AuditValue, type ChainPoint, decodeValue, hex } from '../../../persistence/index.ts';
import type { AuditChain, AuditEntry } from '../protocol.ts';
import { toJson } from './json.ts';
import type { Json } from './routing/route.ts';
import { countSchema, memberJson, memberSchema, timeOf, timeSchema } from './views.ts';

const hash = z.string().describe('SHA-256 in hex');

const valueSchema = z
  .object({
    hash,
    size: countSchema.describe('bytes that it takes'),
    bytes: z.string().optional().describe('canonical bytes in base64, when they are kept'),
    value: z.unknown().optional().describe('the same as JSON'),
  })
  .meta({ id: 'AuditValue' });

export const entrySchema = z
  .object({
    chain: countSchema.describe('number of the shard'),
    number: countSchema.describe('place in its chain, from 1'),
    at: timeSchema,
    act: z
      .string()
      .describe('start, retry, skip, kill, ..., end for how the flow ended; drain, configure, ... of the node'),
    subject: z
      .string()
      .describe('the operation that was skipped, the status that it ended with, the worker; may be empty'),
    flowId: z.string().describe('empty, as all that says which flow, for what was done to the node'),
    flow: z.string(),
    version: z.int(),
    member: memberSchema,
    clientRequestId: z.string(),
    principal: z.string(),
    principalKind: z.enum(['operator', 'client', 'member', 'system']),
    reason: z.string(),
    code: z.string().describe('of the error that the flow ended with; else empty'),
    before: valueSchema.optional(),
    after: valueSchema.optional(),
    previous: hash.describe('hash of the entry before it; zeros for the first'),
    hash,
  })
  .meta({ id: 'AuditEntry', description: 'One act on a flow' });

export const auditPageSchema = z
  .object({ entries: z.array(entrySchema), cursor: z.string().optional().describe('asks for the next page') })
  .meta({ id: 'AuditPage' });

const pointSchema = z.object({ number: countSchema, hash }).meta({ id: 'ChainPoint' });

export const chainSchema = z
  .object({
    chain: countSchema,
    anchor: pointSchema.describe('the last entry that has left; 0 when none has'),
    head: pointSchema.optional().describe('the newest entry, when the shard runs on the worker that is asked'),
  })
  .meta({ id: 'AuditChain' });

export function entryJson({ before, after, previous, hash: own, ...entry }: AuditEntry): Json<typeof entrySchema> {
  const { at, memberName, memberGroup, ...rest } = entry;
  return {
    ...rest,
    at: timeOf(at),
    member: memberJson({ name: memberName, group: memberGroup }),
    ...(before === null ? {} : { before: valueJson(before) }),
    ...(after === null ? {} : { after: valueJson(after) }),
    previous: hex(previous),
    hash: hex(own),
  };
}

export function chainJson({ chain, anchor, head }: AuditChain): Json<typeof chainSchema> {
  return { chain, anchor: pointJson(anchor), ...(head === undefined ? {} : { head: pointJson(head) }) };
}

function pointJson({ number, hash: at }: ChainPoint): Json<typeof pointSchema> {
  return { number, hash: hex(at) };
}

function valueJson({ hash: name, size, value }: AuditValue): Json<typeof valueSchema> {
  const named = { hash: hex(name), size };
  if (value.length === 0) return named;
  return { ...named, bytes: Buffer.from(value).toString('base64'), value: toJson(decodeValue(value)) };
}
