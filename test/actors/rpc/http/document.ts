/**
 * Holds what a node answers to what its `/openapi.json` says: status, type of content, codes of refusals, and every
 * field, those that the document does not know included. Every test that asks a node over HTTP looks through this.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { z } from 'zod';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers as a client does, without a schema
  readonly body: any;
}

const operation = z.looseObject({
  operationId: z.string().optional(),
  responses: z.record(
    z.string(),
    z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.record(z.string(), z.unknown()) })) }),
  ),
});
const documentForm = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

export interface ApiDocument {
  /** `GET /api/v1/flows/{flowId}` of each operation. */
  readonly operations: readonly string[];
  /** @throws Error when the document does not say that this request may be answered so */
  check(method: string, path: string, answer: Answer): void;
  /** @throws Error when it is not what the schema of this name says */
  checkNamed(schema: string, value: unknown): void;
}

/** Documents of equal text are one: a validator costs more than a request. */
const known = new Map<string, ApiDocument>();

export function apiDocument(text: string): ApiDocument {
  const document = known.get(text) ?? read(text);
  known.set(text, document);
  return document;
}

function read(text: string): ApiDocument {
  const { paths, components } = documentForm.parse(JSON.parse(text));
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', components: strict(components) });
  const validators = new Map<string, ValidateFunction>();
  const templates = Object.keys(paths)
    .map((template) => ({ template, form: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`) }))
    // A path with fewer parameters is meant rather than one with more.
    .sort((a, b) => a.template.split('{').length - b.template.split('{').length);

  return {
    operations: Object.entries(paths).flatMap(([template, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${template}`),
    ),
    check(method, path, { status, headers, body, text: told }) {
      const [bare = ''] = path.split('?');
      const template = templates.find(({ form }) => form.test(bare))?.template;
      const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
      const responses = template === undefined ? undefined : paths[template]?.[verb]?.responses;
      // Nothing is there: that is refused before any route is asked.
      if (template === undefined || responses === undefined || told === '') return;
      const where = `${method} ${template} answers ${status}`;
      const type = String(headers['content-type']).split(';')[0] ?? '';
      const schema = responses[status]?.content[type]?.schema;
      if (schema === undefined) throw new Error(`${where} ${type}: not in the document\n${told}`);
      if (!type.endsWith('json')) return;
      const name = `${verb} ${template} ${status} ${type}`;
      const validate = validators.get(name) ?? ajv.compile(referring(strict(schema)));
      validators.set(name, validate);
      if (!validate(body)) throw new Error(`${where}: ${ajv.errorsText(validate.errors)}\n${told}`);
    },
    checkNamed(schema, value) {
      const validate = validators.get(schema) ?? ajv.compile({ $ref: `document#/components/schemas/${schema}` });
      validators.set(schema, validate);
      if (validate(value)) return;
      throw new Error(`${schema}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);
    },
  };
}

/** Objects have no other properties than those that are said. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const closed = 'type' in schema && schema.type === 'object' && !('additionalProperties' in schema);
  return {
    ...Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)])),
    ...(closed ? { unevaluatedProperties: false } : {}),
  };
}

function referring(schema: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'));
}
