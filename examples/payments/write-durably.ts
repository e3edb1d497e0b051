/** Writes a whole file or none: beside it first, on disk, then renamed. A killed process leaves the old one, or nothing. */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export function writeDurably(path: string, bytes: Uint8Array): void {
  const beside = `${path}.${process.pid}.tmp`;
  const file = openSync(beside, 'w');
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  syncFolder(dirname(path));
}

/** The rename is on disk only when the folder is. */
function syncFolder(path: string): void {
  // Windows cannot open a folder, and needs not.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
