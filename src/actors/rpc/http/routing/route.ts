/**
 * What a route is: one declaration, from which both the route of the server (`mount.ts`) and its part of
 * `/openapi.json` (`open-api.ts`) are made, so that the two cannot part.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { ErrorCode } from '../../../../errors/index.ts';
import { noQuery, parsed } from '../requests.ts';

/** Under it is everything but probes, pages for errors and the document of the routes. */
export const apiRoot = '/api/v1';

/** Headings of the document. */
export type Tag = 'flows' | 'hospital' | 'audit' | 'node' | 'workers' | 'errors' | 'actors' | 'faults';

export interface JsonReply<Schema extends z.ZodType = z.ZodType> {
  readonly description: string;
  readonly schema: Schema;
  /** Names of headers that the reply carries, and what they say. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface TextReply {
  readonly description: string;
  readonly contentType: string;
}

export type Reply = JsonReply | TextReply;

/** A reply in JSON. */
export function json<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  headers?: Readonly<Record<string, string>>,
): JsonReply<Schema> {
  return { description, schema, headers };
}

/** A reply that is text of another type, at once or as a stream. */
export function text(description: string, contentType: string): TextReply {
  return { description, contentType };
}

/** What a reply of this schema may be made of: whoever answers need not copy what it may not change. */
type Told<Value> = unknown extends Value
  ? unknown
  : Value extends readonly (infer Item)[]
    ? readonly Told<Item>[]
    : Value extends object
      ? { readonly [Key in keyof Value]: Told<Value[Key]> }
      : Value;

/** The JSON that a schema describes, as views give it. */
export type Json<Schema extends z.ZodType> = Told<z.input<Schema>>;

type BodyOf<One> = One extends JsonReply<infer Schema> ? Json<Schema> : string | Readable;

export type Replies = Readonly<Record<number, Reply>>;

/** One of the replies that were declared: its status, and what its schema describes. */
export type Answer<All extends Replies = Replies> = {
  [Status in keyof All & number]: {
    readonly status: Status;
    readonly body: BodyOf<All[Status]>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof All & number];

/** A request of which every part is as it was declared. */
export interface RouteRequest<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  readonly params: z.output<Params>;
  readonly query: z.output<Query>;
  readonly body: z.output<Body>;
  readonly headers: IncomingHttpHeaders;
}

/** For queries of probes, which add what they like. */
export const anything = z.looseObject({});

export interface Declaration<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  All extends Replies,
> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** The whole path, parameters with a colon: `${apiRoot}/flows/:flowId`. */
  readonly path: string;
  /** The same at another path. */
  readonly alias?: string;
  /** Its name for programs that are generated from the document: `startFlow`. One of its own for each route. */
  readonly operation: string;
  readonly tag: Tag;
  /** What it does, in one sentence. */
  readonly summary: string;
  /** Parameters of the path, by the names that stand in it. */
  readonly params?: Params;
  /** Default: there are none, and any is refused. */
  readonly query?: Query;
  /** Default: no body is looked at. */
  readonly body?: Body;
  readonly replies: All;
  /** Codes that it refuses with, beside those that every route of its kind has. */
  readonly errors?: readonly ErrorCode[];
  readonly handle: (request: RouteRequest<Params, Query, Body>) => Answer<NoInfer<All>> | Promise<Answer<NoInfer<All>>>;
}

/** A request as it came. */
export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly alias: string | undefined;
  readonly operation: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject | undefined;
  readonly replies: Replies;
  /** All of them. */
  readonly errors: readonly ErrorCode[];
  /** @throws WeirError `WEIR_REQUEST_INVALID`, and what the route refuses with */
  readonly answer: (request: RawRequest) => Answer | Promise<Answer>;
}

/** Codes of whatever goes through the RPC service. */
export const rpcErrors: readonly ErrorCode[] = [
  'WEIR_NODE_STOPPED',
  'WEIR_ASK_TIMEOUT',
  'WEIR_MAILBOX_FULL',
  'WEIR_ACTOR_DEAD',
  'WEIR_FORBIDDEN',
];

/**
 * Declares a route. To add one: write it here-style in the `*-routes.ts` of its area, with the schema of what it
 * answers beside the function that makes it (`*-views.ts`), and return it from that file's list; the server and the
 * document take it from there.
 *
 * ```ts
 * route({
 *   method: 'GET',
 *   path: `${apiRoot}/flows/:flowId`,
 *   operation: 'getFlow',
 *   tag: 'flows',
 *   summary: 'A flow by its id',
 *   params: flowPath,                                  // zod object; the names that stand in the path
 *   replies: { 200: json('the flow', flowSchema) },    // every status but refusals, each with its schema
 *   errors: [...rpcErrors, 'WEIR_FLOW_NOT_FOUND'],     // refusals: throw a WeirError of one of these
 *   handle: async ({ params }) => ({ status: 200, body: flowJson(await edge.get(params)) }),
 * })
 * ```
 * Query and body are refused (400) before `handle` is called when they do not fit, and what is not declared is not
 * there. Schemas with `.meta({ id })` become named schemas of the document. The tests look at each answer of each
 * route that they ask, and fail for a status, a code or a field that is not in the document.
 */
export function route<
  const All extends Replies,
  Params extends z.ZodObject = typeof noQuery,
  Query extends z.ZodObject = typeof noQuery,
  Body extends z.ZodObject = typeof noQuery,
>(declaration: Declaration<Params, Query, Body, All>): Route;
export function route({
  handle,
  params = noQuery,
  query = noQuery,
  body,
  errors = [],
  alias,
  ...rest
}: Declaration<z.ZodObject, z.ZodObject, z.ZodObject, Replies>): Route {
  return {
    ...rest,
    ...{ alias, params, query, body },
    errors: [...new Set([...usualErrors(rest.method, body !== undefined), ...errors])],
    answer: (request) =>
      handle({
        params: parsed(params, request.params),
        query: parsed(query, request.query),
        body: body === undefined ? {} : parsed(body, request.body),
        headers: request.headers,
      }),
  };
}

/** What any request of this kind may be refused with, before its route is asked or by what is under it. */
function usualErrors(method: Route['method'], hasBody: boolean): ErrorCode[] {
  return [
    'WEIR_REQUEST_INVALID',
    'WEIR_HTTP_MALFORMED',
    'WEIR_HTTP_HOST',
    'WEIR_NODE_NOT_READY',
    'WEIR_INTERNAL',
    ...(method === 'GET' ? [] : (['WEIR_HTTP_ORIGIN', 'WEIR_HTTP_MEDIA_TYPE', 'WEIR_HTTP_TOO_LARGE'] as const)),
    ...(hasBody ? (['WEIR_HTTP_MEDIA_TYPE', 'WEIR_HTTP_TOO_LARGE'] as const) : []),
  ];
}
