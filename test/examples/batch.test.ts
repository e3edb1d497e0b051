import { afterEach, describe, expect, it } from 'vitest';
import { reserveAll } from '../../examples/batch/flows.ts';
import { heldBy, sellOut } from '../../examples/batch/warehouse.ts';
import { type TestNode, testNode } from '../../src/testing/index.ts';

let kit: TestNode;
afterEach(() => kit.stop());

describe('a batch', () => {
  it('FE19 fans out 1,000 steps, twenty at a time', async () => {
    kit = await testNode({ members: { ACME: { flows: [reserveAll] } }, shards: 1 });
    const result = await kit.run(await kit.node().start('ACME', reserveAll, { order: 'o-1', items: 1_000 }));
    expect(result).toEqual({ order: 'o-1', places: 1_000 });
    expect(heldBy('o-1')).toBe(1_000);
    const [listed] = (await kit.node().list()).flows;
    expect(listed?.progress.map(({ text }) => text)).toEqual([
      '250 of 1000 reserved',
      '500 of 1000 reserved',
      '750 of 1000 reserved',
      '1000 of 1000 reserved',
    ]);
  });

  it('undoes everything when one item cannot be had, over a death of the worker in the middle of it', async () => {
    kit = await testNode({ members: { ACME: { flows: [reserveAll] } }, shards: 1 });
    sellOut('o-2', 700);
    const { flowId } = await kit.node().start('ACME', reserveAll, { order: 'o-2', items: 1_000 });
    kit.crash();
    await kit.restart();
    await kit.advance('1 min');
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'FAILED', error: { code: 'SOLD_OUT' } });
    expect(heldBy('o-2')).toBe(0);
  });
});
