/**
 * Avro schemas: their Parsing Canonical Form and the CRC-64-AVRO fingerprint by which a record names its writer's
 * schema (Avro specification, "Transforming into Parsing Canonical Form" and "Schema Fingerprints").
 * avsc has neither in this form.
 */

/** A schema as it is written in JSON. */
export type AvroSchema = string | readonly AvroSchema[] | AvroDefinition;

export interface AvroDefinition {
  readonly type: AvroSchema;
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly size?: number;
  readonly doc?: string;
  readonly aliases?: readonly string[];
  readonly default?: unknown;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  /** What readers take for a field that the writer did not have. A new field needs one, or older records are lost. */
  readonly default?: unknown;
  readonly doc?: string;
  readonly aliases?: readonly string[];
}

const primitives: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);

export function isPrimitive(name: string): boolean {
  return primitives.has(name);
}

/** The schema as text without what does not change the bytes; equal for schemas that write equal bytes. */
export function canonicalForm(schema: AvroSchema, namespace = ''): string {
  if (typeof schema === 'string') return JSON.stringify(isPrimitive(schema) ? schema : fullName(schema, namespace));
  if (isUnion(schema)) return `[${schema.map((branch) => canonicalForm(branch, namespace)).join(',')}]`;
  const { type } = schema;
  if (type === 'array') return `{"type":"array","items":${canonicalForm(part(schema.items), namespace)}}`;
  if (type === 'map') return `{"type":"map","values":${canonicalForm(part(schema.values), namespace)}}`;
  if (type !== 'record' && type !== 'enum' && type !== 'fixed') return canonicalForm(type, namespace);

  const name = fullName(part(schema.name), schema.namespace ?? namespace);
  const head = `{"name":${JSON.stringify(name)},"type":"${type}"`;
  if (type === 'enum') return `${head},"symbols":${JSON.stringify(part(schema.symbols))}}`;
  if (type === 'fixed') return `${head},"size":${part(schema.size)}}`;
  const fields = part(schema.fields).map(
    (field) => `{"name":${JSON.stringify(field.name)},"type":${canonicalForm(field.type, namespaceOf(name))}}`,
  );
  return `${head},"fields":[${fields.join(',')}]}`;
}

/** CRC-64-AVRO of the canonical form, as an unsigned number of 64 bits. */
export function fingerprint(schema: AvroSchema): bigint {
  let print = emptyFingerprint;
  for (const byte of Buffer.from(canonicalForm(schema), 'utf8')) {
    print = (print >> 8n) ^ (table[Number((print ^ BigInt(byte)) & 0xffn)] ?? 0n);
  }
  return print;
}

const emptyFingerprint = 0xc15d_213a_a4d7_a795n;

const table: readonly bigint[] = Array.from({ length: 256 }, (_, index) => {
  let print = BigInt(index);
  for (let bit = 0; bit < 8; bit += 1) print = (print >> 1n) ^ ((print & 1n) === 0n ? 0n : emptyFingerprint);
  return print;
});

/** A name with its namespace; one that has dots has its namespace already. */
export function fullName(name: string, namespace: string): string {
  return namespace === '' || name.includes('.') ? name : `${namespace}.${name}`;
}

export function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

export function isUnion(schema: AvroSchema): schema is readonly AvroSchema[] {
  return Array.isArray(schema);
}

/** A part that the specification demands of a definition. */
export function part<Part>(given: Part | undefined): Part {
  if (given === undefined) throw new Error('the schema lacks a name, fields, symbols, items, values or size');
  return given;
}
