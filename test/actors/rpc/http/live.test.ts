import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { ActorSnapshot } from '../../../../src/actors/kernel/index.ts';
import { Metrics } from '../../../../src/actors/rpc/http/metrics.ts';
import { nodeRoutes } from '../../../../src/actors/rpc/http/node-routes.ts';
import { mount } from '../../../../src/actors/rpc/http/routing/mount.ts';

const idle: ActorSnapshot = {
  path: '/services',
  uid: 1,
  state: 'live',
  restarts: 0,
  mailbox: 0,
  waitMs: 0,
  turnMs: 0,
  children: [],
};

async function live(child: Partial<ActorSnapshot>) {
  const app = fastify();
  const tree = () => [{ ...idle, children: [{ ...idle, path: '/services/rpc', ...child }] }];
  const facts = {
    tree,
    members: () => [],
    status: () => ({
      ready: true,
      services: [],
      waiting: [],
      shards: [],
      log: { driver: 'memory', state: 'ok' as const },
    }),
  };
  const metrics = new Metrics({ ...facts, takeLag: () => 0, events: () => new Map(), ownShards: () => [] });
  mount(
    app,
    nodeRoutes(facts, metrics, () => undefined),
  );
  const { statusCode, body } = await app.inject('/health/live');
  return { status: statusCode, body: JSON.parse(body) };
}

describe('liveness', () => {
  it('MO2 is false when an actor handles nothing while messages wait, though the process answers', async () => {
    expect(await live({ mailbox: 3, turnMs: 120_000, waitMs: 90_000 })).toEqual({
      status: 503,
      body: { live: false, reasons: ['/services/rpc has handled nothing for 120 s, and 3 messages wait'] },
    });
  });

  it.each<[string, Partial<ActorSnapshot>]>([
    ['nothing waits for it', { turnMs: 500_000 }],
    ['it gets on', { mailbox: 10_000, waitMs: 500_000, turnMs: 50 }],
    ['somebody has suspended it', { state: 'suspended', mailbox: 3, turnMs: 500_000 }],
  ])('MO2 is true when %s', async (_why, child) => {
    expect(await live(child)).toEqual({ status: 200, body: { live: true, reasons: [] } });
  });
});
