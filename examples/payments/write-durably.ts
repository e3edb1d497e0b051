/** Writes a whole file or none: beside it first, on disk, then renamed. A killed process leaves the old one, or nothing. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PaymentsError } from './errors.ts';

/** @throws PaymentsError `PAYMENTS_WRITE_FAILED` */
export function writeDurably(path: string, bytes: Uint8Array): void {
  try {
    write(path, bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PaymentsError('PAYMENTS_WRITE_FAILED', `${path} cannot be written: ${why}`, cause);
  }
}

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  // Hidden, so that what a killed process leaves behind is taken for nothing else.
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
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
