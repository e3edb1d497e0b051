/** A disk that is full: commits wait, nothing is lost, and they go on by themselves. */
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OpenStore, openLevelStore } from '../../../src/transport/log/embedded/store.ts';
import type { LogHealth } from '../../../src/transport/log/index.ts';
import { openLog, temporaryDirectory } from './support/directory.ts';
import { claimAll, commitOf, expectedState, readShard, topics } from './support/ledger.ts';
import { tinyDisk } from './support/tiny-disk.ts';

type Failure = 'before' | 'after' | 'torn' | 'open';

/** A store that fails as the list says, one entry for each write (or opening, for `open`), and then works. */
function failingStore(failures: Failure[]): OpenStore {
  const full = (): Error => new Error('IO error: store/000005.log: No space left on device');
  return async (location) => {
    if (failures[0] === 'open') {
      failures.shift();
      throw full();
    }
    const store = await openLevelStore(location);
    let torn = false;
    return {
      read: store.read,
      compact: store.compact,
      async write(group) {
        const failure = failures[0] === 'open' ? undefined : failures.shift();
        if (failure === 'before') throw full();
        await store.write(group);
        torn = failure === 'torn';
        if (failure !== undefined) throw full();
      },
      async close() {
        await store.close();
        if (torn) await cutLog(location);
      },
    };
  };
}

/** Takes the end of the last write away, as a write that found no more room leaves it. */
async function cutLog(location: string): Promise<void> {
  const logs = (await readdir(location)).filter((name) => name.endsWith('.log')).sort();
  const path = join(location, logs.at(-1) ?? '');
  await truncate(path, (await stat(path)).size - 30);
}

function nextHealth(log: { onHealth(listener: (health: LogHealth) => void): void }, state: LogHealth['state']) {
  return new Promise<LogHealth>((resolve) => {
    log.onHealth((health) => {
      if (health.state === state) resolve(health);
    });
  });
}

