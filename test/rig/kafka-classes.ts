/**
 * The classes of Kafka as the JVM keeps them in memory, in a file beside the jars: made once a machine, by a broker of its
 * own that starts and stops. A JVM that is given it takes little more than half the processor time to start; one of
 * another version takes no notice of it.
 */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const name = 'classes.jsa';
/** Making one takes seconds; who has not ended by then was killed. */
const staleMs = 600_000;

/** What a JVM is told so that it takes the classes from there, once they are there; nothing otherwise. */
export function keptClasses(home: string): string[] {
  const file = join(home, name);
  // It would tell of a file that it cannot use where the answers of tools are read.
  return existsSync(file) ? [`-XX:SharedArchiveFile=${file}`, '-Xlog:disable'] : [];
}

/** Has them made unless they are there, somebody makes them, or they cannot be kept there; `broker` starts and stops one. */
export async function keepClasses(home: string, broker: (jvm: readonly string[]) => Promise<void>): Promise<void> {
  if (existsSync(join(home, name)) || isMade(home)) return;
  let aside: string;
  try {
    aside = mkdtempSync(join(home, `${name}-`));
  } catch {
    return;
  }
  try {
    const made = join(aside, name);
    await broker([`-XX:ArchiveClassesAtExit=${made}`, '-Xlog:disable']);
    // A JVM that cannot make one starts and stops all the same.
    if (existsSync(made)) renameSync(made, join(home, name));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function isMade(home: string): boolean {
  return readdirSync(home).some((entry) => {
    if (!entry.startsWith(`${name}-`)) return false;
    // It may end meanwhile.
    const began = statSync(join(home, entry), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return Date.now() - began < staleMs;
  });
}
