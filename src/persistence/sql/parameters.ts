/** Parameters as texts that PostgreSQL reads. One form for all drivers, so that a value arrives the same through each. */
import { messageOf, WeirError } from '../../errors/index.ts';
import type { SqlParameter } from './port.ts';

/** @throws WeirError `WEIR_SQL_PARAMETER` */
export function encodeParameters(parameters: readonly SqlParameter[]): Array<string | null> {
  return parameters.map((parameter, index) => {
    try {
      return encode(parameter);
    } catch (error) {
      throw new WeirError('WEIR_SQL_PARAMETER', { position: index + 1, why: messageOf(error) });
    }
  });
}

function encode(value: SqlParameter): string | null {
  if (value === null) return null;
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      if (value instanceof Uint8Array)
        return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
      if (value instanceof Date) return date(value);
      if (isArray(value)) return array(value);
      if ('json' in value) return json(value.json);
      throw new TypeError('it is an object; json is given as { json: value }');
    default:
      // A missing value is a mistake more often than a wish for null.
      throw new TypeError(`it is ${typeof value}`);
  }
}

function text(value: string): string {
  if (value.includes('\0')) throw new TypeError('it contains a zero character, which PostgreSQL keeps in no text');
  if (!value.isWellFormed()) throw new TypeError('it contains half a character, which is no UTF-8');
  return value;
}

function date(value: Date): string {
  const year = value.getUTCFullYear();
  if (Number.isNaN(year)) throw new TypeError('it is an invalid date');
  if (year < 1 || year > 9999) throw new TypeError('it is a date before the year 1 or after 9999: give it as text');
  return value.toISOString();
}

function json(value: unknown): string {
  const written = JSON.stringify(value);
  if (written === undefined) throw new TypeError(`its json is ${typeof value}`);
  return written;
}

function array(values: readonly SqlParameter[]): string {
  const items = values.map((value) => {
    if (isArray(value)) return array(value);
    const encoded = encode(value);
    return encoded === null ? 'NULL' : `"${encoded.replaceAll(/["\\]/g, '\\$&')}"`;
  });
  return `{${items.join(',')}}`;
}

/** `Array.isArray` does not know read-only arrays. */
function isArray(value: SqlParameter): value is readonly SqlParameter[] {
  return Array.isArray(value);
}
