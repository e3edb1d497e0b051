import { describe, expect, it } from 'vitest';
import { type Answer, capturedLog, served } from './support.ts';

const root = '/api/v1/actors';

interface Shown {
  readonly path: string;
  readonly state: string;
  readonly children: readonly Shown[];
}

function found({ body }: Answer, path: string, actors: readonly Shown[] = body.actors): Shown | undefined {
  const next = actors.find((actor) => path === actor.path || path.startsWith(`${actor.path}/`));
  return next === undefined || next.path === path ? next : found({ body } as Answer, path, next.children);
}

describe('HTTP, actors', () => {
  it('AK13 suspends, resumes and restarts one actor while flows go on', async () => {
    const { api } = await served();
    const path = '/services/flow/shard-0';
    const act = (name: string) => api.post(`${root}/${name}`, { path, reason: 'a test' });
    expect((await act('suspend')).body).toEqual({ path, act: 'suspend', state: 'suspended' });
    expect(found(await api.get('/api/v1/tree'), path)).toMatchObject({ state: 'suspended' });
    const starts = Array.from({ length: 16 }, (_, n) => api.start(`r${n}`, 'double', { n }, '?wait=30s'));
    // Both shards have flows of these; those of the other one end meanwhile.
    expect((await Promise.any(starts)).body.status).toBe('COMPLETED');
    expect((await act('resume')).body).toEqual({ path, act: 'resume', state: 'live' });
    for (const start of starts) expect((await start).body.status).toBe('COMPLETED');

    expect((await act('restart')).status).toBe(200);
    await expect.poll(async () => found(await api.get('/api/v1/tree'), path)).toMatchObject({ restarts: 1 });
    expect((await api.start('later', 'double', { n: 4 }, '?wait=30s')).body.result).toEqual({ doubled: 8 });
  });

  it('AK13 a stopped service is started again by its supervisor, and the node goes on', async () => {
    const { api } = await served();
    const stopped = await api.post(`${root}/stop`, { path: '/services/rpc', reason: 'a test' });
    expect(stopped.status).toBe(200);
    await expect.poll(async () => (await api.get('/health/ready')).status).toBe(200);
    expect((await api.start('later', 'double', { n: 4 }, '?wait=30s')).body.result).toEqual({ doubled: 8 });
  });

  it('AK13 WK8 a service that is down is started again when an operator says so', async () => {
    const { node, api } = await served();
    const services = async (): Promise<Record<string, unknown>[]> => (await api.get('/api/v1/status')).body.services;
    const rpc = async () => (await services()).find(({ id }) => id === 'rpc');
    while ((await rpc())?.state !== 'down') node.internals.system.steer.crash('/services/rpc', new Error('no more'));
    const { errors } = (await api.get('/api/v1/errors?code=WEIR_CHILD_DOWN&after=0&wait=10s')).body;
    expect(errors).toMatchObject([
      { service: 'rpc', remedy: expect.stringContaining('weir actor restart /services/rpc') },
    ]);
    const again = { path: '/services/rpc', reason: 'it is mended' };
    expect(await api.post(`${root}/suspend`, again)).toMatchObject({ status: 404 });
    expect((await api.post(`${root}/restart`, again)).body).toEqual({
      ...{ path: '/services/rpc', act: 'restart', state: 'ready' },
    });
    expect((await api.start('later', 'double', { n: 4 }, '?wait=30s')).body.result).toEqual({ doubled: 8 });
  });

  it('AK13 asks who may steer, and logs who has with the reason', async () => {
    const asked: unknown[] = [];
    const { logger, lines } = capturedLog();
    const { api } = await served({
      logger,
      authorize: (principal, action, resource) => {
        if (action === 'actor.steer') asked.push({ by: principal.name, ...resource });
        return action !== 'actor.steer' || resource.actor === '/services/rpc';
      },
    });
    const refused = await api.post(`${root}/suspend`, { path: '/services/flow', reason: 'a test' });
    expect([refused.status, refused.body.code]).toEqual([403, 'WEIR_FORBIDDEN']);
    expect(found(await api.get('/api/v1/tree'), '/services/flow')?.state).toBe('live');
    await api.post(`${root}/suspend`, { path: '/services/rpc', reason: 'it is to be looked at' });
    await api.post(`${root}/resume`, { path: '/services/rpc', reason: 'enough' });
    expect(asked).toEqual([
      { by: 'local:operator', actor: '/services/flow' },
      { by: 'local:operator', actor: '/services/rpc' },
      { by: 'local:operator', actor: '/services/rpc' },
    ]);
    expect(lines.filter(({ msg }) => msg === 'an actor is steered')).toMatchObject([
      { actor: '/services/rpc', act: 'suspend', principal: 'local:operator', reason: 'it is to be looked at' },
      { actor: '/services/rpc', act: 'resume', principal: 'local:operator', reason: 'enough' },
    ]);
  });

  it.each([
    ['suspend', { path: '/services/none', reason: 'x' }, 404, 'WEIR_ACTOR_NOT_FOUND', 'there is no actor'],
    ['restart', { path: '/services/none', reason: 'x' }, 404, 'WEIR_ACTOR_NOT_FOUND', 'there is no actor'],
    ['restart', { path: '/services/flow/shard-9', reason: 'x' }, 404, 'WEIR_ACTOR_NOT_FOUND', 'there is no actor'],
    ['suspend', { path: 'services', reason: 'x' }, 400, 'WEIR_REQUEST_INVALID', 'path: '],
    ['suspend', { path: '/services/rpc' }, 400, 'WEIR_REQUEST_INVALID', 'reason'],
    ['suspend', { path: '/services/rpc', reason: ' ' }, 400, 'WEIR_REQUEST_INVALID', 'say why'],
    ['stop', { path: '/services', reason: 'x' }, 409, 'WEIR_ACTOR_NOT_STEERABLE', 'stop the node instead'],
    ['restart', { path: '/services', reason: 'x' }, 409, 'WEIR_ACTOR_NOT_STEERABLE', 'stop the node instead'],
    ['explode', { path: '/services', reason: 'x' }, 404, 'WEIR_HTTP_ROUTE', 'nothing'],
  ])('AK13 refuses to %s %j', async (act, body, status, code, why) => {
    const { api } = await served();
    const answer = await api.post(`${root}/${act}`, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.detail).toContain(why);
  });

  it('AK13 shows a part of the tree, to a depth, and how much is left out', async () => {
    const { api } = await served();
    const part = (await api.get('/api/v1/tree?path=/services/flow')).body.actors;
    expect(part).toMatchObject([{ path: '/services/flow' }]);
    expect(part[0].children).toHaveLength(2);
    const top = (await api.get('/api/v1/tree?depth=1')).body.actors;
    expect(top).toMatchObject([{ path: '/services', children: [], below: 4 }]);
    expect((await api.get('/api/v1/tree?path=/none')).status).toBe(404);
    expect((await api.get('/api/v1/tree?depth=0')).status).toBe(400);
  });

  it('AK13 traces one actor: kinds and times, not what messages carry', async () => {
    const { api } = await served();
    const trace = api.get(`${root}/trace?path=/services/rpc&for=400ms&limit=5`);
    let over = false;
    void trace.then(() => {
      over = true;
    });
    for (let n = 0; !over; n += 1) await api.start(`r${n}`, 'double', { n: 4242 }, '?wait=30s');
    const { body, text } = await trace;
    expect(body.seen).toBeGreaterThan(5);
    expect(body.entries).toHaveLength(5);
    for (const entry of body.entries) expect(entry).toMatchObject({ kind: expect.any(String), outcome: 'handled' });
    expect(text).not.toContain('4242');
    expect((await api.get(`${root}/trace?path=/none`)).body.code).toBe('WEIR_ACTOR_NOT_FOUND');
  });

  it('AK13 runs so many traces at one time, and lets go of them when the node stops', async () => {
    const { api, node } = await served();
    const traces = Array.from({ length: 17 }, () => api.get(`${root}/trace?path=/services/rpc&for=5min`));
    const refused = await Promise.race(traces);
    expect([refused.status, refused.body.code]).toEqual([429, 'WEIR_WAITING_FULL']);
    await node.stop();
    const statuses = (await Promise.all(traces)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(16);
  });

  it('AK13 tells what happens to actors, at once to who waits for it', async () => {
    const { api } = await served();
    const page = (await api.get(`${root}/events`)).body;
    expect(page.events).toContainEqual(expect.objectContaining({ type: 'started', path: '/services/rpc' }));
    const next = api.get(`${root}/events?since=${page.next}&wait=5min`);
    await api.post(`${root}/suspend`, { path: '/services/rpc', reason: 'a test' });
    expect((await next).body.events).toMatchObject([{ type: 'suspended', path: '/services/rpc', seq: page.next + 1 }]);
    expect((await api.get('/metrics')).text).toContain('weir_actor_events_total{type="suspended"} 1\n');
  });
});
