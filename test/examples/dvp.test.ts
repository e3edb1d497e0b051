import { afterEach, describe, expect, it } from 'vitest';
import { holding, register } from '../../examples/dvp/actors.ts';
import { hold, settle } from '../../examples/dvp/flows.ts';
import { type TestNode, testNode } from '../../src/testing/index.ts';
import { crashEverywhere } from '../actors/flow/crash-points.ts';

const members = {
  REGISTRAR: { flows: [settle], actors: [register] },
  SELLER: { flows: [hold], actors: [holding] },
  BUYER: { flows: [hold], actors: [holding] },
};
const isin = 'CH0012221716';
const trade = { trade: 't-1', seller: 'SELLER', buyer: 'BUYER', isin, quantity: 10n, currency: 'CHF', price: 500n };

let kit: TestNode;
afterEach(() => kit.stop());

async function funded(kit: TestNode, cash = 500n): Promise<void> {
  await kit.node().ask('SELLER', holding, isin, 'credit', { amount: 25n });
  await kit.node().ask('BUYER', holding, 'CHF', 'credit', { amount: cash });
}

/** What each party holds: free and locked. */
async function held(kit: TestNode): Promise<string> {
  const told: string[] = [];
  for (const member of ['SELLER', 'BUYER']) {
    for (const what of [isin, 'CHF']) {
      const { free, locked } = await kit.node().ask(member, holding, what, 'read', null);
      told.push(`${free}+${locked}`);
    }
  }
  return told.join(' ');
}

async function opened(cash = 500n): Promise<void> {
  kit = await testNode({ members, shards: 3 });
  await funded(kit, cash);
}

describe('delivery against payment', () => {
  it('securities and cash change hands together, and the register says so', async () => {
    await opened();
    const handle = await kit.node().start('REGISTRAR', settle, trade);
    await kit.advance('1 min');
    expect((await handle.view()).result).toEqual({ trade: 't-1', settled: true });
    expect(await held(kit)).toBe('15+0 500+0 10+0 0+0');
    expect(await kit.node().ask('REGISTRAR', register, isin, 'read', null)).toEqual(['t-1: 10 from SELLER to BUYER']);
  });

  it('nothing moves when a party has too little, and nothing stays locked', async () => {
    await opened(499n);
    const handle = await kit.node().start('REGISTRAR', settle, trade);
    await kit.advance('1 min');
    expect(await handle.view()).toMatchObject({
      status: 'FAILED',
      error: { code: 'NOT_SETTLED', details: { why: 'BUYER: there are 499, not 500' } },
    });
    expect(await held(kit)).toBe('25+0 0+0 0+0 499+0');
  });

  it('nothing moves when the registrar’s flow is killed before both have locked', async () => {
    await opened();
    const handle = await kit.node().start('REGISTRAR', settle, { ...trade, buyer: 'REGISTRAR' });
    await kit.advance('1 min');
    expect((await handle.view()).status).toBe('FAILED');
    expect(await held(kit)).toBe('25+0 0+0 0+0 500+0');
  });

  it('FE2 FE20 SM7 both or neither, wherever the worker dies', async () => {
    const runs = await crashEverywhere({
      settings: () => ({ members, shards: 2 }),
      start: async (node) => {
        if ((await held(node)) === '0+0 0+0 0+0 0+0') await funded(node);
        await node.node().start('REGISTRAR', settle, trade, { clientRequestId: 'one' });
      },
      outcome: held,
    });
    expect(runs.expected).toBe('15+0 500+0 10+0 0+0');
    const partly = runs.different.filter(({ outcome }) => !outcome.includes('+0'));
    expect(partly).toEqual([]);
    expect(runs.points).toBeGreaterThan(20);
  });
});
