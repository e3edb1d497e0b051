/** Members that are only scripts, and the log of a test node. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApplicationError, FlowError, flow, protocol } from '../../src/index.ts';
import { ExpectationError, type TestNode, type TestNodeSettings, testNode } from '../../src/testing/index.ts';

const trade = protocol('trade', {
  version: 1,
  initiator: { offer: z.object({ item: z.string() }), thanks: z.null() },
  responder: { agree: z.object({ price: z.bigint() }) },
});

const buy = flow('buy', {
  version: 1,
  states: { start: z.object({ group: z.string() }) },
  result: z.bigint(),
  stages: {
    *start({ group }, { session, failed, log }) {
      const seller = yield* session({ name: 'SELLER', group }, trade);
      yield* seller.send('offer', { item: 'chair' });
      try {
        const { body } = yield* seller.receive();
        yield* seller.send('thanks', null);
        return body.price;
      } catch (error) {
        if (!(error instanceof FlowError)) throw error;
        log.warn({ code: error.code }, 'no answer');
        return failed(error.code, error.message);
      }
    },
  },
});

const sell = flow('sell', {
  version: 1,
  responds: trade,
  states: { start: z.object({ from: z.object({ name: z.string(), group: z.string() }) }) },
  stages: {
    *start(_opened, { initiator }) {
      const offer = yield* initiator.receive();
      if (offer.type !== 'offer') throw new ApplicationError('UNEXPECTED', offer.type);
      yield* initiator.send('agree', { price: 7n });
      yield* initiator.receive();
    },
  },
});

let kit: TestNode | undefined;
afterEach(() => kit?.stop());

async function node(settings: Partial<TestNodeSettings> = {}): Promise<TestNode> {
  kit = await testNode({ members: { ACME: { flows: [buy, sell] } }, scripted: ['SELLER'], shards: 2, ...settings });
  return kit;
}

describe('a scripted member', () => {
  it('TK1 accepts a session, and says what the test says', async () => {
    const { node: at, run, scripted } = await node();
    const purchase = await at().start('ACME', buy, { group: 'default' });
    const talk = await scripted('SELLER').accepts(trade);
    expect(await talk.receives('offer')).toEqual({ item: 'chair' });
    talk.sends('agree', { price: 9n });
    await talk.receives('thanks', null);
    expect(await run(purchase)).toBe(9n);
    expect(await talk.expectEnd()).toBe('closed');
  });

  it('TK1 opens a session, which starts the flow that answers', async () => {
    const { scripted } = await node();
    const talk = scripted('SELLER').opens('ACME', trade);
    talk.sends('offer', { item: 'chair' });
    await talk.receives('agree', ({ price }) => price === 7n);
    talk.sends('thanks', null);
    expect(await talk.expectEnd()).toBe('closed');
  });

  it('TK1 is heard over a bad network, and across crashes of the worker', async () => {
    const {
      node: at,
      run,
      scripted,
      crash,
      restart,
    } = await node({ peerFaults: { lose: 0.3, repeat: 0.3, reorder: 0.3 } });
    const purchase = await at().start('ACME', buy, { group: 'default' });
    const talk = await scripted('SELLER').accepts(trade, { within: '1 min' });
    await talk.receives('offer', { item: 'chair' }, { within: '1 min' });
    crash();
    talk.sends('agree', { price: 9n });
    await restart();
    expect(await run(purchase)).toBe(9n);
    await talk.receives('thanks', null, { within: '1 min' });
  });

  it('TK1 fails, as a flow does that has FAILED', async () => {
    const { node: at, run, scripted } = await node();
    const purchase = await at().start('ACME', buy, { group: 'default' });
    (await scripted('SELLER').accepts(trade)).fails('bankrupt');
    await expect(run(purchase)).rejects.toMatchObject({
      code: 'WEIR_SESSION_FAILED',
      details: expect.stringContaining('bankrupt'),
    });
  });

  it('TK1 closes, and hears how the other end ends', async () => {
    const { node: at, run, scripted } = await node();
    const purchase = await at().start('ACME', buy, { group: 'default' });
    const talk = await scripted('SELLER').accepts(trade);
    talk.closes();
    await expect(run(purchase)).rejects.toMatchObject({ code: 'WEIR_SESSION_CLOSED' });
    expect(await talk.expectEnd()).toBe('failed');
  });

  it('TK1 rejects a protocol', async () => {
    const { node: at, run, scripted } = await node();
    scripted('SELLER').rejects(trade);
    const purchase = await at().start('ACME', buy, { group: 'default' });
    await expect(run(purchase)).rejects.toMatchObject({ code: 'WEIR_SESSION_NO_RESPONDER' });
  });

  it('TK1 may be of another group', async () => {
    const seller = { name: 'SELLER', group: 'other' };
    const { node: at, scripted } = await node({ scripted: [seller] });
    await at().start('ACME', buy, { group: 'other' });
    expect((await scripted(seller).accepts(trade)).peer.name).toBe('ACME');
  });

  it('TK1 says what it has waited for', async () => {
    const { node: at, scripted } = await node();
    await expect(scripted('SELLER').accepts(trade)).rejects.toThrow('nobody has opened a session of trade with SELLER');
    await at().start('ACME', buy, { group: 'default' });
    const talk = await scripted('SELLER').accepts(trade);
    await expect(talk.receives('offer', { item: 'table' })).rejects.toThrow(
      "expected { item: 'table' }\nfound    { item: 'chair' }",
    );
    await expect(talk.receives('thanks')).rejects.toThrow(
      'SELLER was to receive "thanks" of trade from ACME, and received nothing',
    );
    await expect(talk.expectEnd()).rejects.toThrow(ExpectationError);
    talk.sends('agree', { price: 1n });
    await expect(talk.receives('offer')).rejects.toThrow('and received "thanks" null');
    await expect(talk.receives('offer')).rejects.toThrow('and the session is closed');
    expect(() => scripted('ACME')).toThrow('ACME is not in "scripted" of the settings');
  });
});

describe('the log of a test node', () => {
  it('TK1 is shown only when the test fails', async () => {
    const { node: at, run, scripted, showLogOnFailure, log } = await node();
    scripted('SELLER').rejects(trade);
    const shown: string[] = [];
    const { write } = process.stderr;
    process.stderr.write = (text: string | Uint8Array) => shown.push(String(text)) > 0;
    try {
      await showLogOnFailure(async () => undefined);
      expect(shown).toEqual([]);
      const purchase = at().start('ACME', buy, { group: 'default' });
      await expect(showLogOnFailure(async () => run(await purchase))).rejects.toThrow();
    } finally {
      process.stderr.write = write;
    }
    expect(shown.join('')).toBe(log.text());
    expect(shown.join('')).toContain('WARN  no answer');
  });
});
