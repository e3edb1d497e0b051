import { describe, expect, it } from 'vitest';
import { repairs } from '../../../fixtures/flows.ts';
import { served } from './support.ts';

describe('HTTP, flows', () => {
  it('RP1 answers 202 with a place to look, and the flow is there at once and after a restart', async () => {
    const { api, node, data } = await served();
    const started = await api.start('r1', 'nap', { for: '1 hour' });
    expect(started.status).toBe(202);
    expect(started.body).toMatchObject({ created: true, flow: 'nap', clientRequestId: 'r1' });
    const { location } = started.headers;
    expect(location).toBe(`/api/v1/flows/${started.body.flowId}`);
    expect((await api.get(String(location))).body).toMatchObject({ status: 'RUNNING', clientRequestId: 'r1' });
    await node.stop();
    const again = await served({ data });
    expect((await again.api.get(String(location))).body).toMatchObject({ status: 'RUNNING', clientRequestId: 'r1' });
  });

  it('RP2 gives the same flow for the same id and body', async () => {
    const { api } = await served();
    const first = await api.start('same', 'double', { n: 4 });
    const second = await api.start('same', 'double', { n: 4 });
    expect(second.status).toBe(202);
    expect(second.body).toEqual({ ...first.body, created: false });
  });

  it('SM1 starts one flow for 100 concurrent requests of one id', async () => {
    const { api } = await served();
    const answers = await Promise.all(Array.from({ length: 100 }, () => api.start('one', 'double', { n: 4 })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ body }) => body.flowId)).size).toBe(1);
    expect(answers.filter(({ body }) => body.created)).toHaveLength(1);
    expect((await api.get('/api/v1/members/ACME/flows')).body.flows).toHaveLength(1);
  });

  it('SM2 refuses another body for a known id and names the flow it belongs to', async () => {
    const { api } = await served();
    const { body } = await api.start('r', 'double', { n: 4 });
    const other = await api.start('r', 'double', { n: 5 });
    expect(other.status).toBe(409);
    expect(other.body).toMatchObject({ code: 'WEIR_FLOW_CONFLICT', flowId: body.flowId, retryable: false });
    const otherFlow = await api.start('r', 'nap', { for: '1 s' });
    expect(otherFlow.body.code).toBe('WEIR_FLOW_CONFLICT');
  });

  it('SM3 remembers a request id over a restart', async () => {
    const { api, node, data } = await served();
    const { body } = await api.start('r', 'double', { n: 4 }, '?wait=30s');
    await node.stop();
    const again = await served({ data });
    expect((await again.api.start('r', 'double', { n: 4 })).body).toMatchObject({
      flowId: body.flowId,
      created: false,
    });
    expect((await again.api.start('r', 'double', { n: 5 })).status).toBe(409);
  });

  it('RP3 starts a flow and gives its result in one round trip', async () => {
    const { api } = await served();
    const answer = await api.start('r', 'double', { n: 4 }, '?wait=30s');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ created: true, status: 'COMPLETED', result: { doubled: 8 } });
    expect(answer.headers.location).toBe(`/api/v1/flows/${answer.body.flowId}`);
  });

  it('RP3 answers with the status of now when the wait runs out', async () => {
    const { api } = await served();
    const { status, body } = await api.start('r', 'nap', { for: '1 hour' }, '?wait=10ms');
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'RUNNING', created: true });
    const later = await api.get(`/api/v1/flows/${body.flowId}/result?wait=10ms`);
    expect([later.status, later.body.status]).toEqual([202, 'RUNNING']);
  });

  it('RP3 tells why a flow FAILED, with its details', async () => {
    const { api } = await served();
    const { status, body } = await api.start('r', 'decline', { why: 'too dear' }, '?wait=30s');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'FAILED',
      error: { code: 'declined', details: { why: 'too dear', at: '7' } },
    });
  });

  it('RP3 finds a flow by the request id of its client', async () => {
    const { api } = await served();
    const id = 'a/b c?d=é';
    const { body } = await api.start(id, 'double', { n: 1 });
    const found = await api.get(`/api/v1/members/ACME/requests/${encodeURIComponent(id)}`);
    expect(found.body).toMatchObject({ flowId: body.flowId, clientRequestId: id });
    const none = await api.get('/api/v1/members/ACME/requests/none');
    expect([none.status, none.body.code]).toEqual([404, 'WEIR_REQUEST_NOT_FOUND']);
  });

  it('RP3 lists flows newest first, by status and flow, page by page', async () => {
    const { api } = await served();
    for (let n = 0; n < 5; n++) await api.start(`d${n}`, 'double', { n }, '?wait=30s');
    await api.start('nap', 'nap', { for: '1 hour' });
    const ids = async (query: string) =>
      (await api.get(`/api/v1/members/ACME/flows${query}`)).body.flows.map(
        ({ clientRequestId }: { clientRequestId: string }) => clientRequestId,
      );
    expect(await ids('')).toEqual(['nap', 'd4', 'd3', 'd2', 'd1', 'd0']);
    expect(await ids('?status=running')).toEqual(['nap']);
    expect(await ids('?flow=double&status=COMPLETED')).toEqual(['d4', 'd3', 'd2', 'd1', 'd0']);
    const first = (await api.get('/api/v1/flows?flow=double&limit=3')).body;
    const second = (await api.get(`/api/v1/flows?flow=double&limit=3&cursor=${first.cursor}`)).body;
    expect([...first.flows, ...second.flows].map((flow) => flow.clientRequestId)).toEqual([
      'd4',
      'd3',
      'd2',
      'd1',
      'd0',
    ]);
    expect(second.cursor).toBeUndefined();
  });

  it('finds a member by name and group, and by its short id', async () => {
    const { api } = await served();
    const body = { clientRequestId: 'r', flow: 'double', input: { n: 1 } };
    const name = encodeURIComponent('O=Other, C=DE');
    expect((await api.post(`/api/v1/members/${name}/flows`, body)).body.code).toBe('WEIR_MEMBER_UNKNOWN');
    const { flowId } = (await api.post(`/api/v1/members/${name}/flows?group=test`, body)).body;
    const { members } = (await api.get('/api/v1/members')).body;
    const { id } = members.find((member: { group: string }) => member.group === 'test');
    expect((await api.post(`/api/v1/members/${id}/flows`, body)).body).toMatchObject({ flowId, created: false });
  });

  it('maps every kind of value to JSON', async () => {
    const { api } = await served();
    const { body } = await api.start('r', 'values', { amount: '12345678901234567890' }, '?wait=30s');
    expect(body.result).toEqual({
      amount: '12345678901234567890',
      day: '1970-01-01T00:00:00.000Z',
      bytes: 'AQID',
      map: [['a', '1']],
      set: ['x'],
      list: [null, null],
    });
  });

  it('RP10 never changes a final status', async () => {
    const { api, node, data } = await served();
    const { body } = await api.start('r', 'double', { n: 4 }, '?wait=30s');
    for (const act of ['kill', 'retry']) {
      const refused = await api.post(`/api/v1/flows/${body.flowId}/${act}`, { reason: 'to see' });
      expect([refused.status, refused.body.code]).toEqual([409, 'WEIR_FLOW_FINISHED']);
    }
    const before = (await api.get(`/api/v1/flows/${body.flowId}`)).body;
    await node.stop();
    const again = await served({ data });
    expect((await again.api.get(`/api/v1/flows/${body.flowId}`)).body).toEqual(before);
  });

  it('lets an operator retry a STUCK flow and kill a running one, with the reason in its history', async () => {
    const { api } = await served();
    const stuck = await api.start('stuck', 'broken', {}, '?wait=30s');
    expect([stuck.status, stuck.body.status, stuck.body.error.code]).toEqual([202, 'STUCK', 'TypeError']);
    repairs.done = true;
    const path = `/api/v1/flows/${stuck.body.flowId}`;
    expect((await api.post(`${path}/retry`, {})).status).toBe(400);
    expect((await api.post(`${path}/retry`, { reason: 'the part came' })).status).toBe(200);
    const done = (await api.get(`${path}/result?wait=30s`)).body;
    expect(done).toMatchObject({ status: 'COMPLETED', result: 'mended' });
    expect(done.history.at(-1)).toMatchObject({ act: 'retry', principal: 'local:operator', reason: 'the part came' });

    const nap = await api.start('nap', 'nap', { for: '1 hour' });
    const killed = await api.post(`/api/v1/flows/${nap.body.flowId}/kill`, { reason: 'not wanted' });
    expect(killed.body).toMatchObject({ status: 'KILLED', error: { code: 'KILLED' } });
  });

  it('FE8 lets an operator skip what failed, or give a STUCK flow another input', async () => {
    const { api } = await served();
    const skipped = await api.start('skipped', 'broken', {}, '?wait=30s');
    const path = `/api/v1/flows/${skipped.body.flowId}`;
    expect((await api.post(`${path}/skip`, { reason: 'done by hand', result: 'by hand' })).status).toBe(200);
    expect((await api.get(`${path}/result?wait=30s`)).body).toMatchObject({ status: 'COMPLETED' });

    const edited = await api.start('edited', 'broken', {}, '?wait=30s');
    const other = `/api/v1/flows/${edited.body.flowId}`;
    expect((await api.post(`${other}/retry`, { reason: 'wrong', state: 7 })).body).toMatchObject({
      code: 'WEIR_FLOW_STATE_INVALID',
    });
    repairs.done = true;
    expect((await api.post(`${other}/retry`, { reason: 'again', state: {} })).status).toBe(200);
    expect((await api.get(`${other}/result?wait=30s`)).body).toMatchObject({ status: 'COMPLETED', result: 'mended' });
  });

  it('tells what a flow waits on', async () => {
    const { api } = await served();
    const { body } = await api.start('r', 'nap', { for: '1 hour' });
    const waiting = (await api.get(`/api/v1/flows/${body.flowId}/waiting`)).body;
    expect(waiting.waitingOn.what).toBe('sleep');
    expect(Date.parse(waiting.waitingOn.due)).toBeGreaterThan(Date.now());
  });
});
