/** A count or position as a record's value: decimal text, so that any tool can read it. */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeCount(count: number): Uint8Array {
  return encoder.encode(String(count));
}

export function decodeCount(bytes: Uint8Array): number {
  return Number(decoder.decode(bytes));
}
