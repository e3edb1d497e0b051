import { describe, expect, it } from 'vitest';
import { repairs } from '../../../fixtures/flows.ts';
import { feedOf, refusalOf } from './feed-client.ts';
import { served } from './support.ts';

describe('HTTP, the feed', () => {
  it('RP4 tells how flows are, and each change, in the form in which they are read', async () => {
    const { api, url } = await served();
    await api.start('before', 'double', { n: 1 }, '?wait=30s');
    const feed = await feedOf(url);
    await feed.flow('before', 'COMPLETED');
    const { flowId } = (await api.start('after', 'double', { n: 4 })).body;
    expect(await feed.flow('after', 'COMPLETED')).toEqual((await api.get(`/api/v1/flows/${flowId}`)).body);
  });

  it('RP4 says at once that it is current, and from where it can be resumed', async () => {
    const { api, url } = await served();
    await api.start('before', 'double', { n: 1 }, '?wait=30s');
    const feed = await feedOf(url, { from: 'now' });
    expect(await feed.message(({ type }) => type === 'current')).toEqual({
      type: 'current',
      position: expect.any(String),
    });
    expect(feed.messages).toHaveLength(1);
  });

  it('RP4 tells of one flow until it has ended, and closes', async () => {
    const { api, url } = await served();
    const { flowId } = (await api.start('stuck', 'broken', {}, '?wait=30s')).body;
    const byId = await feedOf(url, { flowId });
    const byRequest = await feedOf(url, { member: 'ACME', clientRequestId: 'stuck' });
    await byId.flow('stuck', 'STUCK');
    await byRequest.flow('stuck', 'STUCK');
    repairs.done = true;
    await api.post(`/api/v1/flows/${flowId}/retry`, { reason: 'mended' });
    expect(await byId.closed).toEqual({ code: 1000, reason: 'the flow has ended' });
    await byRequest.closed;
    for (const { messages } of [byId, byRequest]) {
      expect(messages.at(-1)?.flows).toMatchObject([{ status: 'COMPLETED', result: 'mended' }]);
    }
  });

  it('RP4 tells of flows by member, definition and status', async () => {
    const { api, url } = await served();
    const naps = await feedOf(url, { flow: 'nap' });
    const failed = await feedOf(url, { status: 'failed' });
    const other = await feedOf(url, { member: 'O=Other, C=DE', group: 'test' });
    const body = { clientRequestId: 'other', flow: 'double', input: { n: 1 } };
    await api.post(`/api/v1/members/${encodeURIComponent('O=Other, C=DE')}/flows?group=test`, body);
    await api.start('declined', 'decline', { why: 'no' });
    await api.start('nap', 'nap', { for: '1ms' });
    await naps.flow('nap', 'COMPLETED');
    await failed.flow('declined', 'FAILED');
    await other.flow('other', 'COMPLETED');
    const requests = (feed: typeof naps): unknown[] => [
      ...new Set(feed.messages.flatMap(({ flows = [] }) => flows.map(({ clientRequestId }) => clientRequestId))),
    ];
    expect([requests(naps), requests(failed), requests(other)]).toEqual([['nap'], ['declined'], ['other']]);
  });

  it('RP4 goes on where it was after a restart of the node', async () => {
    const { api, url, node, data } = await served();
    for (let n = 0; n < 10; n++) await api.start(`early${n}`, 'double', { n }, '?wait=30s');
    await api.start('nap', 'nap', { for: '1 s' });
    const first = await feedOf(url);
    await first.flow('nap', 'RUNNING');
    const position = first.position();
    const stopped = node.stop();
    expect(await first.closed).toMatchObject({ code: 1012 });
    await stopped;
    const again = await served({ data });
    const second = await feedOf(again.url, { from: position });
    await second.flow('nap', 'COMPLETED');
    expect(second.messages.some(({ type }) => type === 'reset')).toBe(false);
  });

  it('RP4 says so when it cannot go on from a position', async () => {
    const other = await served({ shards: 3 });
    const { position } = await (await feedOf(other.url)).message(({ type }) => type === 'current');
    const { api, url } = await served();
    await api.start('here', 'double', { n: 1 }, '?wait=30s');
    const feed = await feedOf(url, { from: position });
    await feed.flow('here', 'COMPLETED');
    expect(feed.messages[0]).toMatchObject({ type: 'reset', why: 'the position is not of this node' });
  });

  it('RP4 is closed to come back later when the service behind it restarts', async () => {
    const { api, url } = await served();
    const feed = await feedOf(url);
    await feed.message(({ type }) => type === 'current');
    await api.post('/api/v1/actors/restart', { path: '/services/rpc', reason: 'a test' });
    expect(await feed.closed).toMatchObject({ code: 1013 });
    await expect.poll(async () => (await api.get('/health/ready')).status).toBe(200);
    const again = await feedOf(url, { from: feed.position() });
    await api.start('after', 'double', { n: 1 });
    await again.flow('after', 'COMPLETED');
  });

  it('counts open feeds in the tree and in the figures', async () => {
    const { api, url } = await served();
    const feed = await feedOf(url);
    await feed.message(({ type }) => type === 'current');
    expect((await api.get('/metrics')).text).toContain('\nweir_feeds_open 1\n');
    expect((await api.get('/api/v1/tree?path=/services/http')).body.actors[0].facts).toEqual({ feeds: 1 });
    feed.socket.close();
    await feed.closed;
    await expect.poll(async () => (await api.get('/metrics')).text).toContain('\nweir_feeds_open 0\n');
  });
});

