import { describe, expect, it } from 'vitest';
import { gated } from './gated.ts';

describe('HTTP, durability and load', () => {
  it('RP1 answers a start only after its commit', async () => {
    const { api, node, commits } = await gated({ ready: true });
    await node;
    commits.close();
    let answered = false;
    const start = api.start('r', 'double', { n: 1 }).then((answer) => {
      answered = true;
      return answer;
    });
    // Requests that came later are answered while the start waits.
    for (let i = 0; i < 20; i++) await api.get('/api/v1/flows');
    expect(answered).toBe(false);
    commits.open();
    expect((await start).status).toBe(202);
  });

  it('RP11 refuses new flows with 429 when commits do not keep up, and harms no accepted one', async () => {
    const { api, node, commits } = await gated({ ready: true });
    await node;
    commits.close();
    const text = 'x'.repeat(400_000);
    const starts = Array.from({ length: 120 }, (_, n) => api.start(`r${n}`, 'swallow', { text }));
    const refused = await Promise.any(
      starts.map(async (start) => {
        const answer = await start;
        if (answer.status !== 429) throw new Error('it was accepted');
        return answer;
      }),
    );
    expect(refused.body).toMatchObject({ code: 'WEIR_SHARD_BUSY', retryable: true });
    expect(refused.headers['retry-after']).toBe('1');
    commits.open();
    const accepted = (await Promise.all(starts)).filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThan(0);
    for (const { body } of accepted) {
      const { body: flow } = await api.get(`/api/v1/flows/${body.flowId}/result?wait=30s`);
      expect(flow).toMatchObject({ status: 'COMPLETED', result: { length: 400_000 } });
    }
  });

  it('RP14, MO1 is alive but not ready, with reasons, and answers 503 until flows can run', async () => {
    const { api, node, claims } = await gated({ ready: false });
    expect((await api.get('/health/live')).status).toBe(200);
    const waiting = await api.get('/health/ready');
    expect(waiting.status).toBe(503);
    expect(waiting.headers['retry-after']).toBe('1');
    expect(waiting.body.ready).toBe(false);
    const reason = expect.stringMatching(
      /^rpc waits on flow, which waits on log \(starting: 0 of \d shards are open\)$/,
    );
    expect(waiting.body.reasons).toContainEqual(reason);
    const refused = await api.start('r', 'double', { n: 1 });
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([
      503,
      'WEIR_NODE_NOT_READY',
      '1',
    ]);
    expect((await api.get('/api/v1/status')).body).toMatchObject({ ready: false });

    claims.open();
    await node;
    expect((await api.get('/health/ready')).body).toEqual({ ready: true, reasons: [] });
    expect((await api.start('r', 'double', { n: 1 })).status).toBe(202);
  });

  it('WK8 goes on when the RPC service crashes, which comes back by itself', async () => {
    const { api, node } = await gated({ ready: true });
    const { internals } = await node;
    const { flowId } = (await api.start('r', 'double', { n: 1 }, '?wait=30s')).body;
    // Not a message of its protocol: a crash, as a bug would be.
    internals.rpc().tell({ type: 'get', name: null } as never);
    await expect.poll(async () => (await api.get('/api/v1/tree')).text).toContain('"restarts":1');
    expect((await api.get('/health/live')).status).toBe(200);
    await expect.poll(async () => (await api.get('/health/ready')).status).toBe(200);
    expect((await api.get(`/api/v1/flows/${flowId}`)).body.status).toBe('COMPLETED');
  });

  it('answers who waits for a result when the node stops, and lets requests under way finish', async () => {
    const { api, node, commits } = await gated({ ready: true });
    const running = await node;
    const nap = (await api.start('nap', 'nap', { for: '1 hour' })).body;
    const poll = api.get(`/api/v1/flows/${nap.flowId}/result?wait=5min`);
    commits.close();
    const start = api.start('late', 'nap', { for: '1 hour' });
    // Both are under way once a later request has been answered.
    await expect.poll(async () => (await api.get('/api/v1/tree')).text).toContain('"waiting":1');
    const stopped = running.stop();
    expect((await poll).body).toMatchObject({ status: 'RUNNING' });
    commits.open();
    expect((await start).status).toBe(202);
    await stopped;
    await expect(api.get('/health/live')).rejects.toThrow('ECONNREFUSED');
  });
});
