/** Temporary data directories, and embedded logs in them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '../../../../src/ports/index.ts';
import { type EmbeddedLogSettings, type Log, openEmbeddedLog } from '../../../../src/transport/log/index.ts';

export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'weir-log-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export function openLog(directory: string, settings: Partial<EmbeddedLogSettings> = {}): Promise<Log> {
  return openEmbeddedLog({ directory, clock: systemClock(), logger: silentLogger, reserveBytes: 0, ...settings });
}
