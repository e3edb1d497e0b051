import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { logContract } from '../../../src/testing/contracts/index.ts';
import { encodeFormat } from '../../../src/transport/log/embedded/directory.ts';
import { type OpenStore, openLevelStore } from '../../../src/transport/log/embedded/store.ts';
import { openLog, temporaryDirectory } from './support/directory.ts';
import { claimAll, commitOf, topics } from './support/ledger.ts';

logContract('embedded', async () => {
  const directory = await temporaryDirectory();
  let log = await openLog(directory.path);
  return {
    log,
    reopen: async () => {
      await log.close();
      log = await openLog(directory.path);
      return log;
    },
    dispose: async () => {
      await log.close();
      await directory.remove();
    },
  };
});

/** A store that counts its groups, and how many operations were in each. */
function countingStore(groups: number[]): OpenStore {
  return async (location) => {
    const store = await openLevelStore(location);
    return {
      ...store,
      write: async (group) => {
        groups.push(group.keys.length);
        await store.write(group);
      },
    };
  };
}

describe('embedded log', () => {
  it('WK1 refuses a directory that this process has open', async () => {
    const directory = await temporaryDirectory();
    const log = await openLog(directory.path);
    await expect(openLog(directory.path)).rejects.toMatchObject({ code: 'WEIR_LOG_IN_USE' });
    await log.close();
    await (await openLog(directory.path)).close();
    await directory.remove();
  });

  it('WK1 refuses a directory that another process has open, and leaves that one alone', async () => {
    const directory = await temporaryDirectory();
    const committer = fileURLToPath(new URL('./support/committer.ts', import.meta.url));
    const child = spawn(process.execPath, [committer, directory.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    await expect(openLog(directory.path)).rejects.toMatchObject({ code: 'WEIR_LOG_IN_USE' });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await exited;
    await (await openLog(directory.path)).close();
    await directory.remove();
  });

  it('WK1 refuses a directory of another format, and says which it reads', async () => {
    const directory = await temporaryDirectory();
    await (await openLog(directory.path)).close();
    const path = join(directory.path, 'weir.json');
    const format = await readFile(path, 'utf8');
    await writeFile(path, encodeFormat(1, 7));
    await expect(openLog(directory.path)).rejects.toMatchObject({
      code: 'WEIR_LOG_VERSION',
      context: { found: 7, expected: 1 },
    });
    await writeFile(path, format);
    await (await openLog(directory.path)).close();
    await directory.remove();
  });

  it('WK1 writes the commits of one turn as one group, and what comes meanwhile as the next', async () => {
    const directory = await temporaryDirectory();
    const groups: number[] = [];
    const log = await openLog(directory.path, { openStore: countingStore(groups) });
    await log.ensureTopics(topics);
    const claims = await claimAll(log);
    groups.length = 0;
    const commitAll = (n: number) => claims.map((claim, shard) => claim.commit(commitOf(shard, n)));
    await Promise.all(commitAll(1));
    // Eight commits of four records and one publication, and the group record.
    expect(groups).toEqual([41]);
    const [first, ...others] = commitAll(2);
    await first;
    await Promise.all([...others, log.append('flow.events', 0, [{ key: 'k', value: new Uint8Array() }])]);
    expect(groups.length).toBe(3);
    await log.close();
    await directory.remove();
  });

  it('WK3 trimmed events are deleted along with later groups, a bounded number in each', async () => {
    const directory = await temporaryDirectory();
    const groups: number[] = [];
    const log = await openLog(directory.path, { openStore: countingStore(groups) });
    await log.ensureTopics(topics);
    const records = Array.from({ length: 2_500 }, () => ({ key: 'k', value: new Uint8Array() }));
    await log.append('flow.events', 0, records);
    await log.trim('flow.events', 0, 2_500);
    groups.length = 0;
    await log.append('flow.events', 1, records.slice(0, 1));
    await log.close();
    // One append, a thousand deletions, where they ended, and the group record; the rest when it closes.
    expect(groups).toEqual([1_003, 1_002, 502]);
    const again = await openLog(directory.path);
    await again.close();
    await directory.remove();
  });
});
