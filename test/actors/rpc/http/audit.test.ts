import { describe, expect, it } from 'vitest';
import { served } from './support.ts';

/** Starts a flow that a bug keeps, and does to it what operators do. */
async function operated() {
  const node = await served();
  const { api } = node;
  const { body } = await api.start('r1', 'broken', {}, '?wait=30s');
  const path = `/api/v1/flows/${body.flowId}`;
  await api.post(`${path}/skip`, { reason: 'made by hand', result: 'by hand' });
  await api.get(`${path}/result?wait=30s`);
  await api.start('r2', 'double', { n: 4 }, '?wait=30s');
  return { ...node, flowId: String(body.flowId) };
}

describe('HTTP, the audit', () => {
  it('SM5 SM17 tells who did what to a flow, newest first, with before and after', async () => {
    const { api, flowId } = await operated();
    const { status, body } = await api.get(`/api/v1/audit?flowId=${flowId}`);
    expect(status).toBe(200);
    expect(body.entries.map(({ act, subject }: { act: string; subject: string }) => `${act} ${subject}`)).toEqual([
      'end COMPLETED',
      'skip step "use"',
      'start ',
    ]);
    expect(body.entries[1]).toMatchObject({
      flowId,
      flow: 'broken',
      member: { name: 'ACME', group: 'default' },
      clientRequestId: 'r1',
      principal: 'local:operator',
      principalKind: 'operator',
      reason: 'made by hand',
      after: { size: 8, value: 'by hand', bytes: expect.any(String), hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(body.entries[0].previous).toBe(body.entries[1].hash);
    expect(body.entries[2]).toMatchObject({ principal: 'local:http', principalKind: 'client' });
  });

  it('SM17 takes every filter, and refuses what is none', async () => {
    const { api } = await operated();
    const count = async (query: string): Promise<number> =>
      (await api.get(`/api/v1/audit?${query}`)).body.entries.length;
    expect(await count('')).toBe(5);
    expect(await count('act=start')).toBe(2);
    expect(await count('principal=local%3Aoperator')).toBe(1);
    expect(await count('member=ACME&flow=double')).toBe(2);
    expect(await count('since=1%20hour')).toBe(5);
    expect(await count('until=1%20hour')).toBe(0);
    expect(await count('since=2020-01-01T00:00:00Z&until=2021-01-01')).toBe(0);
    expect((await api.get('/api/v1/audit?since=yesterday')).status).toBe(400);
    expect((await api.get('/api/v1/audit?member=NOBODY')).body.code).toBe('WEIR_MEMBER_UNKNOWN');
    const first = await api.get('/api/v1/audit?limit=2');
    const rest = await api.get(`/api/v1/audit?limit=100&cursor=${first.body.cursor}`);
    expect([first.body.entries.length, rest.body.entries.length]).toEqual([2, 3]);
  });

  it('SM17 gives whole chains, over restarts', async () => {
    const { api, node, data, flowId } = await operated();
    const before = await api.get('/api/v1/audit/chains');
    await node.stop();
    const again = await served({ data });
    await again.api.start('r3', 'double', { n: 4 }, '?wait=30s');
    const { body } = await again.api.get('/api/v1/audit/chains');
    expect(body.chains).toHaveLength(2);
    let entries = 0;
    for (const { chain, head } of body.chains) {
      const stretch = await again.api.get(`/api/v1/audit/chains/${chain}`);
      expect(stretch.body.entries.at(-1)?.hash ?? '0'.repeat(64)).toBe(head.hash);
      entries += stretch.body.entries.length;
    }
    expect(entries).toBe(7);
    expect(before.body.chains.map(({ anchor }: { anchor: { number: number } }) => anchor.number)).toEqual([0, 0]);
    expect((await again.api.get(`/api/v1/audit?flowId=${flowId}`)).body.entries).toHaveLength(3);
    expect((await again.api.get('/api/v1/audit/chains/9')).status).toBe(400);
    expect((await again.api.get('/api/v1/audit/chains/x')).status).toBe(400);
  });
});
