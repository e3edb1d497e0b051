import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/ports/index.ts';
import { Frames } from '../../../../src/transport/log/kafka/wire/frames.ts';
import { kafkajsRequests } from '../../../../src/transport/log/kafka/wire/kafkajs.ts';
import { Lane } from '../../../../src/transport/log/kafka/wire/lane.ts';

function framed(body: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(body.length);
  return Buffer.concat([head, body]);
}

describe('answers of a broker, as they come out of a socket', () => {
  it('are given whole and in order, however the stream is cut and though its memory is used again', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }), (answers, cuts) => {
        const given: Buffer[] = [];
        const frames = new Frames((frame) => void given.push(frame));
        const stream = Buffer.concat(answers.map(framed));
        const memory = Buffer.alloc(64);
        for (let at = 0, n = 0; at < stream.length; n += 1) {
          const end = Math.min(stream.length, at + (cuts[n % cuts.length] ?? 1));
          const piece = memory.subarray(0, stream.copy(memory, 0, at, end));
          frames.add(piece);
          at = end;
        }
        expect(given).toEqual(answers.map(framed));
      }),
    );
  });

  it('that no broker gives end the connection at once, with a sentence, whatever they say about their length', async () => {
    const server = net.createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const setup = { clock: systemClock(), clientId: 'test', tls: undefined, sasl: undefined, connectTimeoutMs: 30_000 };
    const lane = new Lane(setup, { host: '127.0.0.1', port }, () => undefined);
    try {
      await expect(lane.send(kafkajsRequests.apiVersions({}), 30_000)).rejects.toThrow(
        'an answer of 1213486160 bytes: it is not Kafka that answers',
      );
    } finally {
      lane.end();
      server.close();
    }
  });
});
