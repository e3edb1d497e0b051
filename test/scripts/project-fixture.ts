/** Small projects in a temporary directory, for tests of the checks that run over the real one. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export const projectRoot = join(import.meta.dirname, '..', '..');

/** Files by path; `copied` are taken over from the real project. Removed after the test. */
export function projectWith(files: Readonly<Record<string, string>>, copied: readonly string[] = []): string {
  const root = mkdtempSync(join(tmpdir(), 'weir-project-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const path of copied) cpSync(join(projectRoot, path), join(root, path), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
