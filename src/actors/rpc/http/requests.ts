/** What clients may ask: bodies and queries, checked before anything is done. */
import { z } from 'zod';
import { messageOf, WeirError } from '../../../errors/index.ts';
import { flowStatuses } from '../../../persistence/index.ts';
import { toMs } from '../../../ports/index.ts';

const longestWaitMs = 5 * 60_000;

const time = z
  .string()
  .transform((text, issues) => {
    try {
      return toMs(text);
    } catch (thrown) {
      issues.addIssue({ code: 'custom', message: messageOf(thrown) });
      return z.NEVER;
    }
  })
  .refine((ms) => ms <= longestWaitMs, 'the longest wait is 5 min');
const wait = time.prefault('0s').meta({ description: 'how long to wait, at most 5 min', examples: ['30s'] });

const group = z.string().min(1).optional().describe('membership group of the member; default: `default`');

/** A member by its name in a group, or by its short id. */
export const memberPath = z.object({ member: z.string().describe('name of the member, or its short id') });

const number = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);
const count = number.refine((value) => value >= 1 && value <= 1_000, 'must be from 1 to 1000');
const limit = count.optional();

const status = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(flowStatuses))
  .optional()
  .describe(`one of ${flowStatuses.join(', ')}, in any case`);

export const startBody = z.strictObject({
  clientRequestId: z.string(),
  flow: z.string(),
  // A flow whose input may be nothing needs none.
  input: z.unknown().optional(),
});

const reason = z.string().trim().min(1, 'say why').max(500);
export const reasonBody = z.strictObject({ reason });
export const moveBody = z.strictObject({ worker: z.string().min(1), reason });
/** With `state` the stage begins anew with it. */
export const retryBody = z.strictObject({ reason, state: z.unknown().optional() });
/** `result` is what the skipped operation counts as having given; none is nothing. */
export const skipBody = z.strictObject({ reason, result: z.unknown().optional() });

/** The same id and body are the same signal. */
export const signalBody = z.strictObject({ signalId: z.string(), body: z.unknown().optional() });
export const queryBody = z.strictObject({ input: z.unknown().optional() });

const actorPath = z.string().startsWith('/', 'is a path such as /services/rpc').max(4_000);

export const steerBody = z.strictObject({ path: actorPath, reason });
/** A fault as an object or as text; the desk says what is wrong with it. */
export const chaosBody = z.strictObject({
  fault: z.unknown().refine((fault) => fault !== undefined, 'name a fault'),
  reason,
});
export const clearQuery = z.strictObject({ id: number.optional(), reason });
export const treeQuery = z.strictObject({ path: actorPath.optional(), depth: count.prefault('1000') });
export const eventsQuery = z.strictObject({ since: number.prefault('0'), wait });
/** A time, or how long ago: what it stands for depends on when it is asked. */
const moment = z.string().transform((text, issues) => {
  const at = Date.parse(text);
  if (!Number.isNaN(at) && /^\d{4}-/.test(text)) return (): number => at;
  try {
    const ago = toMs(text);
    return (now: number): number => now - ago;
  } catch {
    issues.addIssue({ code: 'custom', message: 'must be a time (2026-11-23T08:00:00Z) or how long ago (1h)' });
    return z.NEVER;
  }
});
const filter = z.string().min(1).optional();
/** With `after` what came since, oldest first; without it the newest, a page at a time. */
export const errorsQuery = z
  .strictObject({
    ...{ worker: filter, service: filter, code: filter, since: moment.optional().describe('a time, or how long ago') },
    ...{
      limit: count.prefault('100'),
      cursor: number.optional(),
      after: number.optional().describe('position in the stream'),
      wait,
    },
  })
  .refine(({ cursor, after }) => cursor === undefined || after === undefined, 'cursor and after exclude each other');
export const traceQuery = z.strictObject({
  path: actorPath,
  for: time.prefault('10s'),
  limit: count.prefault('100'),
  every: number.refine((value) => value >= 1, 'must be at least 1').prefault('1'),
});

export const noQuery = z.strictObject({});
export const groupQuery = z.strictObject({ group });
export const waitQuery = z.strictObject({ wait });
export const startQuery = z.strictObject({ group, wait });
export const listQuery = z.strictObject({
  status,
  flow: z.string().optional(),
  limit,
  cursor: z.string().optional(),
});
const cursor = z.string().max(14_000).optional();

const stuckFilter = {
  member: z.string().optional().describe('name of the member, or its short id'),
  group,
  flow: z.string().optional(),
  stage: z.string().optional(),
  code: z.string().optional().describe('of the error that made them STUCK'),
};
export const hospitalQuery = z.strictObject({ ...stuckFilter, limit, cursor });

const bulk = z.strictObject({
  reason,
  ...stuckFilter,
  flowIds: z.array(z.string()).min(1).max(1_000).optional(),
  all: z.literal(true).optional().describe('whatever is STUCK, where no filter says less'),
  limit: z.int().min(1).max(1_000).optional(),
  cursor,
  dryRun: z.boolean().default(false).describe('only says for which flows it would be'),
});
const chooses = (body: Partial<Record<keyof typeof stuckFilter | 'flowIds' | 'all', unknown>>): boolean =>
  [body.member, body.flow, body.stage, body.code, body.flowIds, body.all].some((chosen) => chosen !== undefined);
const sayWhich = 'say which flows: member, flow, stage, code or flowIds, or all: true';
export const bulkBody = bulk.refine(chooses, sayWhich);
/** `result` is what each skipped operation counts as having given; none is nothing. */
export const bulkSkipBody = bulk.extend({ result: z.unknown().optional() }).refine(chooses, sayWhich);

export const chainQuery = z.strictObject({ limit, cursor });
export const auditQuery = chainQuery.extend({
  flowId: z.string().optional(),
  member: z.string().optional().describe('name of the member, or its short id'),
  group,
  flow: z.string().optional(),
  principal: z.string().optional().describe('name of whoever did it'),
  act: z.string().optional().describe('start, retry, retry with another state, skip, kill, end, ...'),
  since: moment.optional().describe('a time, or how long ago'),
  until: moment.optional().describe('a time, or how long ago'),
});
export const memberListQuery = listQuery.extend({ group });

/** @throws WeirError `WEIR_REQUEST_INVALID` with the path of every mistake */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const why = outcome.error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
  throw new WeirError('WEIR_REQUEST_INVALID', { why });
}
