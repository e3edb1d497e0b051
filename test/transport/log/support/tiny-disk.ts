/** A real file system of 16 MB, for tests of a disk that is full. */
import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from './directory.ts';

export interface TinyDisk {
  /** A directory for data on it. */
  readonly data: string;
  /** Takes all room that is left. */
  fill(): Promise<void>;
  /** Gives that room back. */
  makeRoom(): Promise<void>;
  /** Makes the disk sixteen times as large. */
  grow(): void;
  remove(): Promise<void>;
}

/** Undefined where mounting is not permitted: a test must then say loudly that it was skipped. */
export async function tinyDisk(): Promise<TinyDisk | undefined> {
  const mountPoint = await temporaryDirectory();
  const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'pipe' });
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mountPoint.path);
  } catch (error) {
    await mountPoint.remove();
    console.warn(`A FULL DISK WAS NOT TESTED: a small file system cannot be mounted here (${String(error)})`);
    return undefined;
  }
  const filler = join(mountPoint.path, 'filler');
  return {
    data: join(mountPoint.path, 'data'),
    fill: () => takeAll(filler),
    makeRoom: () => rm(filler),
    grow: () => run('mount', '-o', 'remount,size=256m', mountPoint.path),
    async remove() {
      run('umount', '-l', mountPoint.path);
      await mountPoint.remove();
    },
  };
}

async function takeAll(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let bytes = 1_048_576; bytes >= 4_096; ) {
      const { bytesWritten } = await file.write(Buffer.alloc(bytes)).catch(() => ({ bytesWritten: 0 }));
      if (bytesWritten < bytes) bytes >>= 1;
    }
  } finally {
    await file.close();
  }
}
