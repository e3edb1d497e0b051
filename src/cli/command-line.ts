/** How this command can be called again: the way in which it was called now. */

/** `weir`, or what npm was asked for: within a project there is no `weir` on the path. */
export function commandName(environment: Readonly<Record<string, string | undefined>>): string {
  const script = environment.npm_lifecycle_event;
  if (environment.npm_execpath === undefined || script === undefined) return 'weir';
  return script === 'weir' ? 'npm run weir --' : 'npx weir';
}

/** One word of a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
