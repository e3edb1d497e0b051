/** The audit of a node that is given another number of shards, down and up again: no chain is lost, or broken. */
import { afterEach, describe, expect, it } from 'vitest';
import { type StartedNode, silentLogger, startNode } from '../../../src/index.ts';
import { openOffline, reshardLog } from '../../../src/worker/offline/index.ts';
import { verified } from '../../actors/flow/audited.ts';
import { double, nap } from '../../fixtures/flows.ts';
import { temporaryDirectory } from '../../transport/log/support/directory.ts';
import { clock } from './support.ts';

const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const told = <T>(promise: Promise<T>): Promise<T> => promise;

async function nodeOn(data: string, shards?: number): Promise<StartedNode> {
  const node = await startNode({
    members: { ACME: { flows: [double, nap] } },
    data,
    ...(shards === undefined ? {} : { shards }),
    logger: silentLogger,
  });
  closing.push(() => node.stop());
  return node;
}

async function resharded(node: StartedNode, data: string, partitions: number): Promise<StartedNode> {
  await node.stop();
  const log = await openOffline({ configuration: { data, kafka: undefined }, clock, logger: silentLogger });
  try {
    await reshardLog(log, partitions, clock);
  } finally {
    await log.close();
  }
  return nodeOn(data);
}

async function run(node: StartedNode, first: number, count: number): Promise<void> {
  for (let n = first; n < first + count; n++) {
    const started = await node.start('ACME', double, { n }, { clientRequestId: `r${n}` });
    await started.result();
  }
}

/** Acts of the audit, newest first, page by page. */
async function paged(node: StartedNode, query: Parameters<StartedNode['audit']>[0] = {}): Promise<string[]> {
  const acts: Array<{ at: number; words: string }> = [];
  let cursor: string | undefined;
  do {
    const page = await node.audit({ ...query, limit: 7, cursor });
    acts.push(...page.entries.map(({ at, act, clientRequestId }) => ({ at, words: `${act} ${clientRequestId}` })));
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (query.flowId === undefined)
    expect(acts.map(({ at }) => at)).toEqual(acts.map(({ at }) => at).sort((a, b) => b - a));
  return acts.map(({ words }) => words);
}

describe('SM17 WK20 the audit of a node with another number of shards', () => {
  it('is whole and shown as before, with the chains of shards that are no more', async () => {
    const { path: data, remove } = await temporaryDirectory();
    closing.push(remove);
    let node = await nodeOn(data, 4);
    await run(node, 0, 12);
    const { flowId } = await node.start('ACME', nap, { for: '1 hour' }, { clientRequestId: 'nap' });
    const before = await verified(node, told);
    expect(before).toHaveLength(25);

    node = await resharded(node, data, 3);
    // Shards tell of what rests with them in their first commit.
    await run(node, 12, 6);
    expect((await node.auditChains()).map(({ chain }) => chain)).toEqual([0, 1, 2, 3]);
    const kept = (await verified(node, told)).filter(({ at }) => at <= Math.max(...before.map((entry) => entry.at)));
    expect(kept).toEqual(before);
    await node.kill({ flowId }, 'not wanted');
    expect((await paged(node)).sort()).toEqual(
      (await verified(node, told)).map(({ act, clientRequestId }) => `${act} ${clientRequestId}`).sort(),
    );
    expect(await paged(node, { flowId })).toEqual(['end nap', 'kill nap', 'start nap']);

    const fewer = await verified(node, told);
    node = await resharded(node, data, 6);
    expect((await node.auditChains()).map(({ chain }) => chain)).toEqual([0, 1, 2, 3, 4, 5]);
    const again = await verified(node, told);
    expect(again).toEqual(fewer);
    await run(node, 18, 12);
    // The chain that had rested goes on where it was.
    expect((await verified(node, told)).filter(({ chain }) => chain === 3).length).toBeGreaterThan(
      again.filter(({ chain }) => chain === 3).length,
    );
    expect(await paged(node, { flowId })).toEqual(['end nap', 'kill nap', 'start nap']);
  });
});
