/** What may be shown of a message to somebody who looks on: its type tag, never its contents. */

/** Tags are written by programmers and short; what is longer is no tag. */
const longest = 80;

export function kindOf(message: unknown): string {
  if (typeof message === 'object' && message !== null && 'type' in message && typeof message.type === 'string') {
    return message.type.slice(0, longest);
  }
  return message === null ? 'null' : typeof message;
}
