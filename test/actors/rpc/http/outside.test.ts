import { describe, expect, it } from 'vitest';
import { served } from './support.ts';

const root = '/api/v1';

describe('HTTP, signals, queries and cancellation', () => {
  it('RP5 tells what is wrong with a signal, and takes a repeat for what it is', async () => {
    const { api } = await served();
    const { flowId } = (await api.start('r', 'nap', { for: '1 hour' })).body;
    const signal = (name: string, body: object) => api.post(`${root}/flows/${flowId}/signals/${name}`, body);
    expect(await signal('disturb', { signalId: 'a', body: 'hello' })).toMatchObject({
      status: 202,
      body: { accepted: true, signal: 'disturb', signalId: 'a' },
    });
    expect((await signal('disturb', { signalId: 'a', body: 'hello' })).body).toMatchObject({ accepted: false });
    const refused = [
      await signal('disturb', { signalId: 'a', body: 'another' }),
      await signal('disturbe', { signalId: 'b', body: 'hello' }),
      await signal('disturb', { signalId: 'b', body: 7 }),
      await signal('disturb', { signalId: '', body: 'hello' }),
      await signal('disturb', { body: 'hello' }),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
      [409, 'WEIR_SIGNAL_CONFLICT'],
      [404, 'WEIR_SIGNAL_UNKNOWN'],
      [400, 'WEIR_SIGNAL_INVALID'],
      [400, 'WEIR_FLOW_REQUEST_ID_INVALID'],
      [400, 'WEIR_REQUEST_INVALID'],
    ]);
  });

  it('RP3 answers a query from where the flow is', async () => {
    const { api } = await served();
    const { flowId } = (await api.start('r', 'nap', { for: '1 hour' })).body;
    const query = (name: string) => api.post(`${root}/flows/${flowId}/queries/${name}`, {});
    expect(await query('until')).toMatchObject({ status: 200, body: { value: { for: '1 hour' } } });
    expect(await query('never')).toMatchObject({ status: 404, body: { code: 'WEIR_QUERY_UNKNOWN' } });
  });

  it('FE9 a cancelled flow ends as KILLED, with the reason', async () => {
    const { api } = await served();
    const { flowId } = (await api.start('r', 'nap', { for: '1 hour' })).body;
    expect((await api.post(`${root}/flows/${flowId}/cancel`, { reason: 'not needed' })).status).toBe(200);
    const ended = await api.get(`${root}/flows/${flowId}/result?wait=30s`);
    expect(ended.body).toMatchObject({ status: 'KILLED', error: { code: 'CANCELLED' } });
    expect(await api.post(`${root}/flows/${flowId}/cancel`, {})).toMatchObject({ status: 400 });
  });
});
