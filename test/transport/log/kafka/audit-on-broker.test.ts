/** The audit on a real broker: written by one process, gone on with by the next, read by both. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type StartedNode, silentLogger, startNode } from '../../../../src/index.ts';
import { verified } from '../../../actors/flow/audited.ts';
import { double, nap } from '../../../fixtures/flows.ts';
import { describeKafka } from '../../../rig/describe-kafka.ts';

const told = <T>(promise: Promise<T>): Promise<T> => promise;

describeKafka('the audit on a broker', { brokers: 1 }, (kafka) => {
  const open = async (): Promise<StartedNode> => {
    const data = await mkdtemp(join(tmpdir(), 'weir-audit-'));
    onTestFinished(() => rm(data, { recursive: true, force: true }));
    const node = await startNode({
      members: { ACME: { flows: [double, nap] } },
      shards: 2,
      data,
      kafka: { brokers: kafka().brokers, prefix: 'audit.', replication: 1, minInsyncReplicas: 1 },
      logger: silentLogger,
    });
    onTestFinished(() => node.stop());
    return node;
  };
  const run = async (node: StartedNode, first: number, count: number): Promise<void> => {
    const started = Array.from({ length: count }, (_, index) =>
      node.start('ACME', double, { n: first + index }, { clientRequestId: `r${first + index}` }),
    );
    await Promise.all(started.map(async (one) => (await one).result()));
  };

  it('SM17 goes on over a takeover, is whole, and is read in pages from the newest entry on', async () => {
    const first = await open();
    await run(first, 0, 40);
    const { flowId } = await first.start('ACME', nap, { for: '1 hour' }, { clientRequestId: 'nap' });
    await first.stop();
    const second = await open();
    await second.kill({ flowId }, 'not wanted');
    await run(second, 40, 10);

    expect(await verified(second, told)).toHaveLength(2 * 50 + 3);
    const acts: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await second.audit({ limit: 9, cursor });
      acts.push(...page.entries.map(({ act, clientRequestId }) => `${act} ${clientRequestId}`));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect([acts.length, new Set(acts).size]).toEqual([103, 103]);
    expect((await second.audit({ flowId })).entries.map(({ act }) => act)).toEqual(['end', 'kill', 'start']);
  }, 180_000);
});
