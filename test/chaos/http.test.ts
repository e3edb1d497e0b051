import { describe, expect, it } from 'vitest';
import type { Authorize } from '../../src/index.ts';
import { served } from '../actors/rpc/http/support.ts';

const path = '/api/v1/chaos';
const fault = { type: 'lost-ack', times: 2 };

describe('faults over HTTP', () => {
  it('TK3 takes a fault as an object or as text, and tells what strikes', async () => {
    const { api } = await served({ chaos: { allow: true } });
    const posted = await api.post(path, { fault, reason: 'a test' });
    expect(posted).toMatchObject({ status: 200, body: { id: 1, fault, left: 2, struck: 0 } });
    await api.post(path, { fault: 'slow by 1 ms for 1 min', reason: 'a test' });
    const started = await api.start('one', 'double', { n: 2 }, '?wait=30s');
    expect(started.body).toMatchObject({ status: 'COMPLETED' });
    const { body } = await api.get(path);
    expect(body.struck['lost-ack']).toBe(2);
    expect(body.active.map((one: { text: string }) => one.text)).toEqual([
      'a write to the log takes 1 ms longer, for 60 s',
    ]);
    const cleared = await api.send('DELETE', `${path}?reason=enough`);
    expect(cleared.body.cleared).toHaveLength(1);
    expect((await api.get(path)).body.active).toEqual([]);
  });

  it('TK3 strikes actors: a full mailbox is answered 429, and served when it is cleared', async () => {
    const { api } = await served({ chaos: { allow: true } });
    await api.post(path, { fault: { type: 'full-mailbox', on: '/services/rpc' }, reason: 'a test' });
    expect(await api.start('one', 'double', { n: 2 })).toMatchObject({
      status: 429,
      body: { code: 'WEIR_MAILBOX_FULL' },
    });
    await api.send('DELETE', `${path}?reason=enough`);
    expect((await api.start('one', 'double', { n: 2 })).status).toBe(202);
  });

  it('TK3 another owner takes a shard and the node gets it back', async () => {
    const { api } = await served({ chaos: { allow: true } });
    await api.post(path, { fault: 'fenced-writer shard 0 for 1 hour', reason: 'a test' });
    const shards = async (): Promise<string[]> =>
      (await api.get('/api/v1/status')).body.shards.map((one: { partition: number; phase: string }) => one.phase);
    await expect.poll(shards, { timeout: 15_000 }).toEqual(['running']);
    await api.send('DELETE', `${path}?reason=enough`);
    await expect.poll(shards, { timeout: 15_000 }).toEqual(['running', 'running']);
    expect((await api.start('one', 'double', { n: 2 }, '?wait=30s')).body).toMatchObject({ status: 'COMPLETED' });
  });

  it.each([
    [{ fault: { type: 'losst-ack' }, reason: 'a test' }, 400, 'WEIR_FAULT_INVALID'],
    [{ fault: { type: 'partition', on: 'log' }, reason: 'a test' }, 409, 'WEIR_FAULT_UNREACHABLE'],
    [{ fault: { type: 'crash', on: '/services/rcp' }, reason: 'a test' }, 409, 'WEIR_FAULT_UNREACHABLE'],
    [{ fault }, 400, 'WEIR_REQUEST_INVALID'],
    [{ reason: 'a test' }, 400, 'WEIR_REQUEST_INVALID'],
  ])('TK3 refuses %j', async (body, status, code) => {
    const { api } = await served({ chaos: { allow: true } });
    expect(await api.post(path, body)).toMatchObject({ status, body: { code } });
  });

  it('TK3 asks authorize for chaos.inject, and refuses everything on a node that does not allow it', async () => {
    const authorize: Authorize = (_principal, action) => action !== 'chaos.inject';
    const { api } = await served({ chaos: { allow: true }, authorize });
    expect(await api.post(path, { fault, reason: 'a test' })).toMatchObject({
      status: 403,
      body: { code: 'WEIR_FORBIDDEN' },
    });
    expect((await api.send('DELETE', `${path}?reason=enough`)).status).toBe(403);
    expect((await api.get(path)).status).toBe(200);

    const closed = await served();
    const answers = await Promise.all([
      closed.api.post(path, { fault, reason: 'a test' }),
      closed.api.get(path),
      closed.api.send('DELETE', `${path}?reason=enough`),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ status: 403, body: { code: 'WEIR_CHAOS_OFF' } });
  });
});
