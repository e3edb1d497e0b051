/** What an operator can do about a STUCK flow, and what happens when nobody does. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { trade, tradingFlows } from './trading.ts';

let kit: TestNode;
afterEach(() => kit.stop());

/** A flow whose second step cannot do with a negative amount. */
function shipping() {
  const ran: string[] = [];
  const ship = flow('ship', {
    version: 1,
    states: { start: z.object({ amount: z.number() }) },
    result: z.array(z.string()),
    stages: {
      *start({ amount }, { step }) {
        const first = yield* step('pack', () => {
          ran.push('pack');
          return `packed ${amount}`;
        });
        const second = yield* step('send', () => {
          ran.push('send');
          if (amount < 0) throw new TypeError('negative');
          return `sent ${amount}`;
        });
        return [first, second];
      },
    },
  });
  return { ship, ran };
}

async function stuck() {
  const { ship, ran } = shipping();
  kit = await testNode({ members: { A: { flows: [ship] } }, shards: 1 });
  const { flowId } = await kit.node().start('A', ship, { amount: -1 });
  await kit.advance(0);
  const name = { flowId };
  expect((await kit.node().get(name)).status).toBe('STUCK');
  return { name, ran };
}

describe('an act without a proper reason', () => {
  it('SM5 W11 is refused at the door, also when JavaScript gives something else than text', async () => {
    const { name } = await stuck();
    const noText: unknown = { reason: 'an object' };
    for (const act of ['retry', 'kill'] as const) {
      const asked = Promise.resolve().then(() => Reflect.apply(kit.node()[act], undefined, [name, noText]));
      await expect(asked).rejects.toMatchObject({
        code: 'WEIR_REQUEST_INVALID',
        message: expect.stringContaining('the reason is object'),
      });
    }
    expect(await kit.node().get(name)).toMatchObject({ status: 'STUCK' });
  });
});

describe('FE8 the hospital', () => {
  it('retries what failed, and nothing before it', async () => {
    const { name, ran } = await stuck();
    await kit.node().retry(name, 'try it');
    await kit.advance(0);
    expect((await kit.node().get(name)).status).toBe('STUCK');
    expect(ran).toEqual(['pack', 'send', 'send']);
  });

  it('begins the stage anew with an edited input', async () => {
    const { name } = await stuck();
    await kit.node().retryWith(name, { amount: 5 }, 'the customer meant 5');
    await kit.advance(0);
    const view = await kit.node().get(name);
    expect([view.status, view.result]).toEqual(['COMPLETED', ['packed 5', 'sent 5']]);
    expect(view.history.map(({ act, reason }) => [act, reason]).at(-1)).toEqual([
      'retry with another state',
      'the customer meant 5',
    ]);
  });

  it('refuses an edited input that does not fit, and leaves the flow where it is', async () => {
    const { name } = await stuck();
    await expect(kit.node().retryWith(name, { amount: 'five' }, 'oops')).rejects.toMatchObject({
      code: 'WEIR_FLOW_STATE_INVALID',
    });
    const view = await kit.node().get(name);
    expect([view.status, view.history.length]).toEqual(['STUCK', 1]);
  });

  it('skips what failed with a given result, also across a crash', async () => {
    const { name, ran } = await stuck();
    kit.crash();
    await kit.restart();
    await kit.node().skip(name, 'sent by hand', 'the courier took it');
    await kit.advance(0);
    const view = await kit.node().get(name);
    expect([view.status, view.result]).toEqual(['COMPLETED', ['packed -1', 'sent by hand']]);
    expect(ran).toEqual(['pack', 'send']);
  });

  it('has nothing to skip where no operation failed', async () => {
    const bug = flow('bug', {
      version: 1,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { sleep }) {
          yield* sleep(1);
          throw new TypeError('a bug');
        },
      },
    });
    kit = await testNode({ members: { A: { flows: [bug] } }, shards: 1 });
    const { flowId } = await kit.node().start('A', bug, null);
    await kit.advance('1 s');
    await expect(kit.node().skip({ flowId }, 1, 'x')).rejects.toMatchObject({ code: 'WEIR_FLOW_NOTHING_TO_SKIP' });
  });

  it('ends a flow at its deadline, counted across a restart, and tells the peers', async () => {
    const { buy } = tradingFlows();
    const answering = flow('broken', {
      version: 1,
      responds: trade,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { initiator }) {
          yield* initiator.receive();
          throw new TypeError('a bug');
        },
      },
    });
    kit = await testNode({
      members: { BUYER: { flows: [buy] }, SELLER: { flows: [answering] } },
      shards: 2,
      hospital: '1 day',
    });
    const order = { seller: 'SELLER', item: 'x', price: 1n };
    const { flowId } = await kit.node().start('BUYER', buy, order);
    await kit.advance('10 hours');
    // Its session stays open: nobody is told before somebody decides.
    expect((await kit.node().get({ flowId })).status).toBe('RUNNING');
    kit.crash();
    await kit.restart();
    await kit.advance('15 hours');
    const [broken] = (await kit.node().list({ flow: 'broken' })).flows;
    expect(broken?.status).toBe('KILLED');
    expect(await kit.node().get({ flowId })).toMatchObject({
      status: 'FAILED',
      error: { code: 'WEIR_SESSION_FAILED' },
    });
  });
});