describe('HTTP, a feed that is refused', () => {
  it.each<[string, Record<string, unknown> | string, number, string]>([
    ['text that is no JSON', 'hello', 4400, 'WEIR_REQUEST_INVALID'],
    ['another message', '{"type":"ping"}', 4400, 'WEIR_REQUEST_INVALID'],
    ['an unknown key', { flwo: 'nap' }, 4400, 'WEIR_REQUEST_INVALID'],
    ['an unknown status', { status: 'FINE' }, 4400, 'WEIR_REQUEST_INVALID'],
    ['a request id without its member', { clientRequestId: 'r' }, 4400, 'WEIR_REQUEST_INVALID'],
    ['one flow by two names', { flowId: 'x', clientRequestId: 'r', member: 'ACME' }, 4400, 'WEIR_REQUEST_INVALID'],
    ['one flow of a status', { flowId: 'x', status: 'STUCK' }, 4400, 'WEIR_REQUEST_INVALID'],
    ['a position of no feed', { from: 'yesterday' }, 4400, 'WEIR_REQUEST_INVALID'],
    ['an unknown flow', { flowId: 'none' }, 4404, 'WEIR_FLOW_NOT_FOUND'],
    ['an unknown request', { member: 'ACME', clientRequestId: 'none' }, 4404, 'WEIR_REQUEST_NOT_FOUND'],
    ['an unknown member', { member: 'NOBODY' }, 4404, 'WEIR_MEMBER_UNKNOWN'],
  ])('RP5 for %s is told why and closed', async (_what, subscription, code, reason) => {
    const { url } = await served();
    const feed = await feedOf(url, subscription);
    expect(await feed.closed).toEqual({ code, reason });
    expect(feed.messages).toMatchObject([{ type: 'refused', problem: { code: reason, status: code - 4000 } }]);
  });

  it('RP5 has one subscription', async () => {
    const { url } = await served();
    const feed = await feedOf(url);
    feed.socket.send('{"type":"subscribe"}');
    expect(await feed.closed).toMatchObject({ code: 4400 });
    expect(feed.messages.at(-1)).toMatchObject({ problem: { detail: expect.stringContaining('one subscription') } });
  });

  it('RP5 takes no long message', async () => {
    const { url } = await served();
    const feed = await feedOf(url, 'x'.repeat(65 * 1024));
    expect(await feed.closed).toMatchObject({ code: 1009 });
  });

  it('RP6 tells nobody of a flow that they may not read', async () => {
    const { api, url, node } = await served({ authorize: (_principal, action) => action !== 'flow.read' });
    await api.start('secret', 'nap', { for: '1 hour' });
    const all = await feedOf(url);
    await all.message(({ type }) => type === 'current');
    expect(all.messages).toHaveLength(1);
    const one = await feedOf(url, { member: 'ACME', clientRequestId: 'secret' });
    expect(await one.closed).toEqual({ code: 4403, reason: 'WEIR_FORBIDDEN' });
    expect(node.status().ready).toBe(true);
  });

  it('RP15 is not opened for pages of another site, nor for another host', async () => {
    const { url } = await served();
    expect(await refusalOf(url, { origin: 'http://evil.example' })).toMatchObject({ code: 'WEIR_HTTP_ORIGIN' });
    expect(await refusalOf(url, { headers: { host: 'evil.example' } })).toMatchObject({ code: 'WEIR_HTTP_HOST' });
    const feed = await feedOf(url, {}, { origin: url });
    await feed.message(({ type }) => type === 'current');
  });

  it('RP5 tells whoever does not speak WebSocket, or asks elsewhere, in HTTP', async () => {
    const { api, url } = await served();
    const plain = await api.get('/api/v1/feed');
    expect([plain.status, plain.body.code, plain.headers.upgrade]).toEqual([426, 'WEIR_FEED_UPGRADE', 'websocket']);
    expect(await refusalOf(url, {}, '/api/v1/feed?from=now')).toMatchObject({ code: 'WEIR_REQUEST_INVALID' });
    expect(await refusalOf(url, {}, '/api/v1/nothing')).toMatchObject({ code: 'WEIR_HTTP_ROUTE' });
    // Offers of other protocols are left alone.
    const offered = await api.get('/health/live', { connection: 'upgrade', upgrade: 'h2c' });
    expect(offered.status).toBe(200);
  });
});
