import { afterEach, describe, expect, it } from 'vitest';
import type { OfflineLog } from '../../../src/transport/log/index.ts';
import { exportLog, importLog, readLogFile } from '../../../src/worker/offline/index.ts';
import { codeOf } from '../../transport/log/kafka/world.ts';
import { clock, contents, copied, type Directory, directory, fill, memoryFile, pieces, record } from './support.ts';

const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function newDirectory(): Promise<Directory> {
  const made = await directory();
  closing.push(made.remove);
  return made;
}

async function offline(at: Directory, create = false): Promise<OfflineLog> {
  const log = await at.offline(create);
  closing.push(() => log.close());
  return log;
}

/** A directory with a log, and its export. */
async function exported(): Promise<{ readonly source: Directory; readonly file: Buffer }> {
  const source = await newDirectory();
  const log = await source.log();
  await fill(log);
  await log.close();
  const opened = await source.offline();
  const { sink, bytes } = memoryFile();
  await exportLog(opened, sink, { clock, version: '0.1.0' });
  await opened.close();
  return { source, file: bytes() };
}

const partsOf = (file: Uint8Array) => readLogFile('a file', pieces(file));

describe('a copy of the embedded log', () => {
  it('WK20 has every topic of the node: states, tables, and the events that no shard has taken yet', async () => {
    const { file } = await exported();
    const target = await newDirectory();
    const into = await offline(target, true);
    const { totals } = await importLog(into, partsOf(file), clock);
    expect(totals).toMatchObject({ 'flow.events': { records: 1 }, 'flow.state': { records: 5 } });
    await into.close();
    // What workers tell of themselves is about processes that are not there beside a copy.
    expect(await contents(await offline(target))).toEqual(copied);
  });

  it('WK20 WK16 DP11 is a log like any other, whose terms are above those of the first one', async () => {
    const { file } = await exported();
    const target = await newDirectory();
    const into = await target.offline(true);
    const { incarnation } = await importLog(into, partsOf(file), clock);
    await into.close();
    const log = await target.log();
    closing.push(() => log.close());
    const claim = await log.claim({ topic: 'flow.state', partition: 0 });
    expect(claim.term).toEqual({ incarnation, counter: 1 });
    expect(incarnation).toBeGreaterThan(1);
    const keys: string[] = [];
    for await (const chunk of claim.restore()) keys.push(...chunk.map(({ key }) => key));
    expect(keys).toEqual(['c/a', 'c/b', 'd/1:1', 'shard']);
    await claim.commit({
      records: [record('c/new', 'x')],
      publications: [{ topic: 'flow.status', ...record('n', 'y') }],
    });
    const first = new Promise<string>((resolve) => {
      log.tail('flow.events', 0, 0, ([event]) => {
        resolve(`${event?.offset} ${Buffer.from(event?.value ?? []).toString()}`);
        return undefined;
      });
    });
    expect(await first).toBe('0 waiting');
    expect([...(await log.table('flow.status')).entries()].map(([key]) => key).sort()).toEqual(['a', 'c', 'n']);
  });

  it('WK16 of two imports of one file the second has the greater terms, and one of a copy too', async () => {
    const { file } = await exported();
    const first = await importLog(await offline(await newDirectory(), true), partsOf(file), {
      ...clock,
      now: () => 5_000,
    });
    expect(first.incarnation).toBe(5);
    const second = await newDirectory();
    const into = await second.offline(true);
    expect((await importLog(into, partsOf(file), { ...clock, now: () => 9_000 })).incarnation).toBe(9);
    await into.close();
    const again = memoryFile();
    const opened = await offline(second);
    await exportLog(opened, again.sink, { clock, version: '0.1.0' });
    // Whatever the clock says: the incarnation that is known is passed.
    const third = await importLog(await offline(await newDirectory(), true), partsOf(again.bytes()), {
      ...clock,
      now: () => 1_000,
    });
    expect(third.incarnation).toBe(10);
  });

  it('WK20 leaves the log that it is taken of as it was', async () => {
    const { source } = await exported();
    const log = await source.log();
    closing.push(() => log.close());
    expect((await log.claim({ topic: 'flow.state', partition: 0 })).term).toEqual({ incarnation: 1, counter: 2 });
  });

  it('WK20 is refused by a log that has topics, and by a directory that another process uses', async () => {
    const { file, source } = await exported();
    const opened = await source.offline();
    expect(await codeOf(importLog(opened, partsOf(file), clock))).toBe('WEIR_LOG_NOT_EMPTY');
    expect(await codeOf(source.offline())).toBe('WEIR_LOG_IN_USE');
    await opened.close();
    expect(Object.keys(await contents(await offline(source)))).toContain('worker.heartbeats/0');
  });

  it('WK20 is not made of a directory without a log', async () => {
    expect(await codeOf((await newDirectory()).offline())).toBe('WEIR_LOG_NONE');
  });

  it('WK20 is there as a whole or not at all: a damaged file, or one that breaks off, leaves nothing', async () => {
    const { file } = await exported();
    const target = await newDirectory();
    const changed = Buffer.from(file);
    // In the records at the end, when most of it has been written.
    const at = file.lastIndexOf('COMPLETED');
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    for (const bad of [changed, file.subarray(0, file.length - 10)]) {
      const into = await target.offline(true);
      expect(await codeOf(importLog(into, partsOf(bad), clock))).toBe('WEIR_LOG_FILE_DAMAGED');
      await into.close();
      const log = await target.log();
      expect(await log.topics()).toEqual([]);
      await log.close();
    }
    const into = await target.offline(true);
    await importLog(into, partsOf(file), clock);
    await into.close();
    expect(await contents(await offline(target))).toEqual(copied);
  });

  it("WK20 what a process that died in the middle has left is in nobody's way", async () => {
    const { file } = await exported();
    const target = await newDirectory();
    const died = await target.offline(true);
    const stage = await died.stage([{ name: 'flow.state', partitions: 1, kind: 'state' }], 7);
    await stage.write(
      'flow.state',
      0,
      Array.from({ length: 700 }, (_, n) => record(`c/${n}`, 'left')),
    );
    await died.close();
    const into = await target.offline(true);
    await importLog(into, partsOf(file), { ...clock, now: () => 7_000 });
    await into.close();
    expect(await contents(await offline(target))).toEqual(copied);
  });

  it('WK20 is refused when what was written is not what the file holds', async () => {
    const { file } = await exported();
    const into = await offline(await newDirectory(), true);
    const forgetful: OfflineLog = {
      driver: into.driver,
      place: into.place,
      incarnation: into.incarnation,
      limits: into.limits,
      topics: [],
      async stage(topics, incarnation) {
        const stage = await into.stage(topics, incarnation);
        const write: typeof stage.write = (topic, partition, records) =>
          stage.write(topic, partition, topic === 'flow.status' ? [] : records);
        return { ...stage, write };
      },
      fence: (topic) => into.fence(topic),
      records: (topic, partition) => into.records(topic, partition),
      events: (topic, partition, from) => into.events(topic, partition, from),
      assertStill: () => into.assertStill(),
      adopt: (incarnation, mend) => into.adopt(incarnation, mend),
      strangeness: () => into.strangeness(),
      close: () => into.close(),
    };
    await expect(importLog(forgetful, partsOf(file), clock)).rejects.toMatchObject({
      code: 'WEIR_LOG_COPY_DIFFERS',
      message: expect.stringContaining('topic flow.status has 0 records instead of 2'),
    });
  });
});
