import { describe, expect, it } from 'vitest';
import { served } from './support.ts';

const root = '/api/v1';

/** A node with three STUCK flows. */
async function hospital() {
  const node = await served();
  const flowIds: string[] = [];
  for (const id of ['r1', 'r2', 'r3']) flowIds.push((await node.api.start(id, 'broken', {}, '?wait=30s')).body.flowId);
  return { ...node, flowIds };
}

describe('HTTP, the hospital', () => {
  it('FE8 shows of a STUCK flow its state, what failed, and what failed before', async () => {
    const { api, flowIds } = await hospital();
    const path = `${root}/flows/${flowIds[0]}`;
    await api.post(`${path}/retry`, { reason: 'in vain' });
    await api.get(`${path}/result?wait=30s`);
    const { body } = await api.get(`${path}/waiting`);
    expect(body).toMatchObject({
      status: 'STUCK',
      state: {},
      stateBytes: 1,
      failed: { operation: 'step "use"', attempts: 1, failures: [] },
      retrying: [],
      error: { code: 'TypeError', message: 'the part is missing' },
    });
    expect(
      body.stays.map(({ code, place }: { code: string; place: string }) => `${code} in ${place.split(',', 2)}`),
    ).toEqual(Array(2).fill('TypeError in stage start, step "use"'));
  });

  it('FE8 lists STUCK flows with what an operator has to know', async () => {
    const { api, flowIds } = await hospital();
    const { body } = await api.get(`${root}/hospital?flow=broken&code=TypeError&stage=start&member=ACME`);
    expect(body.flows.map(({ flowId }: { flowId: string }) => flowId)).toEqual([...flowIds].reverse());
    expect(body.flows[0]).toMatchObject({
      status: 'STUCK',
      error: { code: 'TypeError', message: 'the part is missing' },
      trouble: { state: {}, failed: { operation: 'step "use"' }, until: expect.stringMatching(/Z$/) },
    });
    expect((await api.get(`${root}/hospital?flow=double`)).body.flows).toEqual([]);
    expect((await api.get(`${root}/hospital?limit=1`)).body.cursor).toEqual(expect.any(String));
  });

  it('FE8 SM17 acts on many, with a reason, and says what was refused', async () => {
    const { api, flowIds } = await hospital();
    expect((await api.post(`${root}/hospital/skip`, { all: true })).status).toBe(400);
    expect((await api.post(`${root}/hospital/skip`, { reason: 'which?' })).body.detail).toMatch(/say which flows/);
    const rehearsed = await api.post(`${root}/hospital/kill`, { reason: 'try', all: true, dryRun: true });
    expect([rehearsed.body.done, rehearsed.body.flowIds.length]).toEqual([0, 3]);
    const skipped = await api.post(`${root}/hospital/skip`, {
      reason: 'by hand',
      result: 'done',
      flowIds: [flowIds[0], 'nobody'],
    });
    expect(skipped.body).toEqual({
      flowIds: [flowIds[0]],
      done: 1,
      refused: [{ flowId: 'nobody', code: 'WEIR_FLOW_NOT_FOUND', message: expect.any(String) }],
    });
    const killed = await api.post(`${root}/hospital/kill`, { reason: 'not wanted', flow: 'broken' });
    expect(killed.body).toMatchObject({ done: 2, refused: [] });
    const { body } = await api.get(`${root}/audit?act=kill`);
    expect(body.entries.map(({ reason }: { reason: string }) => reason)).toEqual(['not wanted', 'not wanted']);
  });
});
