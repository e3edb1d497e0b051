import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { startNode } from '../../../../src/index.ts';
import { capturedLog, served, temporary } from './support.ts';

/** Value of a metric, by name and labels as they are written. */
function figure(text: string, metric: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${metric} `));
  return Number(line?.slice(metric.length + 1));
}

describe('HTTP, the node', () => {
  it('MO5 shows its figures to Prometheus', async () => {
    const { api } = await served();
    await api.start('a', 'double', { n: 1 }, '?wait=30s');
    await api.start('b', 'decline', { why: 'no' }, '?wait=30s');
    await api.start('c', 'misfit', {}, '?wait=30s');
    await api.start('d', 'nap', { for: '1 hour' });
    const { headers, text } = await api.get('/metrics');
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(
      text
        .match(/^# TYPE \S+/gm)
        ?.map((line) => line.slice(7))
        .sort(),
    ).toEqual([
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'weir_actor_events_total',
      'weir_actor_restarts_total',
      'weir_commit_seconds',
      'weir_dedupe_hits_total',
      'weir_event_loop_lag_seconds',
      'weir_feeds_open',
      'weir_flows_ended_total',
      'weir_flows_running',
      'weir_flows_started_total',
      'weir_flows_stuck',
      'weir_http_request_duration_seconds',
      'weir_log_stalled',
      'weir_mailbox_messages',
      'weir_mailbox_wait_seconds',
      'weir_outbox_unacknowledged',
      'weir_ready',
      'weir_rebalances_total',
      'weir_replay_seconds',
      'weir_shard_claim_seconds',
      'weir_shard_commits_total',
      'weir_shard_lag_records',
      'weir_shard_restore_seconds',
      'weir_shard_takeover_seconds',
      'weir_shards',
      'weir_shards_fenced_total',
      'weir_step_seconds',
      'weir_turn_seconds',
    ]);
    expect(figure(text, 'weir_flows_started_total')).toBe(4);
    expect(figure(text, 'weir_flows_ended_total{status="completed"}')).toBe(1);
    expect(figure(text, 'weir_flows_ended_total{status="failed"}')).toBe(1);
    expect(figure(text, 'weir_flows_stuck')).toBe(1);
    expect(figure(text, 'weir_flows_running')).toBe(1);
    expect(figure(text, 'weir_shard_commits_total')).toBeGreaterThanOrEqual(4);
    const posts =
      'weir_http_request_duration_seconds_count{method="POST",route="/api/v1/members/:member/flows",status="202"}';
    expect(figure(text, posts)).toBe(2);
  });

  it('shows status, tree and members', async () => {
    const { api } = await served();
    const status = (await api.get('/api/v1/status')).body;
    expect(status).toMatchObject({ ready: true, waiting: [], log: { driver: 'embedded', state: 'ok' } });
    expect(status.services.map(({ id, state }: Record<string, unknown>) => `${id} ${state}`).sort()).toEqual([
      'errors ready',
      'flow ready',
      'http ready',
      'rpc ready',
    ]);
    expect(status.shards).toHaveLength(2);
    const { actors } = (await api.get('/api/v1/tree')).body;
    expect(actors[0]).toMatchObject({ path: '/services', state: 'live' });
    const { members } = (await api.get('/api/v1/members')).body;
    expect(members[0]).toMatchObject({ name: 'ACME', group: 'default' });
    expect(members[0].flows).toContain('double');
  });

  it('RP15 asks who may look into the node; probes of its health stay open', async () => {
    const asked: string[] = [];
    const { api } = await served({
      authorize: ({ name }, action) => {
        asked.push(`${name} ${action}`);
        return action !== 'node.read';
      },
    });
    for (const path of ['/api/v1/status', '/api/v1/tree', '/api/v1/members', '/api/v1/metrics', '/metrics']) {
      const { status, body } = await api.get(path);
      expect([status, body.code], path).toEqual([403, 'WEIR_FORBIDDEN']);
    }
    expect(new Set(asked)).toEqual(new Set(['local:http node.read']));
    for (const path of ['/health/live', '/health/ready']) expect((await api.get(path)).status, path).toBe(200);
  });

  it.each(['0.0.0.0', '::', '192.168.1.1', 'example.org', '127.evil'])(
    'RP15 refuses to listen on %s, before anything is started',
    async (host) => {
      const data = await temporary();
      await expect(
        startNode({ members: { ACME: {} }, data: `${data}/node`, http: { host, port: 0 } }),
      ).rejects.toMatchObject({
        code: 'WEIR_HTTP_ADDRESS',
        remedy: expect.stringContaining('127.0.0.1'),
      });
    },
  );

  it.each(['127.0.0.1', 'localhost'])('RP15 listens on %s', async (host) => {
    const { url, api } = await served({ http: { host, port: 0 } });
    expect(new URL(url).hostname).toBe(host);
    expect((await api.get('/health/ready')).status).toBe(200);
  });

  it('says at once that a port is in use, and lets go of everything', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const data = await temporary();
    const { logger } = capturedLog();
    await expect(startNode({ members: { ACME: {} }, data, http: { port }, logger })).rejects.toMatchObject({
      code: 'WEIR_HTTP_PORT_IN_USE',
      context: { port },
    });
    await new Promise((resolve) => other.close(resolve));
    await served({ data, http: { port } });
  });
});
