/**
 * Writes docs/errors.md from the catalogue of errors; a test compares the two.
 *
 * Usage: node scripts/errors-doc.ts
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { catalogue } from '../src/errors/index.ts';

export const errorsFile = 'docs/errors.md';

const head = `# Errors

Every refusal has a stable code. Programs see it as \`error.code\`, over HTTP in the problem that answers (\`code\`, with
the status below), on the command line behind the sentence, in brackets. Words in braces are filled in where it happens.
\`retryable\` means that the same request may succeed later without a change; over HTTP such a refusal carries
\`Retry-After\` when its status is 429 or 503.

This page is made from the catalogue (\`src/errors/catalogue/\`) by \`node scripts/errors-doc.ts\`. A node serves each
entry, too: \`GET /errors/WEIR_FLOW_CONFLICT\`.
`;

/** The whole document. */
export function errorsDocument(): string {
  const entries = Object.entries(catalogue).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = entries.map(([code, { message, remedy, status, retryable }]) =>
    [
      `## ${code}`,
      '',
      `HTTP ${status}${retryable === true ? ', retryable' : ''}.`,
      '',
      `- What it says: ${text(message)}`,
      `- What to do: ${text(remedy)}`,
      '',
    ].join('\n'),
  );
  return [head, ...sections].join('\n');
}

/** Braces as code, so that no reader of Markdown takes them for anything else; what may be absent is left out. */
function text(template: string): string {
  return template.replace(/\{\w+\?\}/g, '').replace(/\{\w+\}/g, (name) => `\`${name}\``);
}

if (import.meta.main) {
  writeFileSync(join(dirname(import.meta.filename), '..', errorsFile), errorsDocument());
  process.stdout.write(`Wrote ${errorsFile}.\n`);
}
