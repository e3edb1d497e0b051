/** An input that a flow takes, made from its schema, so that a hint can be run as it is printed. */
import { z } from 'zod';

type JsonSchema = z.core.JSONSchema._JSONSchema;

/** Stands for a value that cannot be made up. */
class Unknown extends Error {}

const formats: ReadonlyMap<string, string> = new Map([
  ['date', '2026-01-31'],
  ['date-time', '2026-01-31T12:00:00Z'],
  ['email', 'ada@example.org'],
  ['uri', 'https://example.org/'],
  ['uuid', '5d4fe38a-3693-4c18-805f-43a7f0f1e2d3'],
]);

/** JSON of an input that fits; undefined when none can be made up. */
export function sampleInput(schema: z.ZodType): string | undefined {
  try {
    const sample = sampleOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
    return schema.safeParse(sample).success ? JSON.stringify(sample) : undefined;
  } catch {
    // A schema that JSON cannot describe, or one that fails: there is simply no sample.
    return undefined;
  }
}

function sampleOf(schema: JsonSchema): unknown {
  if (typeof schema === 'boolean') throw new Unknown();
  if (schema.default !== undefined) return schema.default;
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [either] = schema.anyOf ?? schema.oneOf ?? [];
  if (either !== undefined) return sampleOf(either);
  const ready = formats.get(schema.format ?? '');
  if (ready !== undefined) return ready;
  if (schema.allOf !== undefined || schema.$ref !== undefined || schema.pattern !== undefined) throw new Unknown();
  switch (schema.type) {
    case 'string':
      return textOf(schema.minLength ?? 0);
    case 'number':
    case 'integer':
      return Math.max(1, Number(schema.minimum ?? 1), Number(schema.exclusiveMinimum ?? 0) + 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(itemOf(schema)));
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((key) => [key, sampleOf(schema.properties?.[key] ?? true)] as const),
      );
    default:
      // Whatever JSON has no word for: a coerced bigint, a coerced date.
      return 1;
  }
}

function itemOf({ items }: Exclude<JsonSchema, boolean>): JsonSchema {
  return items === undefined || Array.isArray(items) ? true : items;
}

function textOf(length: number): string {
  return 'text'.padEnd(length, '.');
}
