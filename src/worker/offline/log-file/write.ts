/** Writes the file that a log is exported to. */
import { createHash, type Hash } from 'node:crypto';
import type { LogRecord, TopicName, TopicSpec } from '../../../transport/log/index.ts';
import { batchesOf } from '../batches.ts';
import { Tally, type Totals } from '../tally.ts';
import { crcBytes, crcOf, type FrameKind, fileFormat, headBytes, type LogFileHeader, magic } from './format.ts';

/** Takes bytes; resolves when there is room for more. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

export class LogFileWriter {
  readonly #sink: Sink;
  readonly #hash: Hash = createHash('sha256');
  readonly #tally = new Tally();
  #frames = 0;
  #at: string | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  async begin(about: Omit<LogFileHeader, 'format' | 'topics'>, topics: readonly TopicSpec[]): Promise<void> {
    for (const { name } of topics) this.#tally.begin(name);
    await this.#put(magic);
    await this.#json('H', { format: fileFormat, ...about, topics });
  }

  async records(topic: TopicName, partition: number, records: readonly LogRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.#at !== `${topic}/${partition}`) await this.#json('P', { topic, partition });
    this.#at = `${topic}/${partition}`;
    this.#tally.add(topic, records);
    for (const batch of batchesOf(records)) await this.#frame('R', encodeRecords(batch));
  }

  async end(): Promise<Totals> {
    const topics = this.#tally.totals();
    await this.#json('E', { topics, sha256: this.#hash.copy().digest('hex') });
    return topics;
  }

  #json(kind: FrameKind, value: object): Promise<void> {
    return this.#frame(kind, Buffer.from(JSON.stringify(value)));
  }

  async #frame(kind: FrameKind, content: Uint8Array): Promise<void> {
    const head = Buffer.alloc(headBytes);
    head.write(kind, 0, 'latin1');
    head.writeUInt32BE(content.byteLength, 1);
    const check = Buffer.alloc(crcBytes);
    check.writeUInt32BE(crcOf(this.#frames, head, content), 0);
    this.#frames += 1;
    await this.#put(Buffer.concat([head, content, check]));
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#sink(bytes);
  }
}

function encodeRecords(records: readonly LogRecord[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { key, value } of records) {
    const keyBytes = Buffer.from(key);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(keyBytes.length, 0);
    lengths.writeUInt32BE(value?.byteLength ?? 0, 4);
    parts.push(lengths, keyBytes, value ?? new Uint8Array());
  }
  return Buffer.concat(parts);
}
