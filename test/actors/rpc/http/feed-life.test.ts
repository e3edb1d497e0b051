/** The life of feeds over real sockets, on a clock that the test moves. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Edge } from '../../../../src/actors/rpc/http/edge.ts';
import { Feeds, type FeedsSetup } from '../../../../src/actors/rpc/http/feed/feeds.ts';
import { allowAll, silentLogger } from '../../../../src/ports/index.ts';
import { type TestNode, testNode } from '../../../../src/testing/index.ts';
import { decline, double, nap } from '../../../fixtures/flows.ts';
import { refusalOf } from './feed-client.ts';

/** Counts the pages that connections ask for. */
class CountingEdge extends Edge {
  pages = 0;

  override changes(...asked: Parameters<Edge['changes']>): ReturnType<Edge['changes']> {
    this.pages++;
    return super.changes(...asked);
  }
}

interface Rig {
  readonly kit: TestNode;
  readonly feeds: Feeds;
  readonly edge: CountingEdge;
  readonly url: string;
  /** A client that has been let in and has said nothing yet. */
  readonly client: (options?: WebSocket.ClientOptions) => Promise<WebSocket>;
}

async function rig(settings: Partial<FeedsSetup> = {}): Promise<Rig> {
  const kit = await testNode({ members: { ACME: { flows: [double, nap, decline] } }, shards: 2 });
  const { system, rpc, registry } = kit.node().internals;
  const edge = new CountingEdge({ system, rpc, directory: registry, authorize: allowAll });
  const feeds = new Feeds({ edge, clock: kit.clock, logger: silentLogger, onAnswered: () => undefined, ...settings });
  const server = createServer().on('upgrade', (request, socket, head) => feeds.upgrade(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  onTestFinished(async () => {
    feeds.end();
    server.close();
    await kit.stop();
  });
  return {
    ...{ kit, feeds, edge, url },
    async client(options = {}) {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/feed`, options);
      onTestFinished(() => socket.terminate());
      await once(socket, 'open');
      return socket;
    },
  };
}

const subscribe = '{"type":"subscribe"}';

describe('the life of a feed', () => {
  it('W7 ends when the client answers no ping any more', async () => {
    const { kit, feeds, client } = await rig();
    const dead = await client({ autoPong: false });
    const alive = await client();
    const pinged = once(dead, 'ping');
    dead.send(subscribe);
    alive.send(subscribe);
    await Promise.all([pinged, once(dead, 'message'), once(alive, 'message')]);
    expect(feeds.open).toBe(2);
    const closed = once(dead, 'close');
    for (const next of [1, 2]) {
      const answered = once(alive, 'ping');
      await kit.advance('30 s');
      if (next === 1) await answered;
    }
    expect((await closed)[0]).toBe(1006);
    await expect.poll(() => feeds.open).toBe(1);
  });

  it('W7 ends when nobody says what it is to be about', async () => {
    const { kit, client } = await rig();
    const silent = await client();
    const closed = once(silent, 'close');
    await kit.advance('10 s');
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([4400, 'WEIR_REQUEST_INVALID']);
  });

  it('RP4 tells its position from time to time when nothing changes', async () => {
    const { kit, client } = await rig();
    const socket = await client();
    const first = once(socket, 'message');
    socket.send(subscribe);
    const before = JSON.parse(String((await first)[0]));
    await kit.node().start('ACME', nap, { for: '1 hour' });
    await once(socket, 'message');
    const later = once(socket, 'message');
    await kit.advance('30 s');
    const { type, position } = JSON.parse(String((await later)[0]));
    expect(type).toBe('current');
    expect(position).not.toBe(before.position);
  });

  it('W7, RP11 are so many at one time', async () => {
    const { feeds, client, url } = await rig({ max: 2 });
    const first = await client();
    await client();
    expect(await refusalOf(url)).toMatchObject({ status: 429, code: 'WEIR_FEEDS_FULL', retryable: true });
    first.close();
    await expect.poll(() => feeds.open).toBe(1);
    await client();
  });

  it('RP4 are sent away when the node stops, those that do not answer too, and nobody is let in', async () => {
    const { kit, feeds, client, url } = await rig();
    const polite = await client();
    const deaf = await client();
    polite.send(subscribe);
    await once(polite, 'message');
    deaf.pause();
    const farewell = once(polite, 'close');
    const drained = feeds.drain();
    expect(await refusalOf(url)).toMatchObject({ status: 503, code: 'WEIR_NODE_NOT_READY' });
    expect((await farewell)[0]).toBe(1012);
    await expect.poll(() => feeds.open).toBe(1);
    await kit.advance('2 s');
    await drained;
    expect(feeds.open).toBe(0);
  });

  it('RP4, W7 a client that does not read holds a page and no more, and is told how every flow ended', async () => {
    const { kit, edge, client } = await rig();
    const socket = await client();
    socket.send(subscribe);
    await once(socket, 'message');
    socket.pause();
    const count = 300;
    const why = 'x'.repeat(100_000);
    for (let n = 0; n < count; n++) {
      await kit.node().start('ACME', decline, { why }, { clientRequestId: `r${n}` });
    }
    await kit.advance(0);
    // What fits into the buffers of sockets has left; that is a small part of all.
    const asked = edge.pages;
    const ended = new Set<string>();
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        for (const { clientRequestId, status } of JSON.parse(String(data)).flows ?? []) {
          if (status === 'FAILED') ended.add(clientRequestId);
        }
        if (ended.size === count) resolve();
      });
    });
    socket.resume();
    await all;
    expect(asked, `of ${edge.pages} pages`).toBeLessThan(edge.pages / 2);
  });
});
