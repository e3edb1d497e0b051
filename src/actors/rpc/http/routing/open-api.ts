/** The document of the routes: OpenAPI 3.1, made from the same declarations as the routes themselves. */
import { z } from 'zod';
import { catalogue, type ErrorCode } from '../../../../errors/index.ts';
import { problemSchema } from '../problem.ts';
import { type Json, json, type Reply, type Route, route, type Tag } from './route.ts';

const tags: Readonly<Record<Tag, string>> = {
  flows: 'Starting, reading and steering flows',
  hospital: 'Flows that are STUCK: why, and what is done about many of them',
  audit: 'Who did what to which flow, and that nothing of it was changed',
  node: 'Health, figures and members of the node',
  workers: 'The workers of a node whose log is on Kafka',
  errors: 'What has gone wrong in any worker of the node',
  actors: 'Everything in a node is an actor with a path',
  faults: 'Failure injection, on a node that allows it',
};

const documentSchema = z.looseObject({
  openapi: z.literal('3.1.1'),
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
});
type Document = Json<typeof documentSchema>;

/** All routes together with the one that shows their document. */
export function documented(routes: readonly Route[], version: string): readonly Route[] {
  let made: Document | undefined;
  const all: readonly Route[] = [
    ...routes,
    route({
      method: 'GET',
      path: '/openapi.json',
      operation: 'getDocument',
      tag: 'node',
      summary: 'This document',
      replies: { 200: json('OpenAPI 3.1', documentSchema) },
      handle: () => {
        made ??= openApi(all, version);
        return { status: 200, body: made };
      },
    }),
  ];
  return all;
}

function openApi(routes: readonly Route[], version: string): Document {
  const schemas = new Map<string, unknown>();
  const paths = new Map<string, Record<string, unknown>>();
  const add = (path: string, method: Route['method'], operation: Record<string, unknown>): void => {
    const template = templateOf(path);
    paths.set(template, { ...paths.get(template), [method.toLowerCase()]: operation });
  };
  for (const one of routes) {
    const operation = operationOf(one, schemas);
    add(one.path, one.method, { operationId: one.operation, ...operation });
    if (one.alias !== undefined) add(one.alias, one.method, operation);
  }
  const description = 'What a node answers over HTTP; docs/http.md tells it in words.';
  return {
    openapi: '3.1.1',
    info: { title: 'Weir', version, description },
    tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

type Schemas = Map<string, unknown>;

function operationOf(
  { tag, summary, params, query, body, replies, errors }: Route,
  schemas: Schemas,
): Record<string, unknown> {
  return {
    tags: [tag],
    summary,
    parameters: [...parametersOf(params, 'path', schemas), ...parametersOf(query, 'query', schemas)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, schemas) } } } }),
    responses: responsesOf(replies, errors, schemas),
  };
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query', schemas: Schemas): Record<string, unknown>[] {
  const { properties = {}, required = [] } = schemaOf(schema, schemas);
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    ...{ name, in: place, required: required.includes(name) },
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function responsesOf(
  replies: Route['replies'],
  errors: readonly ErrorCode[],
  schemas: Schemas,
): Record<string, unknown> {
  const codes = Map.groupBy(errors, (code) => String(catalogue[code].status));
  const told = new Map(Object.entries(replies));
  const statuses = [...new Set([...told.keys(), ...codes.keys()])].sort();
  return Object.fromEntries(
    statuses.map((status) => [status, responseOf(told.get(status), codes.get(status) ?? [], schemas)]),
  );
}

/** A status may stand for a reply and for refusals: they differ in their type of content. */
function responseOf(reply: Reply | undefined, codes: readonly ErrorCode[], schemas: Schemas): Record<string, unknown> {
  const headers = reply !== undefined && 'headers' in reply ? reply.headers : undefined;
  return {
    description: [reply?.description, ...codes].filter((part) => part !== undefined).join(', or '),
    ...(headers === undefined ? {} : { headers: headersOf(headers) }),
    content: {
      ...(reply === undefined ? {} : contentOf(reply, schemas)),
      ...(codes.length === 0 ? {} : { 'application/problem+json': { schema: problemOf(codes, schemas) } }),
    },
  };
}

function contentOf(reply: Reply, schemas: Schemas): Record<string, unknown> {
  if ('contentType' in reply) return { [typeOf(reply.contentType)]: { schema: { type: 'string' } } };
  return { 'application/json': { schema: schemaOf(reply.schema, schemas) } };
}

function problemOf(codes: readonly ErrorCode[], schemas: Schemas): Record<string, unknown> {
  return { allOf: [schemaOf(problemSchema, schemas), { properties: { code: { enum: codes } } }] };
}

function headersOf(headers: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
}

interface Described {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
  readonly required?: readonly string[];
}

/** What clients send or read, never what the node makes of it; schemas with an id go to `schemas`. */
function schemaOf(schema: z.ZodType, schemas: Schemas): Described {
  const { $schema: _, $defs = {}, ...own } = z.toJSONSchema(schema, { io: 'input', override: plain });
  for (const [id, named] of Object.entries($defs)) if (!schemas.has(id)) schemas.set(id, referring(named));
  return referring(own);
}

/** Whole numbers that JSON cannot pass are a matter of course. */
function plain({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}

function referring(schema: unknown): Described {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/** `/flows/:flowId` is `/flows/{flowId}` here. */
function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

/** Without its parameters. */
function typeOf(contentType: string): string {
  return contentType.split(';')[0] ?? contentType;
}
