/** Bytes of the files below a directory. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const { name, parentPath } of await readdir(directory, { recursive: true, withFileTypes: true })) {
    // A file that has been taken away meanwhile counts for nothing.
    bytes += await stat(join(parentPath, name)).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
  }
  return bytes;
}
