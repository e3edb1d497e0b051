/**
 * A file that holds disk space back, so that a full disk leaves room to reopen the store and finish what was begun.
 * Owns the file only; when to free it and to fill it again is the group writer's.
 */
import { open, rm, stat } from 'node:fs/promises';

const zeros = Buffer.alloc(1_048_576);

export class Reserve {
  readonly #path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Writes what is missing. Rejects with `ENOSPC` when there is no room, and leaves nothing half filled. */
  async fill(): Promise<void> {
    const present = await stat(this.#path).then(
      ({ size }) => size,
      () => 0,
    );
    if (present >= this.#bytes) return;
    const file = await open(this.#path, 'w');
    try {
      for (let left = this.#bytes; left > 0; left -= zeros.length) {
        await file.writeFile(left < zeros.length ? zeros.subarray(0, left) : zeros);
      }
      await file.sync();
    } catch (error) {
      await file.truncate(0);
      throw error;
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
