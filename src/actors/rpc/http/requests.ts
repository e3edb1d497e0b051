/** What clients may ask: bodies and queries, checked before anything is done. */
import { z } from 'zod';
import { messageOf, WeirError } from '../../../errors/index.ts';
import { flowStatuses } from '../../../persistence/index.ts';
import { toMs } from '../../../ports/index.ts';

const longestWaitMs = 5 * 60_000;

const wait = z
  .string()
  .transform((text, issues) => {
    try {
      return toMs(text);
    } catch (thrown) {
      issues.addIssue({ code: 'custom', message: messageOf(thrown) });
      return z.NEVER;
    }
  })
  .refine((ms) => ms <= longestWaitMs, 'the longest wait is 5 min')
  .default(0);

const group = z.string().min(1).optional();

const limit = z
  .string()
  .regex(/^\d{1,6}$/, 'must be a whole number')
  .transform(Number)
  .refine((count) => count >= 1 && count <= 1_000, 'must be from 1 to 1000')
  .optional();

const status = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(flowStatuses))
  .optional();

export const startBody = z.strictObject({
  clientRequestId: z.string(),
  flow: z.string(),
  // A flow whose input may be nothing needs none.
  input: z.unknown().optional(),
});

const reason = z.string().trim().min(1, 'say why').max(500);
export const reasonBody = z.strictObject({ reason });
/** With `state` the stage begins anew with it. */
export const retryBody = z.strictObject({ reason, state: z.unknown().optional() });
/** `result` is what the skipped operation counts as having given; none is nothing. */
export const skipBody = z.strictObject({ reason, result: z.unknown().optional() });

export const groupQuery = z.strictObject({ group });
export const waitQuery = z.strictObject({ wait });
export const startQuery = z.strictObject({ group, wait });
export const noQuery = z.strictObject({});
export const listQuery = z.strictObject({
  status,
  flow: z.string().optional(),
  limit,
  cursor: z.string().optional(),
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
