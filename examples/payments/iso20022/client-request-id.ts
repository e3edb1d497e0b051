/**
 * The client request id of a transaction: its message id, its transaction id and its index, so that the same file sent
 * again asks for nothing new. Owns the encoding: URL-safe, at most 200 characters, and no two triples share one.
 */
import { createHash } from 'node:crypto';

const maxLength = 200;

/** `MSG-1.TX-1.0`; a character outside `A-Za-z0-9_-` is written as `~` and the hexadecimal digits of its UTF-8 bytes. */
export function clientRequestIdOf(messageId: string, transactionId: string, index: number): string {
  const id = `${urlSafe(messageId)}.${urlSafe(transactionId)}.${index}`;
  if (id.length <= maxLength) return id;
  // "~h" cannot begin an escaped id, as "h" is no hexadecimal digit: short and long ids never meet.
  return `~h${createHash('sha256').update(id).digest('hex')}.${index}`;
}

function urlSafe(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `~${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}
