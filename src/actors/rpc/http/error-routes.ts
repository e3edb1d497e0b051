/** The errors of all workers of the node, as one list and as one stream. */
import { z } from 'zod';
import type { Edge } from './edge.ts';
import { errorsQuery } from './requests.ts';
import { apiRoot, type Json, json, type Route, route } from './routing/route.ts';
import { countSchema, timeOf, timeSchema } from './views.ts';

/** `warning`: somebody has coped with it, such as a supervisor that restarts what failed. */
export type ErrorSeverity = 'error' | 'warning';

/** Something that went wrong in a worker, for people. Times are milliseconds since 1970. */
export interface ReportedError {
  /** The same for a record that was written twice. */
  readonly id: string;
  readonly worker: string;
  readonly service: string;
  readonly severity: ErrorSeverity;
  readonly code: string;
  readonly message: string;
  /** Innermost last. */
  readonly causes: readonly string[];
  readonly remedy: string;
  /** Path of the actor that it happened in. */
  readonly actor?: string | undefined;
  readonly flowId?: string | undefined;
  readonly flow?: string | undefined;
  readonly member?: string | undefined;
  readonly clientRequestId?: string | undefined;
  /** More facts, without secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** How often it has happened from `since` to `at`. */
  readonly count: number;
  readonly since: number;
  readonly at: number;
}

export interface KeptError extends ReportedError {
  /** Its place in the stream: the same at every worker, and growing. */
  readonly position: number;
}

export interface ErrorQuery {
  readonly worker?: string | undefined;
  readonly service?: string | undefined;
  readonly code?: string | undefined;
  /** Errors that happened at that time or later, in milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly limit: number;
}

export interface ErrorPage {
  readonly errors: readonly KeptError[];
  /** What to ask for what comes after this. */
  readonly next: number;
  /** Where the next page begins; undefined after the last one. */
  readonly cursor: number | undefined;
}

/** The errors as this worker has heard of them. */
export interface ErrorDesk {
  /** Newest first, those before position `before`. */
  page(query: ErrorQuery & { readonly before?: number | undefined }): ErrorPage;
  /** Those after a position, oldest first. */
  after(position: number, query: ErrorQuery): ErrorPage;
  /** Told when there is something new; gives how to end that. */
  listen(listener: () => void): () => void;
}

const named = z.string().optional();
const errorSchema = z
  .object({
    position: countSchema.describe('its place in the stream, the same at every worker'),
    id: z.string().describe('the same for a record that was written twice'),
    ...{ worker: z.string(), service: z.string() },
    severity: z.enum(['error', 'warning']).describe('warning: somebody has coped with it'),
    ...{ code: z.string(), message: z.string(), causes: z.array(z.string()).describe('innermost last') },
    remedy: z.string(),
    ...{ actor: named, flowId: named, flow: named, member: named, clientRequestId: named },
    details: z.record(z.string(), z.unknown()).optional(),
    count: countSchema.describe('how often it has happened from `since` to `at`'),
    ...{ since: timeSchema, at: timeSchema },
  })
  .meta({ id: 'ReportedError' });

const pageSchema = z.object({
  errors: z.array(errorSchema),
  next: countSchema.describe('to be asked for what comes after this, as `after`'),
  cursor: countSchema.optional().describe('for the next page; not there after the last one'),
});

/** @param now wall clock, in milliseconds since 1970 */
export function errorRoutes(edge: Edge, desk: ErrorDesk, now: () => number): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: `${apiRoot}/errors`,
      operation: 'listErrors',
      tag: 'errors',
      summary: 'What has gone wrong in any worker: the newest first, or with `after` what came since, oldest first',
      query: errorsQuery,
      replies: { 200: json('a page of errors', pageSchema) },
      errors: ['WEIR_FORBIDDEN', 'WEIR_WAITING_FULL'],
      handle: async ({ query: { after, cursor, wait, since, ...filter } }) => {
        edge.checkRead();
        const query = { ...filter, since: since?.(now()) };
        if (after === undefined) return { status: 200, body: pageJson(desk.page({ ...query, before: cursor })) };
        // Others than the wanted ones wake it up, too: then it answers that there is nothing, and where it is.
        if (desk.after(after, query).errors.length === 0) await edge.pause(wait, (wake) => desk.listen(wake));
        return { status: 200, body: pageJson(desk.after(after, query)) };
      },
    }),
  ];
}

function pageJson({ errors, next, cursor }: ErrorPage): Json<typeof pageSchema> {
  return { errors: errors.map(errorJson), next, ...(cursor === undefined ? {} : { cursor }) };
}

function errorJson({ since, at, ...error }: KeptError): Json<typeof errorSchema> {
  return { ...error, since: timeOf(since), at: timeOf(at) };
}
