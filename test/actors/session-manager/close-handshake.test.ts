import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, type Operation, type Protocol, protocol, type ResponderSession } from '../../../src/index.ts';
import { crashEverywhere } from '../flow/crash-points.ts';
import { factsOf, type Wire, wiredNode } from '../flow/wire.ts';
import { codeOf, talk } from './talk.ts';

let wire: Wire | undefined;
afterEach(async () => {
  await wire?.node.stop();
  wire = undefined;
});

const deal = protocol('deal', { ...talk, requireClose: true });
type Deal = typeof deal;

/** Says one word and returns; `over` says by which protocol. */
const buyer = (over: Deal) =>
  flow('buyer', {
    version: 1,
    result: z.string(),
    states: { start: z.unknown() },
    stages: {
      *start(_input, { session, step }) {
        const seller = yield* session('BOB', over);
        yield* seller.send('say', 'done');
        return yield* step('conclude', () => 'bought');
      },
    },
  });

/** Runs a script as the other side. */
const seller = (
  over: Deal,
  script: (session: ResponderSession<Deal>, pause: (ms: number) => Operation<void>) => Operation<unknown>,
) =>
  flow('seller', {
    version: 1,
    responds: over,
    result: z.unknown(),
    states: { start: z.unknown() },
    stages: {
      *start(_input, { initiator, sleep }) {
        return yield* script(initiator, sleep);
      },
    },
  });

const hour = 60 * 60 * 1_000;

async function dealt(over: Deal, script: Parameters<typeof seller>[1], settings: { idle?: '2 hours' } = {}) {
  const flows = { buyer: buyer(over), seller: seller(over, script) };
  const made = await wiredNode({
    members: { ALICE: { flows: [flows.buyer] }, BOB: { flows: [flows.seller] } },
    shards: 1,
    ...settings,
  });
  wire = made;
  const { flowId } = await made.node.start('ALICE', flows.buyer, null);
  return {
    wire: made,
    bought: () => made.node.get({ flowId }),
    waits: async () => (await made.node.describe({ flowId })).waitingOn,
    sold: async () => (await made.node.list({ flow: 'seller' })).flows[0],
    name: { flowId },
  };
}

/** Hears one word, and is busy with it for two hours. */
function* busy(session: ResponderSession<Deal>, pause: (ms: number) => Operation<void>): Operation<unknown> {
  const { body } = yield* session.receive();
  yield* pause(2 * hour);
  return body;
}

/** Is through before it has done anything. */
// biome-ignore lint/correctness/useYield: that is what it is for
function* nothing(): Operation<unknown> {
  return 'sold';
}

