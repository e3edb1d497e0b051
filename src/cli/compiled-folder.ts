/** Where compiled code is kept from one `weir` to the next: in the cache of this user, for what lies there is run. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** In `XDG_CACHE_HOME`, default `~/.cache`. A folder that cannot be written is as good as none: nothing is kept. */
export function compiledFolder(): string {
  const { XDG_CACHE_HOME = '' } = process.env;
  return join(XDG_CACHE_HOME === '' ? join(homedir(), '.cache') : XDG_CACHE_HOME, 'weir', 'compiled');
}
