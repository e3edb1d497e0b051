/** A count or position as a record's value: decimal text, so that any tool can read it. */
const decoder = new TextDecoder();
const zero = 0x30;

export function encodeCount(count: number): Uint8Array {
  const text = String(count);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Counts side by side, in a fixed order. */
export function encodeCounts(counts: readonly number[]): Uint8Array {
  return new TextEncoder().encode(counts.join(' '));
}

export function decodeCounts(bytes: Uint8Array): number[] {
  return decoder.decode(bytes).split(' ').map(Number);
}

export function decodeCount(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) {
    const digit = byte - zero;
    // What is no plain number is read as JavaScript reads it.
    if (digit < 0 || digit > 9) return Number(decoder.decode(bytes));
    count = count * 10 + digit;
  }
  return count;
}
