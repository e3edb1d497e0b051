/** Reads the file that a log was exported to. */
import { createHash, type Hash } from 'node:crypto';
import { z } from 'zod';
import { messageOf, WeirError } from '../../../errors/index.ts';
import type { LogRecord, TopicName } from '../../../transport/log/index.ts';
import { differenceOf, Tally, type Totals } from '../tally.ts';
import {
  crcBytes,
  crcOf,
  end,
  fileFormat,
  headBytes,
  header,
  type LogFileHeader,
  magic,
  maxFrameBytes,
  partitionHead,
} from './format.ts';

export type LogFilePart =
  | { readonly type: 'header'; readonly header: LogFileHeader }
  | {
      readonly type: 'records';
      readonly topic: TopicName;
      readonly partition: number;
      readonly records: readonly LogRecord[];
    }
  /** Everything was there, and as it was written. */
  | { readonly type: 'end'; readonly totals: Totals };

/**
 * The parts of a file, each one checked before it is given. Memory is that of one frame.
 * @throws WeirError `WEIR_LOG_FILE_DAMAGED`, `WEIR_LOG_FILE_VERSION`
 */
export async function* readLogFile(file: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<LogFilePart> {
  const reader = new FrameReader(file, chunks);
  await reader.magic();
  const first = await reader.frame();
  if (first?.kind !== 'H') throw reader.damaged('it does not begin with a header');
  const { format } = reader.parse(z.object({ format: z.int() }), first.content);
  if (format !== fileFormat)
    throw new WeirError('WEIR_LOG_FILE_VERSION', { file, found: format, expected: fileFormat });
  const found = reader.parse(header, first.content);
  yield { type: 'header', header: found };
  const tally = new Tally();
  for (const { name } of found.topics) tally.begin(name);
  const partitions = new Map(found.topics.map(({ name, partitions: count }) => [name, count]));
  let at: z.output<typeof partitionHead> | undefined;
  for (;;) {
    const sha256 = reader.digest();
    const frame = await reader.frame();
    if (frame === undefined) throw reader.damaged('it breaks off');
    if (frame.kind === 'P') {
      at = reader.parse(partitionHead, frame.content);
      if (at.partition < 0 || at.partition >= (partitions.get(at.topic) ?? 0)) {
        throw reader.damaged(`it has no partition ${at.topic}/${at.partition}`);
      }
    } else if (frame.kind === 'R' && at !== undefined) {
      const records = decodeRecords(frame.content);
      if (records === undefined) throw reader.damaged(`frame ${frame.number} holds no records`);
      tally.add(at.topic, records);
      yield { type: 'records', ...at, records };
    } else if (frame.kind === 'E') {
      const told = reader.parse(end, frame.content);
      const totals = tally.totals();
      const difference = differenceOf(told.topics, totals);
      if (difference !== undefined) throw reader.damaged(difference);
      if (told.sha256 !== sha256()) throw reader.damaged('its SHA-256 is another one');
      if ((await reader.frame()) !== undefined) throw reader.damaged('something follows behind its end');
      yield { type: 'end', totals };
      return;
    } else throw reader.damaged(`frame ${frame.number} is of an unknown kind, or in a place where none may be`);
  }
}

interface Frame {
  readonly number: number;
  readonly kind: string;
  readonly content: Buffer;
}

class FrameReader {
  readonly #file: string;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #hash: Hash = createHash('sha256');
  #buffered: Buffer = Buffer.alloc(0);
  #frames = 0;
  #bytes = 0;

  constructor(file: string, chunks: AsyncIterable<Uint8Array>) {
    this.#file = file;
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async magic(): Promise<void> {
    const found = await this.#take(magic.length);
    if (found === undefined || !found.equals(magic)) throw this.damaged('it does not begin as one does');
  }

  /** The next frame; undefined at the end of the file. */
  async frame(): Promise<Frame | undefined> {
    const number = this.#frames;
    const head = await this.#take(headBytes);
    if (head === undefined) return undefined;
    const length = head.readUInt32BE(1);
    if (length > maxFrameBytes) throw this.damaged(`frame ${number} claims to have ${length} bytes`);
    const content = await this.#take(length);
    const check = await this.#take(crcBytes);
    if (content === undefined || check === undefined) throw this.damaged('it breaks off');
    if (check.readUInt32BE(0) !== crcOf(number, head, content)) throw this.damaged(`frame ${number} has a wrong CRC`);
    this.#frames += 1;
    return { number, kind: head.toString('latin1', 0, 1), content };
  }

  /** Digest of everything that was read by now, worked out when it is asked for. */
  digest(): () => string {
    const until = this.#hash.copy();
    return () => until.digest('hex');
  }

  parse<T>(schema: z.ZodType<T>, content: Buffer): T {
    try {
      return schema.parse(JSON.parse(content.toString()));
    } catch (thrown) {
      throw this.damaged(`frame ${this.#frames - 1} cannot be read: ${messageOf(thrown)}`);
    }
  }

  damaged(why: string): WeirError {
    return new WeirError('WEIR_LOG_FILE_DAMAGED', { file: this.#file, why: `${why} (byte ${this.#bytes})` });
  }

  /** Undefined when nothing at all is left. */
  async #take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [this.#buffered];
    let size = this.#buffered.length;
    while (size < length) {
      const { value, done } = await this.#chunks.next();
      if (done === true) {
        if (size === 0 && length > 0) return undefined;
        throw this.damaged('it breaks off');
      }
      const chunk: Uint8Array = value;
      parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      size += chunk.byteLength;
    }
    const whole = parts.length === 1 ? this.#buffered : Buffer.concat(parts);
    this.#buffered = whole.subarray(length);
    const taken = whole.subarray(0, length);
    this.#hash.update(taken);
    this.#bytes += length;
    return taken;
  }
}

/** Undefined when the lengths do not fit. */
function decodeRecords(content: Buffer): LogRecord[] | undefined {
  const records: LogRecord[] = [];
  for (let at = 0; at < content.length; ) {
    if (at + 8 > content.length) return undefined;
    const keyEnd = at + 8 + content.readUInt32BE(at);
    const valueEnd = keyEnd + content.readUInt32BE(at + 4);
    if (valueEnd > content.length) return undefined;
    records.push({ key: content.toString('utf8', at + 8, keyEnd), value: content.subarray(keyEnd, valueEnd) });
    at = valueEnd;
  }
  return records;
}
