import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type FastifyInstance, fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clusterRoutes } from '../../../../src/actors/rpc/http/cluster-routes.ts';
import { Edge } from '../../../../src/actors/rpc/http/edge.ts';
import { mount } from '../../../../src/actors/rpc/http/routing/mount.ts';
import { documented } from '../../../../src/actors/rpc/http/routing/open-api.ts';
import { allowAll } from '../../../../src/ports/index.ts';
import { WorkerDirectory } from '../../../../src/worker/cluster/directory.ts';
import { repairs } from '../../../fixtures/flows.ts';
import { apiDocument } from './document.ts';
import { type Client, client, served } from './support.ts';

const root = '/api/v1';

/** Every route that servers of this process are given from now on, as the document would name it. */
function mountedRoutes(): ReadonlySet<string> {
  const routes = new Set<string>();
  const listen = (message: unknown): void => {
    const { fastify: app } = message as { readonly fastify: FastifyInstance };
    app.addHook('onRoute', ({ method, url }) => {
      for (const verb of [method].flat()) {
        if (verb !== 'HEAD') routes.add(`${verb} ${url.replace(/:(\w+)/g, '{$1}')}`);
      }
    });
  };
  subscribe('fastify.initialization', listen);
  onTestFinished(() => void unsubscribe('fastify.initialization', listen));
  return routes;
}

const documentOf = async (api: Client) => (await api.get('/openapi.json')).body;

