/** The errors of a node, as a client reads them over HTTP. */
import { describe, expect, it } from 'vitest';
import { type Client, served } from './support.ts';

/** Asks again until there are so many errors that fit. */
async function errors(api: Client, query: string, count: number): Promise<Record<string, unknown>[]> {
  for (let after = 0, seen: Record<string, unknown>[] = []; ; ) {
    const { body } = await api.get(`/api/v1/errors?${query}&after=${after}&wait=20s`);
    seen = [...seen, ...body.errors];
    if (seen.length >= count) return seen;
    after = body.next;
  }
}

describe('HTTP, errors', () => {
  it('MO11 shows what went wrong, by service and code, with what to do', async () => {
    const { node, api } = await served();
    const { body } = await api.start('r-1', 'broken', {}, '?wait=20s');
    expect(body.status).toBe('STUCK');
    node.internals.system.steer.crash('/services/rpc', new Error('no more'));
    await api.get('/api/v1/flows');
    expect(await errors(api, 'service=flow', 1)).toMatchObject([
      {
        ...{ service: 'flow', severity: 'error', code: 'TypeError', message: 'flow is stuck: the part is missing' },
        ...{ flowId: body.flowId, flow: 'broken', member: 'ACME', clientRequestId: 'r-1', count: 1 },
        remedy: `see "weir flow show ${body.flowId}"`,
        at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ]);
    expect(await errors(api, 'service=rpc', 1)).toMatchObject([
      { service: 'rpc', severity: 'warning', code: 'WEIR_INTERNAL', actor: '/services/rpc' },
    ]);
    const newest = (await api.get('/api/v1/errors?limit=1')).body;
    expect(newest).toMatchObject({ errors: [{ service: 'rpc' }], cursor: expect.any(Number) });
    const older = (await api.get(`/api/v1/errors?limit=1&cursor=${newest.cursor}`)).body;
    expect(older.errors).toMatchObject([{ service: 'flow' }]);
    expect((await api.get('/api/v1/errors?code=TypeError&since=1h')).body.errors).toHaveLength(1);
    expect((await api.get('/api/v1/errors?worker=nobody')).body.errors).toEqual([]);
    expect((await api.get('/api/v1/errors?since=2100-01-01T00:00:00Z')).body.errors).toEqual([]);
  });

  it.each(['since=yesterday', 'limit=0', 'cursor=1&after=1', 'wait=6min', 'colour=red'])(
    'MO11 refuses ?%s',
    async (query) => {
      const { api } = await served();
      const { status, body } = await api.get(`/api/v1/errors?${query}`);
      expect([status, body.code]).toEqual([400, 'WEIR_REQUEST_INVALID']);
    },
  );

  it('MO11 asks who may look, and lets whoever waits go when the node stops', async () => {
    const { api } = await served({ authorize: (_principal, action) => action !== 'node.read' });
    expect((await api.get('/api/v1/errors')).status).toBe(403);
    const open = await served();
    const waiting = open.api.get('/api/v1/errors?after=0&wait=5min');
    await open.api.get('/api/v1/status');
    await open.node.stop();
    expect(await waiting).toMatchObject({ status: 200, body: { errors: [], next: 0 } });
  });

  it('MO11 keeps errors over a restart of the node, the last ones of the former process too', async () => {
    const first = await served();
    await first.api.start('r-1', 'broken', {}, '?wait=20s');
    await first.node.stop();
    const { api } = await served({ data: first.data });
    expect(await errors(api, 'service=flow', 1)).toMatchObject([{ clientRequestId: 'r-1' }]);
  });
});
