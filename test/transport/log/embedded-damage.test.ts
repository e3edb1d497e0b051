/** Damages every kind of file of a real store: what was acknowledged is read back right, or the store is refused. */
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageOf, WeirError } from '../../../src/errors/index.ts';
import { openLevelStore } from '../../../src/transport/log/embedded/store.ts';
import { openLog, temporaryDirectory } from './support/directory.ts';
import { claimAll, commitOf, expectedState, readShard, shards, topics } from './support/ledger.ts';

const commits = 60;

/** A small buffer, so that a small store has tables of several levels, many edits in MANIFEST and a write-ahead log. */
const smallBuffer = { openStore: (location: string) => openLevelStore(location, 65_536) };

/** Loads a store in several runs. */
async function load(directory: string): Promise<void> {
  let n = 0;
  for (const upTo of [20, 45, commits]) {
    const log = await openLog(directory, smallBuffer);
    await log.ensureTopics(topics);
    const claims = await claimAll(log);
    for (n += 1; n <= upTo; n++) {
      await Promise.all(claims.map((claim) => claim.commit(commitOf(claim.shard.partition, n))));
    }
    n = upTo;
    await log.close();
  }
}

/** Opens the store and compares all of it: `read` when everything is there, `refused` when it names the damage. */
async function verdict(directory: string): Promise<string> {
  const before = await fingerprint(directory);
  try {
    const log = await openLog(directory);
    const claims = await claimAll(log);
    const states = await Promise.all(claims.map((claim) => readShard(log, claim)));
    await log.close();
    expect(states).toEqual(Array.from({ length: shards }, () => expectedState(commits)));
    return 'read';
  } catch (error) {
    if (!WeirError.is(error, 'WEIR_LOG_DAMAGED')) return `failed: ${messageOf(error)}`;
    expect(await fingerprint(directory)).toBe(before);
    return `refused: ${error.message}`;
  }
}

async function fingerprint(directory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(join(directory, 'store'))).sort()) {
    hash.update(name).update(await readFile(join(directory, 'store', name)));
  }
  return hash.digest('hex');
}

