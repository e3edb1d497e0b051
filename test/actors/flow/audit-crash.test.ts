/** A node that dies at every commit of a scenario, before it and after: nothing is done that is not audited, or twice. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, type Node } from '../../../src/index.ts';
import { testNode } from '../../../src/testing/index.ts';
import { audited } from './audited.ts';

const ship = flow('ship', {
  version: 1,
  states: { start: z.object({ amount: z.number() }) },
  result: z.string(),
  stages: {
    *start({ amount }, { step }) {
      yield* step('pack', () => undefined);
      return yield* step('send', () => {
        if (amount < 0) throw new TypeError('negative');
        return `sent ${amount}`;
      });
    },
  },
});

const nameOf = (clientRequestId: string) => ({ member: 'A', clientRequestId });

type Do = (node: Node) => Promise<unknown>;

/** What operators and clients do, each with how its flow's history names it. */
const acts: ReadonlyArray<readonly [request: string, act: string, perform: Do]> = [
  ['good', 'start', (node) => node.start('A', ship, { amount: 1 }, { clientRequestId: 'good' })],
  ...['edited', 'skipped', 'killed'].map(
    (id) => [id, 'start', (node: Node) => node.start('A', ship, { amount: -1 }, { clientRequestId: id })] as const,
  ),
  ['edited', 'retry', (node) => node.retry(nameOf('edited'), 'in vain')],
  ['edited', 'retry with another state', (node) => node.retryWith(nameOf('edited'), { amount: 2 }, 'a mistake')],
  ['skipped', 'skip', (node) => node.skip(nameOf('skipped'), 'by hand', 'it is there')],
  ['killed', 'kill', (node) => node.kill(nameOf('killed'), 'not wanted')],
];

/** Runs the scenario; answers how many commits there were. */
async function run(crash?: { readonly at: number; readonly where: 'commit.before' | 'commit.after' }): Promise<number> {
  let commits = 0;
  const kit = await testNode({
    members: { A: { flows: [ship] } },
    shards: 1,
    crashAt: (point) => {
      if (point === 'commit.before') commits++;
      return crash !== undefined && point === crash.where && commits === crash.at;
    },
  });
  const up = async (): Promise<Node> => (kit.isDown() ? kit.restart() : kit.node());
  const historyOf = async (request: string): Promise<readonly string[]> => {
    const { flows } = await (await up()).list();
    const found = flows.find(({ clientRequestId }) => clientRequestId === request);
    return (found?.history ?? []).map(({ act }) => act);
  };
  for (const [request, act, perform] of acts) {
    while (!(await historyOf(request)).includes(act)) {
      const gone = kit.crashed();
      await Promise.race([perform(await up()).catch(() => undefined), gone]);
      await kit.advance('1 min');
    }
  }
  const node = await up();
  await kit.advance('1 min');
  const { flows } = await node.list();
  const { entries } = await audited(kit);
  for (const { flowId, history, status } of flows) {
    const told = entries
      .filter((entry) => entry.flowId === flowId)
      .map(({ act, subject }) => (act === 'end' ? subject : act));
    expect(told).toEqual([...history.map(({ act }) => act), status]);
  }
  expect(flows.map(({ status }) => status).sort()).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED', 'KILLED']);
  expect(new Set(entries.map(({ flowId }) => flowId)).size).toBe(flows.length);
  expect(kit.crashes).toBe(crash === undefined ? 0 : 1);
  const made = commits;
  await kit.stop();
  return made;
}

describe('SM17 a node that dies', async () => {
  const commits = await run();
  const everyOne = Array.from({ length: commits }, (_, index) => index + 1);

  it('has enough commits to die at', () => {
    expect(commits).toBeGreaterThan(15);
  });

  it.each(everyOne)('before commit %i has done nothing unaudited, and audited nothing twice', async (at) => {
    await run({ at, where: 'commit.before' });
  });

  it.each(everyOne)('after commit %i has done nothing unaudited, and audited nothing twice', async (at) => {
    await run({ at, where: 'commit.after' });
  });
});