describe('HTTP, the document of the routes', () => {
  it('RP12 is OpenAPI 3.1 by the schema of the standard, and names each operation once', async () => {
    const { api } = await served();
    const document = await documentOf(api);
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect({ valid, errors }).toMatchObject({ valid: true });
    const names = Object.values<Record<string, { operationId?: string }>>(document.paths).flatMap((methods) =>
      Object.values(methods).flatMap(({ operationId }) => operationId ?? []),
    );
    expect(names.length).toBeGreaterThan(20);
    expect(new Set(names).size).toBe(names.length);
  });

  it('RP12 has every route of the server, and no other', async () => {
    const mounted = mountedRoutes();
    const { api } = await served();
    const { operations } = apiDocument((await api.get('/openapi.json')).text);
    expect([...operations].sort()).toEqual([...mounted].sort());
  });

  it('RP12 resolves every reference', async () => {
    const { api } = await served();
    const { text, body } = await api.get('/openapi.json');
    const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(names).toContain('Flow');
    expect(Object.keys(body.components.schemas)).toEqual(expect.arrayContaining(names));
    expect(text).not.toContain('#/$defs');
  });

  it('RP12, RP3 says what each route of a node answers', async () => {
    const { api } = await served({ chaos: { allow: true } });
    const { flowId: stuck } = (await api.start('stuck', 'broken', {}, '?wait=30s')).body;
    const { flowId: broken } = (await api.start('broken', 'broken', {}, '?wait=30s')).body;
    const { flowId: nap } = (await api.start('nap', 'nap', { for: '1 hour' })).body;
    const { flowId: doze } = (await api.start('doze', 'nap', { for: '1 hour' })).body;
    repairs.done = true;
    const reason = 'a test';
    const answers = [
      await api.start('done', 'double', { n: 1 }, '?wait=30s'),
      await api.get(`${root}/members/ACME/flows`),
      await api.get(`${root}/members/ACME/requests/done`),
      await api.get(`${root}/flows`),
      await api.get(`${root}/flows/${nap}`),
      await api.get(`${root}/flows/${nap}/result`),
      await api.get(`${root}/flows/${nap}/waiting`),
      await api.get(`${root}/flows/${nap}/checkpoint`),
      await api.get(`${root}/hospital`),
      await api.post(`${root}/hospital/retry`, { reason, all: true, dryRun: true }),
      await api.post(`${root}/hospital/skip`, { reason, all: true, dryRun: true }),
      await api.post(`${root}/hospital/kill`, { reason, all: true, dryRun: true }),
      await api.post(`${root}/flows/${stuck}/retry`, { reason }),
      await api.post(`${root}/flows/${broken}/skip`, { reason }),
      await api.post(`${root}/flows/${nap}/signals/disturb`, { signalId: 's1', body: 'hello' }),
      await api.post(`${root}/flows/${nap}/queries/until`, {}),
      await api.post(`${root}/flows/${doze}/cancel`, { reason }),
      await api.post(`${root}/flows/${nap}/kill`, { reason }),
      await api.get(`${root}/audit`),
      await api.get(`${root}/audit/chains`),
      await api.get(`${root}/audit/chains/0`),
      await api.get('/health/live'),
      await api.get(`${root}/health/live`),
      await api.get('/health/ready'),
      await api.get(`${root}/health/ready`),
      await api.get('/metrics'),
      await api.get(`${root}/metrics`),
      await api.get(`${root}/status`),
      await api.get(`${root}/members`),
      await api.get(`${root}/errors`),
      await api.get('/errors/WEIR_INTERNAL'),
      await api.get('/openapi.json'),
      await api.get(`${root}/tree`),
      await api.get(`${root}/actors/events`),
      await api.get(`${root}/actors/trace?path=/services&for=1ms`),
      await api.post(`${root}/actors/suspend`, { path: '/services/rpc', reason }),
      await api.post(`${root}/actors/resume`, { path: '/services/rpc', reason }),
      await api.post(`${root}/actors/restart`, { path: '/services/rpc', reason }),
      await api.post(`${root}/actors/stop`, { path: '/services/rpc', reason }),
      await api.post(`${root}/chaos`, { fault: 'slow log by 1ms', reason }),
      await api.get(`${root}/chaos`),
      await api.send('DELETE', `${root}/chaos?reason=enough`),
    ];
    // Each was held to the document when it came; here is that they were answers, and of every operation.
    expect(answers.map(({ status }) => status).filter((status) => status >= 300)).toEqual([]);
    const { operations } = apiDocument((await api.get('/openapi.json')).text);
    const others = operations.filter((operation) => /\/(?:workers|shards|feed)\b/.test(operation));
    expect(answers.length).toBe(operations.length - others.length);
  });

  it('RP12 says what the routes of workers answer', async () => {
    const directory = new WorkerDirectory(() => 0);
    directory.hear(
      {
        ...{
          worker: 'w1',
          instance: '1',
          version: '1',
          roles: ['all'],
          address: 'http://127.0.0.1:1',
          startedAt: 0,
          at: 0,
        },
        ...{ ready: true, waiting: ['rpc waits on flow'], load: { cpu: 0.1, memoryBytes: 1 } },
        shards: [{ service: 'flow', partition: 0, phase: 'running', term: '1.2', position: 3, lag: 0, restarts: 0 }],
      },
      0,
    );
    directory.drained('w1', { worker: 'w1', instance: '1', principal: 'operator', reason: 'a test', at: 0 });
    const app = fastify();
    const edge = new Edge({ authorize: allowAll } as ConstructorParameters<typeof Edge>[0]);
    const done = (): Promise<void> => Promise.resolve();
    const desk = {
      ...{ self: 'w1', move: done, drain: done, undrain: done },
      workers: () => directory.workers(),
      shards: () => directory.shards('flow', 2),
    };
    mount(app, documented(clusterRoutes(edge, desk), '1'));
    onTestFinished(() => app.close());
    const api = client(await app.listen({ host: '127.0.0.1', port: 0 }));
    const reason = 'a test';
    const answers = [
      await api.get('/openapi.json'),
      await api.get(`${root}/workers`),
      await api.get(`${root}/shards`),
      await api.post(`${root}/shards/0/move`, { worker: 'w1', reason }),
      await api.post(`${root}/workers/w1/drain`, { reason }),
      await api.post(`${root}/workers/w1/undrain`, { reason }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 202, 202, 202]);
    expect(apiDocument((await api.get('/openapi.json')).text).operations).toHaveLength(answers.length);
  });

  it('RP12 is held to: a field, a status or a code that it does not know is seen', async () => {
    const { api } = await served();
    const { check } = apiDocument((await api.get('/openapi.json')).text);
    const path = `${root}/members`;
    const answer = await api.get(path);
    const more = { ...answer, body: { members: [{ ...answer.body.members[0], secret: 1 }] } };
    expect(() => check('GET', path, more)).toThrow('unevaluated');
    expect(() => check('GET', path, { ...answer, body: {} })).toThrow("required property 'members'");
    expect(() => check('GET', path, { ...answer, status: 202 })).toThrow('not in the document');
    const refused = await api.get(`${root}/members?x=1`);
    const other = { ...refused, body: { ...refused.body, code: 'WEIR_FLOW_FINISHED' } };
    expect(() => check('GET', path, other)).toThrow('allowed values');
  });
});
