import { describe, expect, it } from 'vitest';
import { type LogFilePart, LogFileWriter, readLogFile } from '../../../src/worker/offline/log-file/index.ts';
import { codeOf } from '../../transport/log/kafka/world.ts';
import { memoryFile, pieces, record, topics } from './support.ts';

const about = { version: '0.1.0', driver: 'embedded', incarnation: 1, exportedAt: '2026-11-23T08:00:00.000Z' };

async function file(): Promise<Buffer> {
  const { sink, bytes } = memoryFile();
  const writer = new LogFileWriter(sink);
  await writer.begin(about, topics);
  await writer.records('flow.state', 0, [record('c/a', 'head'), record('ä', new Uint8Array())]);
  await writer.records('flow.state', 1, [record('c/b', Buffer.from([0, 255]))]);
  await writer.records('flow.events', 1, [record('k', 'one')]);
  await writer.records('flow.events', 1, [record('k', 'two')]);
  await writer.end();
  return bytes();
}

async function read(bytes: Uint8Array, size?: number): Promise<LogFilePart[]> {
  const parts: LogFilePart[] = [];
  for await (const part of readLogFile('a file', pieces(bytes, size))) parts.push(part);
  return parts;
}

describe('the file of a log', () => {
  it('WK20 has in it what was written, in its order', async () => {
    const parts = await read(await file(), 7);
    expect(parts.map(({ type }) => type)).toEqual(['header', ...Array(4).fill('records'), 'end']);
    expect(parts[0]).toEqual({ type: 'header', header: { format: 1, ...about, topics } });
    const told = parts.flatMap((part) => {
      if (part.type !== 'records') return [];
      const { topic, partition, records } = part;
      return records.map(
        ({ key, value }) => `${topic}/${partition} ${key}=${Buffer.from(value ?? []).toString('hex')}`,
      );
    });
    expect(told).toEqual([
      `flow.state/0 c/a=${Buffer.from('head').toString('hex')}`,
      'flow.state/0 ä=',
      'flow.state/1 c/b=00ff',
      `flow.events/1 k=${Buffer.from('one').toString('hex')}`,
      `flow.events/1 k=${Buffer.from('two').toString('hex')}`,
    ]);
    expect(parts.at(-1)).toMatchObject({ totals: { 'flow.state': { records: 3 }, 'flow.status': { records: 0 } } });
  });

  it('WK20 a byte that has changed is found, wherever it is', async () => {
    const whole = await file();
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(await codeOf(read(changed)), `byte ${at}`).toBe('WEIR_LOG_FILE_DAMAGED');
    }
  });

  it('WK20 an end that is missing is found, wherever it breaks off', async () => {
    const whole = await file();
    for (let length = 0; length < whole.length; length += 1) {
      expect(await codeOf(read(whole.subarray(0, length))), `${length} bytes`).toBe('WEIR_LOG_FILE_DAMAGED');
    }
    expect(await codeOf(read(Buffer.concat([whole, Buffer.from('x')])))).toBe('WEIR_LOG_FILE_DAMAGED');
  });

  it('WK20 a part that is missing, doubled or moved is found', async () => {
    const whole = await file();
    const [magic, ...frames] = framesOf(whole);
    const order = (...numbers: readonly number[]) =>
      Buffer.concat([magic ?? Buffer.alloc(0), ...numbers.flatMap((number) => frames[number] ?? [])]);
    const all = frames.map((_, number) => number);
    expect(await codeOf(read(order(...all)))).toBe('done');
    const last = frames.length - 1;
    for (let number = 0; number < last; number += 1) {
      const without = all.filter((one) => one !== number);
      expect(await codeOf(read(order(...without))), `without ${number}`).toBe('WEIR_LOG_FILE_DAMAGED');
      expect(await codeOf(read(order(...all.slice(0, number), number, ...all.slice(number))))).toBe(
        'WEIR_LOG_FILE_DAMAGED',
      );
    }
    expect(await codeOf(read(order(0, 1, 4, 3, 2, ...all.slice(5))))).toBe('WEIR_LOG_FILE_DAMAGED');
  });

  it('WK20 a file of a newer format is told apart from a damaged one', async () => {
    const { sink, bytes } = memoryFile();
    const writer = new LogFileWriter(sink);
    const newer = { ...about, format: 2 };
    // The writer of a newer version puts its own number there.
    await writer.begin(newer, []);
    const text = bytes().toString('latin1');
    expect(text).toContain('"format":2');
    expect(await codeOf(read(bytes()))).toBe('WEIR_LOG_FILE_VERSION');
  });

  it('WK20 W7 it is read no faster than its parts are taken, and no part is large', async () => {
    const { sink, bytes } = memoryFile();
    const writer = new LogFileWriter(sink);
    await writer.begin(about, topics);
    const megabyte = Buffer.alloc(1_000_000, 1);
    await writer.records(
      'flow.state',
      0,
      Array.from({ length: 20 }, (_, n) => record(`c/${n}`, megabyte)),
    );
    await writer.end();
    const whole = bytes();
    let taken = 0;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces(whole, 65_536)) {
        taken += piece.byteLength;
        yield piece;
      }
    };
    let given = 0;
    for await (const part of readLogFile('a file', source())) {
      if (part.type !== 'records') continue;
      for (const { value } of part.records) given += value?.byteLength ?? 0;
      expect(taken - given).toBeLessThan(200_000);
    }
    expect(given).toBe(20_000_000);
  });
});

/** The first bytes, then each frame. */
function framesOf(file: Buffer): Buffer[] {
  const found = [file.subarray(0, 8)];
  for (let at = 8; at < file.length; ) {
    const end = at + 5 + file.readUInt32BE(at + 1) + 4;
    found.push(file.subarray(at, end));
    at = end;
  }
  return found;
}
