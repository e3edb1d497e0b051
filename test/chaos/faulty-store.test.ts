/** The embedded log on a disk that fails by name: the real store, and the driver's real recovery. */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom, silentLogger, systemClock } from '../../src/ports/index.ts';
import { type Fault, faultInjector, faultyStore } from '../../src/testing/index.ts';
import { scanLog } from '../../src/transport/log/embedded/leveldb/log-file.ts';
import { type Log, type LogHealth, openEmbeddedLog, openLevelStore } from '../../src/transport/log/index.ts';
import { temporaryDirectory } from '../transport/log/support/directory.ts';
import { claimAll, commitOf, expectedState, readShard, topics } from '../transport/log/support/ledger.ts';

async function open(directory: string) {
  const clock = systemClock();
  const crashed = Promise.withResolvers<void>();
  const injector = faultInjector({
    clock,
    random: seededRandom(1),
    process: { crash: () => crashed.resolve(), freeze: () => undefined },
  });
  const log = await openEmbeddedLog({
    directory,
    clock,
    logger: silentLogger,
    reserveBytes: 100_000,
    openStore: faultyStore(openLevelStore, injector),
  });
  await log.ensureTopics(topics);
  return { injector, log, claims: await claimAll(log), crashed: crashed.promise };
}

function stateAfter(log: Log, state: LogHealth['state']): Promise<LogHealth> {
  return new Promise((resolve) => {
    log.onHealth((health) => {
      if (health.state === state) resolve(health);
    });
  });
}

/** What another process finds on the disk. */
async function found(directory: string): Promise<unknown[]> {
  const log = await openEmbeddedLog({ directory, clock: systemClock(), logger: silentLogger, reserveBytes: 100_000 });
  const states = await Promise.all((await claimAll(log)).map((claim) => readShard(log, claim)));
  await log.close();
  return states;
}

/** Whether the write-ahead log ends in the middle of a record. */
function endsTorn(store: string): boolean {
  const newest =
    readdirSync(store)
      .filter((name) => name.endsWith('.log'))
      .sort()
      .at(-1) ?? '';
  return scanLog(readFileSync(join(store, newest))).fault?.short === true;
}

describe('faults by name on the embedded log', () => {
  it('TK3 full-disk: commits wait, the log says why, and they go on when there is space again', async () => {
    const directory = await temporaryDirectory();
    const { injector, log, claims } = await open(directory.path);
    await Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, 1))));
    injector.inject({ type: 'full-disk' });
    const stalled = stateAfter(log, 'stalled');
    const ok = stateAfter(log, 'ok');
    let durable = false;
    const commits = Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, 2)))).then(() => {
      durable = true;
    });
    expect((await stalled).error).toMatchObject({ code: 'WEIR_LOG_DISK_FULL' });
    expect(durable).toBe(false);
    injector.clear();
    await commits;
    await ok;
    await log.close();
    expect(await found(directory.path)).toEqual(claims.map(() => expectedState(2)));
    await directory.remove();
  });

  it('TK3 lost-ack: the write is on the disk before the driver writes it again, and counts once', async () => {
    const directory = await temporaryDirectory();
    const { injector, log, claims } = await open(directory.path);
    injector.inject({ type: 'lost-ack', times: 3 });
    const stalled = stateAfter(log, 'stalled');
    for (let n = 1; n <= 3; n++) await Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, n))));
    expect((await stalled).error?.message).toContain('did not acknowledge');
    expect(injector.struck()['lost-ack']).toBe(3);
    await log.close();
    expect(await found(directory.path)).toEqual(claims.map(() => expectedState(3)));
    await directory.remove();
  });

  it.each<[Fault, number]>([
    [{ type: 'torn-write' }, 1],
    [{ type: 'crash', on: 'log', when: 'before' }, 1],
    [{ type: 'crash', on: 'shard 0', when: 'after' }, 2],
  ])('TK3 %j: the write is answered to nobody, and is there as a whole or not at all', async (fault, commits) => {
    const directory = await temporaryDirectory();
    const copy = await temporaryDirectory();
    const { injector, claims, crashed } = await open(directory.path);
    await Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, 1))));
    injector.inject(fault);
    let answered = false;
    const second = Promise.all(claims.map((claim, shard) => claim.commit(commitOf(shard, 2)))).then(() => {
      answered = true;
    });
    await Promise.race([second, crashed]);
    expect(answered).toBe(false);
    // As the process left it: the log of this one still holds the directory.
    cpSync(directory.path, copy.path, { recursive: true });
    expect(endsTorn(join(copy.path, 'store'))).toBe(fault.type === 'torn-write');
    expect(await found(copy.path)).toEqual(claims.map(() => expectedState(commits)));
    await copy.remove();
    await directory.remove();
  });

  it('TK3 refuses on a disk what only a network does', async () => {
    const directory = await temporaryDirectory();
    const { injector, log } = await open(directory.path);
    expect(() => injector.inject({ type: 'partition', on: 'log' })).toThrow('the log of this worker knows no such');
    expect(() => injector.inject({ type: 'duplicate', on: 'log' })).toThrow('the log of this worker knows no such');
    await log.close();
    await directory.remove();
  });
});
