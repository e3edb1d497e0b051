/** Our own readers of LevelDB's files, against files that LevelDB has written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc32c } from '../../../src/transport/log/crc32c.ts';
import { scanLog } from '../../../src/transport/log/embedded/leveldb/log-file.ts';
import { readManifest } from '../../../src/transport/log/embedded/leveldb/manifest.ts';
import { maskCrc } from '../../../src/transport/log/embedded/leveldb/mask-crc.ts';
import { checkTable } from '../../../src/transport/log/embedded/leveldb/table-file.ts';
import { readWriteBatch } from '../../../src/transport/log/embedded/leveldb/write-batch.ts';
import { temporaryDirectory } from './support/directory.ts';

describe('LevelDB files', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let log: Buffer;
  let table: Buffer;
  let manifest: Buffer;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    const db = new ClassicLevel<string, string>(directory.path, { compression: false });
    for (let n = 0; n < 2_000; n++) await db.put(`a/${String(n).padStart(4, '0')}`, `value ${n}`);
    await db.compactRange('a', 'b');
    // Longer than a block of 32 KiB, so that it lies in several fragments.
    await db.batch([
      { type: 'put', key: 'long', value: 'x'.repeat(100_000) },
      { type: 'del', key: 'a/0000' },
    ]);
    await db.put('short', 'y');
    await db.close();
    const read = async (pattern: RegExp): Promise<Buffer> => {
      const name = (await readdir(directory.path)).find((file) => pattern.test(file)) ?? '';
      return readFile(join(directory.path, name));
    };
    [log, table, manifest] = await Promise.all([read(/\.log$/), read(/\.ldb$/), read(/^MANIFEST/)]);
  });
  afterAll(() => directory.remove());

  it('WK19 computes CRC-32C as its specification does', () => {
    expect(crc32c(Buffer.from('123456789'), 0, 9)).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32), 0, 32)).toBe(0x8a9136aa);
    expect(maskCrc(0)).toBe(0xa282ead8);
  });

  it('WK19 reads the batches of a write-ahead log, with their sequence numbers', () => {
    const scan = scanLog(log);
    expect(scan.fault).toBeUndefined();
    const [long, short] = scan.records.map(readWriteBatch);
    expect(long?.operations.map(({ key, value }) => [key.toString(), value?.length])).toEqual([
      ['long', 100_000],
      ['a/0000', undefined],
    ]);
    expect(short?.sequence).toBe((long?.sequence ?? 0) + 2);
  });

  it('WK19 a log that ends anywhere within a record has a torn end, and no hole', () => {
    const whole = scanLog(log).records.length;
    for (let length = 0; length < log.length; length += length < log.length - 300 ? 977 : 1) {
      const { records, fault } = scanLog(log.subarray(0, length));
      expect(records.length).toBeLessThan(whole);
      expect(fault?.hole ?? false).toBe(false);
      expect(fault?.short ?? true).toBe(true);
    }
  });

  it('WK19 a changed byte in a record with a sound one behind it is a hole', () => {
    for (let at = 0; at < 100_000; at += 1_009) {
      const changed = Buffer.from(log);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(scanLog(changed)).toMatchObject({ records: [], fault: { hole: true } });
    }
  });

  it('WK19 zeros behind the last record are a torn end', () => {
    const scan = scanLog(Buffer.concat([log, Buffer.alloc(50_000)]));
    expect(scan.records.length).toBe(2);
    expect(scan.fault).toEqual({ offset: log.length, hole: false, short: true });
  });

  it('WK19 reads from MANIFEST which tables are live, and their sizes', () => {
    const { tables, lastSequence } = readManifest(scanLog(manifest).records);
    expect([...tables.values()]).toEqual([table.length]);
    expect(lastSequence).toBeGreaterThanOrEqual(2_000);
  });

  it('WK19 covers every byte of a table but the padding of its footer', () => {
    expect(checkTable(table, 'a/0')).toHaveLength(1_000);
    for (let at = 0; at < table.length; at += 97) {
      const inPadding = at >= table.length - 40 && at < table.length - 8;
      if (inPadding) continue;
      const changed = Buffer.from(table);
      changed[at] = (changed[at] ?? 0) ^ 0x08;
      expect(() => checkTable(changed, 'a/0'), `byte ${at}`).toThrow(RangeError);
    }
  });
});
