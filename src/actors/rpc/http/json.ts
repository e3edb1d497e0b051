/**
 * How values look in JSON at the edge. Flows keep more kinds of values than JSON has; this is the one mapping, from
 * values to JSON only: inputs are plain JSON, and the flow's own schema makes of them what it needs.
 *
 * bigint: decimal text · Date: ISO 8601 text (null if it is no date) · Uint8Array: base64 text · Map: array of
 * [key, value] · Set: array · undefined: left out of objects, null in arrays · NaN and infinities: null.
 */

/** The value with everything in it as JSON has it; what is JSON already is given back as it is. */
export function toJson(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'object':
      return value === null ? null : objectToJson(value);
    default:
      return value;
  }
}

function objectToJson(value: object): unknown {
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  if (value instanceof Map) return [...value].map((entry) => entry.map(toJson));
  if (value instanceof Set) return [...value].map(toJson);
  // A key may be "__proto__"; this way it stays a plain key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}