describe('embedded log, damaged', () => {
  let origin: Awaited<ReturnType<typeof temporaryDirectory>>;
  let trial: Awaited<ReturnType<typeof temporaryDirectory>>;
  let files: string[];

  beforeAll(async () => {
    origin = await temporaryDirectory();
    trial = await temporaryDirectory();
    await load(origin.path);
    const store = (await readdir(join(origin.path, 'store'))).map((name) => `store/${name}`);
    files = [...store, 'durable', 'weir.json', 'lock/CURRENT'];
  });
  afterAll(async () => {
    await origin.remove();
    await trial.remove();
  });

  async function damaged(damage: (path: (name: string) => string) => Promise<void>): Promise<string> {
    await rm(trial.path, { recursive: true, force: true });
    await cp(origin.path, trial.path, { recursive: true });
    await damage((name) => join(trial.path, name));
    return verdict(trial.path);
  }

  const named = (pattern: RegExp): string => files.find((name) => pattern.test(name)) ?? 'none';

  it('WK19 reads all of a sound copy', async () => {
    expect(await damaged(async () => undefined)).toBe('read');
    // How many tables there are is LevelDB's, which compacts them beside the writes.
    for (const kind of [/\.ldb$/, /\.log$/, /MANIFEST/])
      expect(files.filter((name) => kind.test(name))).not.toEqual([]);
  });

  it('WK19 finds a truncated file, or loses nothing by it', async () => {
    for (const name of files) {
      const { length } = await readFile(join(origin.path, name));
      const cuts = [0, 1, 7, length >> 2, length >> 1, length - 100, length - 8, length - 1];
      for (const cut of new Set(cuts.filter((bytes) => bytes >= 0 && bytes < length))) {
        const outcome = await damaged((path) => truncate(path(name), cut));
        expect(outcome, `${name} cut to ${cut} of ${length}`).toMatch(/^(read|refused)/);
      }
    }
  });

  it('WK19 finds a flipped byte in any file, or loses nothing by it', async () => {
    for (const name of files) {
      const content = await readFile(join(origin.path, name));
      const places = Array.from({ length: 24 }, (_, index) => Math.floor(((index + 0.5) * content.length) / 24));
      for (const at of new Set(content.length === 0 ? [] : [0, ...places, content.length - 1])) {
        const changed = Buffer.from(content);
        changed[at] = (changed[at] ?? 0) ^ 0x40;
        const outcome = await damaged((path) => writeFile(path(name), changed));
        expect(outcome, `${name} flipped at ${at} of ${content.length}`).toMatch(/^(read|refused)/);
      }
    }
  });

  it('WK19 finds a missing file, or loses nothing by it', async () => {
    for (const name of files) {
      const outcome = await damaged((path) => rm(path(name)));
      expect(outcome, `${name} missing`).toMatch(/^(read|refused)/);
    }
  });

  it('WK19 names the file and the group of an acknowledged commit that was cut off', async () => {
    const log = named(/\d\.log$/);
    const { length } = await readFile(join(origin.path, log));
    const outcome = await damaged((path) => truncate(path(log), length - 20));
    expect(outcome).toMatch(/^refused: .* is damaged: .*\.log has a damaged record at byte \d+ behind group \d+$/);
    const emptied = await damaged((path) => truncate(path(log), 0));
    expect(emptied).toMatch(/^refused: .* it ends at operation \d+, but group \d+ ended at \d+$/);
  });

  it('WK19 names a table whose block has changed, and the write-ahead log that is missing', async () => {
    const found: boolean[] = [];
    for (const table of files.filter((name) => name.endsWith('.ldb'))) {
      const content = await readFile(join(origin.path, table));
      content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
      const outcome = await damaged((path) => writeFile(path(table), content));
      found.push(outcome.includes(`${table}: the block at`));
      // LevelDB may have replaced a table and not taken it away yet: nobody reads that one.
      expect(outcome === 'read' || found.at(-1)).toBe(true);
    }
    expect(found).toContain(true);
    const log = named(/\d\.log$/);
    expect(await damaged((path) => rm(path(log)))).toContain(`the write-ahead log ${log} is missing`);
  });

  it('WK19 finds a store of an older moment under a newer mark', async () => {
    const newer = await temporaryDirectory();
    await cp(origin.path, newer.path, { recursive: true });
    const log = await openLog(newer.path);
    await (await claimAll(log))[0]?.commit(commitOf(0, commits + 1));
    await log.close();
    const outcome = await damaged((path) => cp(join(newer.path, 'durable'), path('durable')));
    expect(outcome).toMatch(/^refused: .* group \d+/);
    await newer.remove();
  });

  it('WK19 opens a store whose last write was torn before it was acknowledged', async () => {
    const torn = await temporaryDirectory();
    await cp(origin.path, torn.path, { recursive: true });
    const mark = await readFile(join(torn.path, 'durable'));
    const log = await openLog(torn.path);
    const claims = await claimAll(log);
    const afterClaims = await readFile(join(torn.path, 'durable'));
    await claims[0]?.commit(commitOf(0, commits + 1));
    await log.close();
    expect(afterClaims.equals(mark)).toBe(false);
    // As after a power loss in the middle of the write: the end of it is missing, and it was never acknowledged.
    await writeFile(join(torn.path, 'durable'), afterClaims);
    const wal = (await readdir(join(torn.path, 'store'))).find((name) => name.endsWith('.log')) ?? '';
    const { length } = await readFile(join(torn.path, 'store', wal));
    await truncate(join(torn.path, 'store', wal), length - 20);
    expect(await verdict(torn.path)).toBe('read');
    await torn.remove();
  });
});
