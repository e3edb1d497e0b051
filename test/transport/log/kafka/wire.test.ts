import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join, sep } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { virtualClock } from '../../../../src/testing/index.ts';
import { crc32c } from '../../../../src/transport/log/crc32c.ts';
import { batchBytes } from '../../../../src/transport/log/kafka/model/stored-batch.ts';
import { kafkaWire } from '../../../../src/transport/log/kafka/wire/index.ts';
import { quieten } from '../../../../src/transport/log/kafka/wire/kafkajs.ts';
import { decodeBatches, encodeBatch } from '../../../../src/transport/log/kafka/wire/record-batch.ts';
import { type ProduceRequest, WireFailure } from '../../../../src/transport/log/kafka/wire.ts';

const require = createRequire(import.meta.url);

describe('kafkajs', () => {
  const root = dirname(require.resolve('kafkajs/package.json'));

  it('is the version whose internals were read: on another one, read src/network, src/protocol and src/broker again', () => {
    const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(version).toBe('2.2.4');
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.js'))
      .sort();
    const hash = createHash('sha256');
    for (const file of files) {
      hash.update(`${file.split(sep).join('/')}\n`);
      hash.update(readFileSync(join(root, 'src', file)));
    }
    expect(hash.digest('hex')).toBe('924e866dae8ce55f080884df9aa40ec7545e71cd7969b9e3c80f7d1c80ace2e5');
  });

  it('sets no timer while nothing is pending', () => {
    const RequestQueue: {
      prototype: { scheduleCheckPendingRequests(this: object): void };
    } = require('kafkajs/src/network/requestQueue');
    const queue = {
      pending: [] as unknown[],
      throttledUntil: Date.now() + 1_000,
      throttleCheckTimeoutId: null as NodeJS.Timeout | null,
      checkPendingRequests: () => undefined,
      scheduleCheckPendingRequests: RequestQueue.prototype.scheduleCheckPendingRequests,
    };
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    clearTimeout(queue.throttleCheckTimeoutId ?? undefined);
    queue.throttleCheckTimeoutId = null;
    quieten(queue);
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
    queue.pending.push('a request');
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    clearTimeout(queue.throttleCheckTimeoutId ?? undefined);
  });
});

describe('record batches', () => {
  const request: ProduceRequest = {
    topic: 'state',
    partition: 0,
    timestampMs: 1_795_413_276_404,
    producer: { producerId: '9007199254740993', epoch: 32_767, sequence: 2 ** 31 - 1 },
    records: [
      { key: 'schlüssel', value: Buffer.from('x'.repeat(9_000)) },
      { key: '', value: new Uint8Array() },
      { key: 'gone', value: null },
      { key: null, value: Buffer.from('v') },
    ],
  };
  const bytes = encodeBatch(request);

  it('are read as they were written', () => {
    const [batch, ...others] = decodeBatches(bytes);
    expect(others).toEqual([]);
    const records = batch?.records.map(({ key, value, valueLength, offset }) => ({ key, value, valueLength, offset }));
    expect({ ...batch, records }).toEqual({
      baseOffset: 0,
      lastOffset: 3,
      leaderEpoch: -1,
      producer: { producerId: '9007199254740993', epoch: 32_767, baseSequence: 2 ** 31 - 1 },
      control: false,
      timestampMs: request.timestampMs,
      records: request.records.map(({ key, value }, offset) => ({
        key,
        value: value && new Uint8Array(value),
        valueLength: value?.length ?? -1,
        offset,
      })),
    });
  });

  it('have the size that the model counts', () => {
    expect(bytes.length).toBe(batchBytes(request.records));
    const many = Array.from({ length: 300 }, (_, index) => ({ key: 'k'.repeat(index), value: null }));
    expect(encodeBatch({ ...request, records: many }).length).toBe(batchBytes(many));
  });

  it('without a producer have none', () => {
    const { producer: _, ...plain } = request;
    expect(decodeBatches(encodeBatch(plain))[0]?.producer).toBeUndefined();
  });

  it('that compaction has emptied keep their header', () => {
    const emptied = Buffer.from(bytes.subarray(0, 61));
    emptied.writeInt32BE(61 - 12, 8);
    emptied.writeInt32BE(0, 57);
    checked(emptied);
    expect(decodeBatches(emptied)).toMatchObject([
      { baseOffset: 0, lastOffset: 3, records: [], producer: { epoch: 32_767 } },
    ]);
  });

  it('of a transaction marker have no records', () => {
    const marker = Buffer.from(bytes);
    marker.writeInt16BE(0x20, 21);
    checked(marker);
    expect(decodeBatches(marker)).toMatchObject([{ control: true, records: [] }]);
  });

  it('that are cut off at the end are left for the next fetch', () => {
    expect(decodeBatches(Buffer.concat([bytes, bytes.subarray(0, 5)]))).toHaveLength(1);
    expect(decodeBatches(Buffer.concat([bytes, bytes.subarray(0, 100)]))).toHaveLength(1);
    expect(decodeBatches(Buffer.concat([bytes, bytes]))).toHaveLength(2);
  });

  it('that are damaged are named, whichever byte it is', () => {
    for (const at of [21, 40, 61, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8((damaged[at] ?? 0) ^ 1, at);
      expect(() => decodeBatches(damaged)).toThrow('the batch at offset 0 is damaged');
    }
  });

  it.each([
    ['gzip', 1, gzipSync],
    ['zstd', 4, zstdCompressSync],
  ] as const)('that others have compressed with %s are read', (_name, codec, compress) => {
    expect(decodeBatches(compressed(codec, compress(bytes.subarray(61))))).toEqual(decodeBatches(bytes));
  });

  it('that others have compressed otherwise are refused by name', () => {
    expect(() => decodeBatches(compressed(2, bytes.subarray(61)))).toThrow('compressed by snappy or lz4');
  });

  it('are protected by CRC-32C', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array())).toBe(0);
  });

  function compressed(codec: number, body: Buffer): Buffer {
    const batch = Buffer.concat([bytes.subarray(0, 61), body]);
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt16BE(codec, 21);
    return checked(batch);
  }

  function checked(batch: Buffer): Buffer {
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
    return batch;
  }
});

