/** Terms, as they are written. */
import type { Term } from '../../transport/log/index.ts';

export function termText({ incarnation, counter }: Term): string {
  return `${incarnation}.${counter}`;
}