describe('embedded log, full disk', () => {
  for (const failures of [['before'], ['after'], ['torn'], ['before', 'open', 'torn', 'after']] satisfies Failure[][]) {
    it(`WK19 WK13 stalls and goes on when writes fail: ${failures.join(', ')}`, async () => {
      const directory = await temporaryDirectory();
      const plan: Failure[] = [];
      const log = await openLog(directory.path, { openStore: failingStore(plan), reserveBytes: 100_000 });
      await log.ensureTopics(topics);
      const claims = await claimAll(log);
      for (let n = 1; n <= 20; n++) await Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, n))));
      plan.push(...failures);
      const stalled = nextHealth(log, 'stalled');
      const ok = nextHealth(log, 'ok');
      for (let n = 21; n <= 30; n++) await Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, n))));
      expect((await stalled).error).toMatchObject({ code: 'WEIR_LOG_DISK_FULL' });
      await ok;
      expect(log.health()).toEqual({ state: 'ok' });
      expect((await stat(join(directory.path, 'reserve'))).size).toBe(100_000);
      await log.close();

      const again = await openLog(directory.path);
      const states = await Promise.all((await claimAll(again)).map((claim) => readShard(again, claim)));
      expect(states).toEqual(states.map(() => expectedState(30)));
      await again.close();
      await directory.remove();
    });
  }

  it('WK19 rejects what waits when it is closed while the disk is full, and has lost nothing that was acknowledged', async () => {
    const directory = await temporaryDirectory();
    const plan: Failure[] = [];
    const log = await openLog(directory.path, { openStore: failingStore(plan) });
    await log.ensureTopics(topics);
    const [claim] = await claimAll(log);
    await claim?.commit(commitOf(0, 1));
    plan.push(...Array.from({ length: 1_000 }, (): Failure => 'before'));
    const stalled = nextHealth(log, 'stalled');
    const commit = expect(claim?.commit(commitOf(0, 2))).rejects.toMatchObject({ code: 'WEIR_LOG_CLOSED' });
    await stalled;
    await log.close();
    await commit;
    const again = await openLog(directory.path);
    const [restored] = await claimAll(again);
    expect(restored && (await readShard(again, restored)).head).toBe(1);
    await again.close();
    await directory.remove();
  });

  it('WK19 a tail and a restore do not notice that the store was opened again', async () => {
    const directory = await temporaryDirectory();
    const plan: Failure[] = [];
    const log = await openLog(directory.path, { openStore: failingStore(plan) });
    await log.ensureTopics(topics);
    const [claim] = await claimAll(log);
    const values = Array.from({ length: 2_000 }, (_, index) => String(index));
    await log.append(
      'flow.events',
      0,
      values.map((value) => ({ key: 'k', value: Buffer.from(value) })),
    );
    plan.push('before', 'open');
    const write = claim?.commit(commitOf(0, 1));
    const seen = await new Promise<string[]>((resolve) => {
      const all: string[] = [];
      log.tail('flow.events', 0, 0, (records) => {
        all.push(...records.map((record) => Buffer.from(record.value).toString()));
        if (all.length === values.length) resolve(all);
      });
    });
    await write;
    expect(seen).toEqual(values);
    await log.close();
    await directory.remove();
  });

  it('WK19 WK13 stalls on a real disk that is full, and goes on once there is room', async ({ skip }) => {
    const disk = await tinyDisk();
    if (disk === undefined) return skip('mount is not permitted');
    try {
      const log = await openLog(disk.data, { reserveBytes: 6_000_000 });
      await log.ensureTopics(topics);
      const claims = await claimAll(log);
      const commitAll = (n: number): Promise<unknown> =>
        Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, n, 1_000))));
      await commitAll(1);
      await disk.fill();
      const stalled = nextHealth(log, 'stalled');
      let made = 1;
      const commits = (async () => {
        for (let n = 2; n <= 60; n++) {
          await commitAll(n);
          made = n;
        }
      })();
      expect((await stalled).error).toMatchObject({ code: 'WEIR_LOG_DISK_FULL' });
      // While the reserve cannot be filled again, at most the group that had failed has been written.
      expect(made).toBeLessThan(60);
      const ok = nextHealth(log, 'ok');
      await disk.makeRoom();
      await Promise.all([commits, ok]);
      expect((await stat(join(disk.data, 'reserve'))).size).toBe(6_000_000);
      await log.close();

      const again = await openLog(disk.data);
      const states = await Promise.all((await claimAll(again)).map((claim) => readShard(again, claim)));
      expect(states).toEqual(states.map(() => expectedState(60)));
      await again.close();
    } finally {
      await disk.remove();
    }
  });

  it('WK19 WK13 fills a disk by its own commits, and goes on once the disk is larger', async ({ skip }) => {
    const disk = await tinyDisk();
    if (disk === undefined) return skip('mount is not permitted');
    try {
      const log = await openLog(disk.data, { reserveBytes: 3_000_000 });
      await log.ensureTopics(topics);
      const claims = await claimAll(log);
      const stalled = nextHealth(log, 'stalled').then(() => disk.grow());
      const commits = claims.map(async (claim, shard) => {
        for (let n = 1; n <= 300; n++) await claim.commit(commitOf(shard, n, 1_500));
      });
      await Promise.all([stalled, ...commits]);
      await log.close();

      const again = await openLog(disk.data);
      const states = await Promise.all((await claimAll(again)).map((claim) => readShard(again, claim)));
      expect(states).toEqual(states.map(() => expectedState(300)));
      await again.close();
    } finally {
      await disk.remove();
    }
  });

  it('WK19 opens on a full disk with the room of its reserve, and finds everything', async ({ skip }) => {
    const disk = await tinyDisk();
    if (disk === undefined) return skip('mount is not permitted');
    try {
      const log = await openLog(disk.data, { reserveBytes: 6_000_000 });
      await log.ensureTopics(topics);
      const claims = await claimAll(log);
      for (let n = 1; n <= 20; n++) {
        await Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, n, 1_000))));
      }
      await log.close();
      await disk.fill();

      const again = await openLog(disk.data, { reserveBytes: 6_000_000 });
      expect(again.health()).toMatchObject({ state: 'stalled', error: { code: 'WEIR_LOG_DISK_FULL' } });
      const ok = nextHealth(again, 'ok');
      const claimed = claimAll(again);
      await disk.makeRoom();
      await ok;
      const states = await Promise.all((await claimed).map((claim) => readShard(again, claim)));
      expect(states).toEqual(states.map(() => expectedState(20)));
      await again.close();
    } finally {
      await disk.remove();
    }
  });
});
