import { describe, expect, it } from 'vitest';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { account, tradingFlows } from './trading.ts';

async function trading(settings: Partial<Parameters<typeof testNode>[0]> = {}) {
  const flows = tradingFlows();
  const kit = await testNode({
    members: { BUYER: { flows: [flows.buy], actors: [account] }, SELLER: { flows: [flows.sell], actors: [account] } },
    shards: 4,
    ...settings,
  });
  return { kit, ...flows };
}

async function settle(kit: TestNode): Promise<void> {
  await kit.advance('2 hours');
}

describe('a flow', () => {
  it('FE1 FE5 FE20 runs two flows over a session to their results, with each effect once', async () => {
    const { kit, buy, effects } = await trading();
    const handle = await kit.node().start('BUYER', buy, { seller: 'SELLER', item: 'bond', price: 99n });
    await settle(kit);
    const result = await handle.result();
    expect(result.spent).toBe(99n);
    expect(result.quotedAt).toBeInstanceOf(Date);
    expect(result.reference).toMatch(/^BUYER-/);
    expect([...effects.bodies.values()]).toEqual([1, 1, 1]);
    const cash = await kit.node().ask('BUYER', account, 'cash', 'read', null);
    expect(cash).toEqual({ balance: 99n, movements: 1 });
    const sold = await kit.node().list({ flow: 'sell' });
    expect(sold.flows.map(({ status, result }) => [status, result])).toEqual([['COMPLETED', 'thanks']]);
    await kit.stop();
  });

  it('gives what the peer declined as the reason of its failure', async () => {
    const { kit, buy } = await trading();
    const handle = await kit.node().start('BUYER', buy, { seller: 'SELLER', item: 'bond', price: 9_999n });
    await settle(kit);
    await expect(handle.result()).rejects.toMatchObject({
      code: 'not-agreed',
      details: { type: 'decline', body: { why: 'too dear' } },
    });
    expect((await handle.view()).status).toBe('FAILED');
    await kit.stop();
  });
});
