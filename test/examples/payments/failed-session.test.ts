/**
 * A session that fails in the middle of a payment: nobody at the debtor's bank knows whether the money was credited. It
 * must stay set aside, and the payment must be asked for again until there is an answer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { account, uetr } from '../../../examples/payments/actors.ts';
import { pay, take, track } from '../../../examples/payments/flows.ts';
import { interbankPayment, paymentOf, trackerName, tracking } from '../../../examples/payments/protocol.ts';
import { type AnyFlow, flow, type Node, silentLogger, startNode } from '../../../src/index.ts';

const euro = (minor: bigint) => ({ currency: 'EUR', minor });
const party = (bank: string, id: string) => ({
  bank: { id: bank, scheme: 'BIC' as const },
  account: { id, scheme: 'OTHER' as const },
});
const transfer = {
  clientRequestId: 'one',
  messageId: 'M',
  index: 0,
  uetr: '11111111-2222-4333-8444-555555555555',
  amount: euro(40n),
  debtor: party('HERE', 'ada'),
  creditor: party('THERE', 'grace'),
};

/** Does what the real flow does, but its first runs fail where `when` says; the real one is as if killed there. */
function failing(times: number, when: 'before' | 'after'): AnyFlow {
  let runs = 0;
  return flow('take', {
    version: 1,
    responds: interbankPayment,
    states: take.states,
    stages: {
      *start(_opened, { initiator, actor, failed, step }) {
        const run = yield* step('count', () => ++runs);
        const request = yield* initiator.receive();
        if (request.type !== 'pay') return;
        if (run <= times && when === 'before') return failed('down');
        const payment = paymentOf(initiator.peer, request.body.payment);
        yield* actor(account, request.body.account).ask('credit', { payment, amount: request.body.amount });
        if (run <= times) return failed('down');
        yield* initiator.send('credited', {});
      },
    },
  });
}

/** The same for the tracker, which fails after it has granted the claim. */
function failingTracker(times: number): AnyFlow {
  let runs = 0;
  return flow('track', {
    version: 1,
    responds: tracking,
    states: track.states,
    stages: {
      *start(_opened, { initiator, actor, failed, step }) {
        const run = yield* step('count', () => ++runs);
        const { uetr: reference, payment } = (yield* initiator.receive()).body;
        const asked = { payment: paymentOf(initiator.peer, payment) };
        const granted = yield* actor(uetr, reference).ask('claim', asked);
        if (run <= times) return failed('down');
        yield* initiator.send('answer', { granted });
      },
    },
  });
}

async function balances(node: Node) {
  const here = await node.ask('HERE', account, 'ada', 'look', {});
  const there = await node.ask('THERE', account, 'grace', 'look', {});
  return { here: here.balance, reserved: here.reserved, there: there.balance };
}

it.each([
  ["the creditor's bank fails before it credits", failing(2, 'before'), track],
  ["the creditor's bank fails after it has credited, and before it answers", failing(2, 'after'), track],
  ['the tracker fails after it has granted the UETR', take, failingTracker(2)],
])('%s: the payment is settled once', async (_when, takeFlow, trackFlow) => {
  const data = mkdtempSync(join(tmpdir(), 'weir-payments-session-'));
  const node = await startNode({
    members: {
      HERE: { flows: [pay], actors: [account, uetr] },
      THERE: { flows: [takeFlow], actors: [account, uetr] },
      [trackerName]: { flows: [trackFlow], actors: [uetr] },
    },
    data,
    logger: silentLogger,
  });
  try {
    await node.ask('HERE', account, 'ada', 'open', { owner: 'Ada', status: 'open', balance: euro(100n) });
    await node.ask('THERE', account, 'grace', 'open', { owner: 'Grace', status: 'open', balance: euro(0n) });
    const payment = await node.start('HERE', pay, transfer, { clientRequestId: transfer.clientRequestId });
    expect((await payment.result()).outcome).toEqual({ type: 'settled' });
    expect(await balances(node)).toEqual({ here: 60n, reserved: 0n, there: 40n });
  } finally {
    await node.stop();
    rmSync(data, { recursive: true, force: true });
  }
});