describe('a wire to something that is no proper broker', () => {
  let server: Server | undefined;
  const sockets = new Set<Socket>();

  /** Listens, and lets `serve` do what it wants with each request. */
  async function listen(serve: (request: Buffer, socket: Socket) => void): Promise<string> {
    const listening = createServer((socket) => {
      sockets.add(socket);
      socket.on('data', (request) => serve(request, socket)).on('error', () => socket.destroy());
    }).listen(0, '127.0.0.1');
    server = listening;
    await once(listening, 'listening');
    const address = listening.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server?.close();
  });

  it('fails when nobody listens', async () => {
    const broker = await listen(() => undefined);
    server?.close();
    const wire = kafkaWire({ brokers: [broker] });
    await expect(wire.initProducerId('x')).rejects.toThrow(
      new WireFailure(`GroupCoordinator to ${broker}: Connection error: connect ECONNREFUSED ${broker}`),
    );
  });

  it('fails when nothing answers in time', async () => {
    const clock = virtualClock();
    const arrived = Promise.withResolvers<void>();
    const broker = await listen(() => arrived.resolve());
    const wire = kafkaWire({ brokers: [broker], clock, connectTimeoutMs: 5_000 });
    const failed = expect(wire.topics()).rejects.toThrow('no connection within 5000 ms');
    await arrived.promise;
    await clock.advance(5_000);
    await failed;
  });

  it('fails when the connection breaks', async () => {
    const broker = await listen((_, socket) => socket.destroy());
    await expect(kafkaWire({ brokers: [broker] }).topics()).rejects.toThrow(WireFailure);
  });

  it('fails when it is closed, and from then on', async () => {
    const arrived = Promise.withResolvers<void>();
    const broker = await listen(() => arrived.resolve());
    const wire = kafkaWire({ brokers: [broker] });
    const failed = expect(wire.offset('t', 0, 'latest')).rejects.toThrow('the client is closed');
    await arrived.promise;
    await wire.close();
    await failed;
    await expect(wire.heartbeat('g', 'm', 1)).rejects.toThrow('the client is closed');
  });

  it('says which version of which request a broker lacks', async () => {
    const broker = await listen((request, socket) => {
      // Error 0, one API (Produce, versions 0 to 3), no throttling.
      const answer = Buffer.alloc(24);
      answer.writeInt32BE(answer.length - 4, 0);
      request.copy(answer, 4, 8, 12);
      answer.writeInt32BE(1, 10);
      answer.writeInt16BE(3, 18);
      socket.write(answer);
    });
    await expect(kafkaWire({ brokers: [broker] }).topics()).rejects.toThrow(
      'the broker does not speak version 7 of Produce: Apache Kafka 2.8 or newer is needed',
    );
  });

  it('never tells a secret', async () => {
    const broker = await listen((_, socket) => socket.destroy());
    const sasl = { mechanism: 'plain', username: 'weir', password: 'hunter2' } as const;
    const failure: unknown = await kafkaWire({ brokers: [broker], sasl })
      .topics()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WireFailure);
    expect(JSON.stringify([failure, String(failure), failure instanceof Error && failure.stack])).not.toContain(
      'hunter2',
    );
  });

  it('takes brokers by name, by address and by IPv6 address, and nothing else', () => {
    for (const broker of ['kafka-1.example.org:9092', '10.0.0.1:9092', '[::1]:9092']) {
      expect(() => kafkaWire({ brokers: [broker] })).not.toThrow();
    }
    expect(() => kafkaWire({ brokers: ['kafka-1'] })).toThrow('a broker is given as host:port, not as kafka-1');
  });
});
