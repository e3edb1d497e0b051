/** A node that dies at every commit of a scenario, before it and after: nothing is done that is not audited, or twice. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, type Node } from '../../../src/index.ts';
import type { TestNode } from '../../../src/testing/index.ts';
import { audited } from './audited.ts';
import { crashEverywhere } from './crash-points.ts';

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

/** Acts of flows as their histories tell them, and as the audit does. */
async function told(kit: TestNode): Promise<unknown> {
  const { flows } = await kit.node().list();
  const { entries } = await audited(kit);
  return {
    entries: entries.length,
    flows: flows
      .map(({ flowId, clientRequestId, history, status }) => {
        const own = entries.filter((entry) => entry.flowId === flowId);
        const told = own.map(({ act, subject }) => (act === 'end' ? subject : act));
        return { clientRequestId, status, agree: told.join() === [...history.map(({ act }) => act), status].join() };
      })
      .sort((one, other) => one.clientRequestId.localeCompare(other.clientRequestId)),
  };
}

describe('the audit at every crash point', () => {
  it('SM17 SM5 FE8 nothing is done that is not audited, and nothing is audited twice', async () => {
    const runs = await crashEverywhere({
      settings: () => ({ members: { A: { flows: [ship] } } }),
      start: async (kit) => {
        for (const [request, act, perform] of acts) {
          const { flows } = await kit.node().list();
          const found = flows.find(({ clientRequestId }) => clientRequestId === request);
          if (found?.history.some((done) => done.act === act) === true) continue;
          await perform(kit.node());
          await kit.advance('1 min');
        }
      },
      outcome: told,
    });
    expect(runs.expected).toEqual({
      entries: 12,
      flows: [
        { clientRequestId: 'edited', status: 'COMPLETED', agree: true },
        { clientRequestId: 'good', status: 'COMPLETED', agree: true },
        { clientRequestId: 'killed', status: 'KILLED', agree: true },
        { clientRequestId: 'skipped', status: 'COMPLETED', agree: true },
      ],
    });
    expect(runs.different).toEqual([]);
    expect(runs.points).toBeGreaterThan(20);
  });
});