describe('the close handshake', () => {
  it('SM10 without it a flow ends at once, and its peer later', async () => {
    const { wire: at, bought, sold } = await dealt(protocol('deal', { ...deal, requireClose: false }), busy);
    await at.advance('1 hour');
    expect([(await bought()).status, (await sold())?.status]).toEqual(['COMPLETED', 'RUNNING']);
  });

  it('SM10 with it a flow that is through waits until its peer has closed, also over a restart, and keeps its result', async () => {
    const { wire: at, bought, sold, waits } = await dealt(deal, busy);
    for (let round = 0; round < 2; round++) {
      await at.advance('30 min');
      expect((await bought()).status).toBe('RUNNING');
      expect(await waits()).toMatchObject({ what: 'close', label: 'deal from BOB' });
      at.crash();
      await at.restart();
    }
    await at.advance('2 hours');
    expect(await bought()).toMatchObject({ status: 'COMPLETED', result: 'bought' });
    expect(await sold()).toMatchObject({ status: 'COMPLETED', result: 'done' });
    // One farewell each way, however often it looked again.
    expect(at.sent.filter(({ kind }) => kind === 'close').map(({ direction }) => direction)).toEqual([
      'toResponder',
      'toInitiator',
    ]);
    expect(factsOf(at.node)).toMatchObject({ flows: 0, sessionLanes: 0, unacknowledgedSessions: 0 });
  });

  it('SM10 a peer that closes and goes on is enough', async () => {
    const {
      wire: at,
      bought,
      sold,
    } = await dealt(deal, function* (session, pause) {
      yield* session.receive();
      yield* pause(hour);
      yield* session.close();
      yield* pause(hour);
      return 'sold';
    });
    await at.advance('50 min');
    expect((await bought()).status).toBe('RUNNING');
    await at.advance('20 min');
    expect([(await bought()).status, (await sold())?.status]).toEqual(['COMPLETED', 'RUNNING']);
    await at.advance('1 hour');
    expect((await sold())?.status).toBe('COMPLETED');
  });

  it('SM10 two flows that are through at once do not wait for each other for ever', async () => {
    const { wire: at, bought, sold } = await dealt(deal, nothing);
    await at.advance('1 min');
    expect([(await bought()).status, (await sold())?.status]).toEqual(['COMPLETED', 'COMPLETED']);
  });

  it('SM10 what the peer does not close it may fail: the flow ends with its own result all the same', async () => {
    const { wire: at, bought, sold } = await dealt(deal, busy);
    await at.advance('10 min');
    await at.node.kill({ flowId: (await sold())?.flowId ?? '' }, 'fraud');
    await at.advance('1 min');
    expect(await bought()).toMatchObject({ status: 'COMPLETED', result: 'bought' });
  });

  it('SM10 a flow that waits for it can be killed, and its end is final', async () => {
    const { wire: at, bought, name, sold } = await dealt(deal, busy);
    await at.advance('10 min');
    await at.node.kill(name, 'no more');
    await at.advance('3 hours');
    expect((await bought()).status).toBe('KILLED');
    expect((await sold())?.status).toBe('COMPLETED');
  });

  it('SM10 SM11 whoever sends to a flow that is through hears so, also when it was waiting for credit', async () => {
    const {
      wire: at,
      bought,
      sold,
    } = await dealt(deal, function* (session) {
      yield* session.receive();
      for (let word = 0; word < 1_000; word++) {
        const code = yield* codeOf(session.send('reply', `${word}`));
        if (code !== 'none') return code;
      }
      return 'all was taken';
    });
    await at.advance('1 min');
    expect(await sold()).toMatchObject({ status: 'COMPLETED', result: 'WEIR_SESSION_CLOSED' });
    expect((await bought()).status).toBe('COMPLETED');
  });

  it('SM10 the time that a flow has for idle waiting is over with its code, also after a restart', async () => {
    const impatient = flow('impatient', {
      version: 1,
      idle: '1 hour',
      result: z.string(),
      states: { start: z.unknown() },
      stages: {
        *start(_input, { session }) {
          const peer = yield* session('BOB', deal);
          yield* peer.send('say', 'hello');
          return (yield* peer.receive()).body;
        },
      },
    });
    const answering = seller(deal, function* (session, pause) {
      yield* session.receive();
      yield* pause(30 * 60 * 1_000);
      yield* session.send('reply', 'yes');
      yield* pause(2 * hour);
    });
    wire = await wiredNode({ members: { ALICE: { flows: [impatient] }, BOB: { flows: [answering] } }, shards: 1 });
    const { flowId } = await wire.node.start('ALICE', impatient, null);
    await wire.advance('2 hours');
    wire.crash();
    await wire.restart();
    await wire.advance('1 hour');
    expect(await wire.node.get({ flowId })).toMatchObject({ status: 'COMPLETED', result: 'yes' });
  });

  it('SM10 nobody waits for a peer that never heard of the session', async () => {
    const silent = flow('silent', {
      version: 1,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { session }) {
          yield* session('BOB', deal);
        },
      },
    });
    wire = await wiredNode({ members: { ALICE: { flows: [silent] }, BOB: {} }, shards: 1 });
    const handle = await wire.node.start('ALICE', silent, null);
    await wire.advance(0);
    expect((await handle.view()).status).toBe('COMPLETED');
  });

  it('SM10 FE2 both ends are the same at whichever commit the node dies', async () => {
    const flows = { buyer: buyer(deal), seller: seller(deal, busy) };
    const runs = await crashEverywhere({
      settings: () => ({ members: { ALICE: { flows: [flows.buyer] }, BOB: { flows: [flows.seller] } } }),
      start: (kit) => kit.node().start('ALICE', flows.buyer, null, { clientRequestId: 'one' }),
      outcome: async (kit) => {
        await kit.advance('3 hours');
        const { flows: seen } = await kit.node().list();
        const order = seen.map(({ flow: name, status, result }) => `${name} ${status} ${String(result)}`).sort();
        const { sessionLanes, unacknowledgedSessions } = factsOf(kit.node());
        return [...order, sessionLanes, unacknowledgedSessions];
      },
    });
    expect(runs.expected).toEqual(['buyer COMPLETED bought', 'seller COMPLETED done', 0, 0]);
    expect(runs.different).toEqual([]);
    expect(runs.points).toBeGreaterThanOrEqual(10);
  });

  it('SM10 a protocol says yes or no', () => {
    const wrong = { ...talk, requireClose: 'yes' as never };
    expect(() => protocol('deal', wrong)).toThrow(expect.objectContaining({ code: 'WEIR_PROTOCOL_DEFINITION' }));
    const plain: Protocol = talk;
    expect(plain.requireClose).toBe(false);
  });
});
