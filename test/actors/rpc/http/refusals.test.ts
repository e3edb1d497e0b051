import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { capturedLog, served } from './support.ts';

const flowsPath = '/api/v1/members/ACME/flows';
const json = { 'content-type': 'application/json' };

describe('HTTP, refusals', () => {
  it.each([
    ['an unknown member', 'GET', '/api/v1/members/NOBODY/flows', 404, 'WEIR_MEMBER_UNKNOWN'],
    ['an unknown flow', 'GET', '/api/v1/flows/none', 404, 'WEIR_FLOW_NOT_FOUND'],
    ['an unknown path', 'GET', '/api/v1/nothing', 404, 'WEIR_HTTP_ROUTE'],
    ['a path that is not one', 'GET', '/%zz', 400, 'WEIR_HTTP_MALFORMED'],
    ['an unknown parameter', 'GET', '/api/v1/flows?lmit=3', 400, 'WEIR_REQUEST_INVALID'],
    ['a limit that is no number', 'GET', '/api/v1/flows?limit=x', 400, 'WEIR_REQUEST_INVALID'],
    ['a cursor of no page', 'GET', '/api/v1/flows?cursor=!', 400, 'WEIR_REQUEST_INVALID'],
    ['an unknown status', 'GET', '/api/v1/flows?status=FINE', 400, 'WEIR_REQUEST_INVALID'],
    ['a wait that is no duration', 'GET', '/api/v1/flows/x/result?wait=5', 400, 'WEIR_REQUEST_INVALID'],
    ['too long a wait', 'GET', '/api/v1/flows/x/result?wait=1h', 400, 'WEIR_REQUEST_INVALID'],
  ])('RP5 answers %s with a problem', async (_what, method, path, status, code) => {
    const { api } = await served();
    const answer = await api.send(method, path);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).toMatchObject({ type: `/errors/${code}`, status, retryable: false });
    expect(Object.keys(answer.body).sort()).toEqual([
      'code',
      'detail',
      ...(code === 'WEIR_FLOW_NOT_FOUND' ? ['flowId'] : []),
      'remedy',
      'retryable',
      'status',
      'title',
      'type',
    ]);
  });

  it.each([
    ['malformed JSON', '{"flow":', json, 400, 'WEIR_HTTP_MALFORMED'],
    ['no body', undefined, json, 400, 'WEIR_HTTP_MALFORMED'],
    ['a prototype in the body', '{"__proto__":{"x":1}}', json, 400, 'WEIR_HTTP_MALFORMED'],
    ['another type of content', 'flow=double', { 'content-type': 'text/plain' }, 415, 'WEIR_HTTP_MEDIA_TYPE'],
    ['more than a mebibyte', `{"flow":"${'x'.repeat(1024 * 1024)}"}`, json, 413, 'WEIR_HTTP_TOO_LARGE'],
    ['no flow', '{"clientRequestId":"1","input":{}}', json, 400, 'WEIR_REQUEST_INVALID'],
    ['an unknown key', '{"clientRequestId":"1","flow":"double","inptu":{}}', json, 400, 'WEIR_REQUEST_INVALID'],
    ['an unknown flow', '{"clientRequestId":"1","flow":"x"}', json, 404, 'WEIR_FLOW_UNKNOWN'],
    [
      'an empty request id',
      '{"clientRequestId":"","flow":"double","input":{"n":1}}',
      json,
      400,
      'WEIR_FLOW_REQUEST_ID_INVALID',
    ],
    [
      'input that does not fit',
      '{"clientRequestId":"1","flow":"double","input":{"n":"x"}}',
      json,
      400,
      'WEIR_FLOW_INPUT_INVALID',
    ],
    [
      'input whose schema fails',
      '{"clientRequestId":"1","flow":"careless","input":"x"}',
      json,
      400,
      'WEIR_FLOW_INPUT_INVALID',
    ],
  ])('RP5 refuses to start a flow with %s, and starts nothing', async (_what, body, headers, status, code) => {
    const { api } = await served();
    const answer = await api.send('POST', flowsPath, headers, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.text).not.toMatch(/\bat \S+:\d+|FST_ERR|node_modules/);
    expect((await api.get('/api/v1/flows')).body.flows).toEqual([]);
  });

  it('names every mistake of a query with its path', async () => {
    const { api } = await served();
    const { detail } = (await api.get('/api/v1/flows?limit=0&status=FINE&foo=1')).body;
    expect(detail).toContain('limit: must be from 1 to 1000');
    expect(detail).toContain('status: ');
    expect(detail).toContain('"foo"');
  });

  it('says which methods a path has', async () => {
    const { api } = await served();
    const answer = await api.send('DELETE', flowsPath);
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
  });

  it('has a page for each error that a problem names', async () => {
    const { api } = await served();
    const { type } = (await api.get('/nothing')).body;
    const page = await api.get(type);
    expect(page.status).toBe(200);
    expect(page.text).toContain('What to do:');
  });

  it('RP15 answers for loopback names only, so that a rebound name of a web page reaches nothing', async () => {
    const { api, url } = await served();
    const { port } = new URL(url);
    for (const host of ['127.0.0.1', `localhost:${port}`, `[::1]:${port}`]) {
      expect((await api.get('/api/v1/status', { host })).status).toBe(200);
    }
    for (const host of ['evil.example', `127.0.0.1.evil.example:${port}`, '10.0.0.1', '127.evil.example']) {
      const answer = await api.get('/api/v1/status', { host });
      expect([answer.status, answer.body.code]).toEqual([403, 'WEIR_HTTP_HOST']);
    }
  });

  it('RP15 lets no page of another site start anything', async () => {
    const { api, url } = await served();
    const body = { clientRequestId: '1', flow: 'double', input: { n: 1 } };
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1']) {
      const answer = await api.post(flowsPath, body, { origin });
      expect([answer.status, answer.body.code]).toEqual([403, 'WEIR_HTTP_ORIGIN']);
    }
    expect((await api.get('/api/v1/flows')).body.flows).toEqual([]);
    expect((await api.post(flowsPath, body, { origin: url })).status).toBe(202);
  });

  it('answers a request that is not HTTP with a problem, too', async () => {
    const { url } = await served();
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write('HELLO\r\n\r\n'));
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toContain('400 Bad Request');
    expect(answer).toContain('"code":"WEIR_HTTP_MALFORMED"');
  });

  it('MO10 logs what failed inside with flow, request id and member, and tells the client no more than its code', async () => {
    const { logger, lines } = capturedLog();
    const { api } = await served({
      logger,
      authorize: (_principal, action) => {
        if (action === 'flow.read') throw new TypeError('the directory is down');
        return true;
      },
    });
    const started = await api.start('r7', 'double', { n: 1 }, '?wait=30s');
    expect([started.status, started.body.code]).toEqual([500, 'WEIR_INTERNAL']);
    expect(started.text).not.toContain('directory');
    expect(lines.find(({ msg }) => msg === 'a request failed')).toMatchObject({
      member: 'ACME',
      clientRequestId: 'r7',
      flow: 'double',
      code: 'WEIR_INTERNAL',
      error: { cause: { message: 'the directory is down' } },
    });
    const { flowId } = (await api.start('r8', 'double', { n: 1 })).body;
    await api.get(`/api/v1/flows/${flowId}`);
    expect(lines.filter(({ msg }) => msg === 'a request failed').at(-1)).toMatchObject({ flowId });
  });

  it('MO10 logs a flow that gets stuck with its id, its request id and its member', async () => {
    const { logger, lines } = capturedLog();
    const { api } = await served({ logger });
    const stuck = (await api.start('r10', 'misfit', {}, '?wait=30s')).body;
    expect(lines.find(({ msg }) => msg === 'flow is stuck')).toMatchObject({
      level: 50,
      flowId: stuck.flowId,
      clientRequestId: 'r10',
      member: 'ACME',
    });
  });
});
