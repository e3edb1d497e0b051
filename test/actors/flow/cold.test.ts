/** Flows of which memory holds the bytes of their checkpoint alone: whatever is done to them finds them as they were. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, type Node } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { scripted } from './scripts.ts';
import { factsOf } from './wire.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const order = flow('order', {
  version: 1,
  states: { start: z.object({ amount: z.bigint() }), paid: z.object({ amount: z.bigint(), by: z.string() }) },
  result: z.string(),
  signals: { pay: z.object({ by: z.string() }) },
  queries: { stage: ({ stage, state }) => ({ stage, state }) },
  stages: {
    *start({ amount }, { step, sleep, signal, become }) {
      const priced = yield* step('price', () => amount * 2n);
      yield* sleep('1 hour');
      const { body } = yield* signal('pay');
      return become('paid', { amount: priced, by: body.by });
    },
    *paid({ amount, by }, { sleep }) {
      yield* sleep('1 day');
      return `${by} ${amount}`;
    },
  },
});

const faulty = scripted('faulty', function* ({ sleep }) {
  yield* sleep('1 hour');
  throw new TypeError('it was never going to work');
});

const requestId = (n: number): string => `order-${n}`;

/** Ten orders that sleep; all but the last, which is hot, are cold. */
async function orders(): Promise<Node> {
  kit = await testNode({ members: { A: { flows: [order, faulty] } }, shards: 1, maxHotFlows: 1 });
  const node = kit.node();
  for (let n = 0; n < 10; n++) {
    await node.start('A', order, { amount: BigInt(n) }, { clientRequestId: requestId(n) });
    await kit.advance(0);
  }
  expect(factsOf(node)).toMatchObject({ flows: 10, cold: 9, hot: 1 });
  return node;
}

function named(n: number) {
  return { member: 'A', clientRequestId: requestId(n) };
}

describe('cold flows', () => {
  it('W7 grow cold when others are hot, and after a restart, and another one', async () => {
    await orders();
    for (const cold of [10, 10]) {
      kit.crash();
      expect(factsOf(await kit.restart())).toMatchObject({ flows: 10, cold, hot: 0 });
    }
  });

  it('W6 are woken by their timers, each with the journal and state that it had', async () => {
    const node = await orders();
    await kit.advance('2 hours');
    for (let n = 0; n < 10; n++) {
      expect(await node.describe(named(n))).toMatchObject({ waitingOn: { what: 'signal', label: 'pay' } });
      await node.signal(order, named(n), 'pay', { by: `p${n}` }, { signalId: 's' });
    }
    expect(factsOf(node)).toMatchObject({ flows: 10, hot: 1 });
    await kit.advance('25 hours');
    for (let n = 0; n < 10; n++) {
      expect(await node.get(named(n))).toMatchObject({ status: 'COMPLETED', result: `p${n} ${2 * n}` });
    }
    expect(factsOf(node)).toMatchObject({ flows: 0, cold: 0, hot: 0 });
  });

  it('are described, listed and asked without being warmed', async () => {
    const node = await orders();
    const told = await node.describe(named(3));
    expect(told).toMatchObject({ stage: 'start', state: { amount: 3n }, operations: 2, waitingOn: { what: 'sleep' } });
    expect(await node.query(named(3), 'stage')).toEqual({ stage: 'start', state: { amount: 3n } });
    expect(await node.describe(named(3))).toEqual(told);
    expect(factsOf(node)).toMatchObject({ cold: 9, hot: 1 });
    kit.crash();
    expect(await (await kit.restart()).describe(named(3))).toEqual(told);
  });

  it('W4 take signals, each once, and know them when they have grown cold again', async () => {
    const node = await orders();
    await kit.advance('2 hours');
    expect(await node.signal(order, named(2), 'pay', { by: 'ann' }, { signalId: 's' })).toEqual({ accepted: true });
    await node.signal(order, named(4), 'pay', { by: 'bob' }, { signalId: 's' });
    expect(await node.describe(named(2))).toMatchObject({ stage: 'paid', waitingOn: { what: 'sleep' } });
    expect(await node.signal(order, named(2), 'pay', { by: 'ann' }, { signalId: 's' })).toEqual({ accepted: false });
    await expect(node.signal(order, named(2), 'pay', { by: 'eve' }, { signalId: 's' })).rejects.toMatchObject({
      code: 'WEIR_SIGNAL_CONFLICT',
    });
  });

  it('SM2 are found by their request id; another body is a conflict', async () => {
    const node = await orders();
    const again = (amount: bigint) => node.start('A', order, { amount }, { clientRequestId: requestId(5) });
    expect((await again(5n)).flowId).toBe((await node.get(named(5)))?.flowId);
    await expect(again(6n)).rejects.toMatchObject({ code: 'WEIR_FLOW_CONFLICT' });
    expect(factsOf(node)).toMatchObject({ flows: 10, cold: 9 });
  });

  it('are killed and cancelled, and their timers ring no more', async () => {
    const node = await orders();
    await node.kill(named(1), 'not wanted');
    await node.cancel(named(2), 'not wanted');
    expect(await node.get(named(1))).toMatchObject({ status: 'KILLED' });
    expect(await node.get(named(2))).toMatchObject({ status: 'KILLED' });
    expect(factsOf(node)).toMatchObject({ flows: 8 });
    await kit.advance('2 hours');
    expect(factsOf(node)).toMatchObject({ flows: 8, stuck: 0 });
  });

  it('get into the hospital when they fail, are counted there, and are no longer cold', async () => {
    const node = await orders();
    await node.start('A', faulty, null, { clientRequestId: 'wrong' });
    await kit.advance(0);
    kit.crash();
    const again = await kit.restart();
    expect(factsOf(again)).toMatchObject({ flows: 11, cold: 11, stuck: 0 });
    await kit.advance('2 hours');
    expect(factsOf(again)).toMatchObject({ flows: 11, stuck: 1 });
    kit.crash();
    const last = await kit.restart();
    expect(factsOf(last)).toMatchObject({ flows: 11, cold: 10, stuck: 1 });
    await last.retry({ member: 'A', clientRequestId: 'wrong' }, 'once more');
    await kit.advance('2 hours');
    expect(factsOf(last)).toMatchObject({ stuck: 1 });
  });
});
