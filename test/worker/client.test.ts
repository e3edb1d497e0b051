import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  ApplicationError,
  type FlowHandle,
  flow,
  type InputOf,
  type Node,
  persistentActor,
  protocol,
  type ResultOf,
} from '../../src/index.ts';
import { testNode } from '../../src/testing/index.ts';
import { decline, double, nap } from '../fixtures/flows.ts';

const ping = protocol('ping', { version: 1, initiator: { ping: z.null() }, responder: { pong: z.null() } });

const answer = flow('answer', {
  version: 1,
  responds: ping,
  states: { start: z.looseObject({}) },
  stages: {
    *start(_from, { initiator }) {
      yield* initiator.receive();
    },
  },
});

const account = persistentActor('account', {
  version: 1,
  state: z.object({ balance: z.bigint() }),
  initial: () => ({ balance: 5n }),
  messages: {
    debit: { body: z.bigint(), reply: z.bigint() },
    spoil: { body: z.null() },
  },
  on: {
    debit: ({ balance }, amount) => {
      if (amount > balance) throw new ApplicationError('INSUFFICIENT', 'not enough money', { balance });
      return { state: { balance: balance - amount }, reply: balance - amount };
    },
    spoil: () => {
      throw new TypeError('no such thing');
    },
  },
});

async function node(): Promise<Node> {
  const kit = await testNode({
    members: [
      { name: 'ACME', group: 'default', flows: [double, decline, answer], actors: [account] },
      { name: 'ACME', group: 'test', flows: [double] },
    ],
    shards: 2,
  });
  onTestFinished(() => kit.stop());
  return kit.node();
}

describe('a handle', () => {
  it('leads back to a flow, by its id and by its request id, with the type of its result', async () => {
    const at = await node();
    const { flowId, created } = await at.start('ACME', double, { n: 4 }, { clientRequestId: 'r1' });
    expect(created).toBe(true);
    const byId = at.handle(double, { flowId });
    expectTypeOf(byId).toEqualTypeOf<FlowHandle<{ doubled: number }>>();
    expect(await byId.result()).toEqual({ doubled: 8 });
    const byRequest = at.handle(double, { member: 'ACME', clientRequestId: 'r1' });
    expect((await byRequest.view()).flowId).toBe(flowId);
    await expect(at.handle(double, { flowId: 'x' }).view()).rejects.toMatchObject({ code: 'WEIR_FLOW_NOT_FOUND' });
  });

  it('is refused for a flow of another kind', async () => {
    const at = await node();
    const { flowId } = await at.start('ACME', double, { n: 4 });
    await expect(at.handle(decline, { flowId }).result()).rejects.toMatchObject({
      code: 'WEIR_REQUEST_INVALID',
      message: expect.stringContaining('of kind double, not decline'),
    });
  });

  it('InputOf and ResultOf name the types of a flow', () => {
    expectTypeOf<InputOf<typeof double>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ResultOf<typeof double>>().toEqualTypeOf<{ doubled: number }>();
    expectTypeOf<ResultOf<typeof decline>>().toEqualTypeOf<undefined>();
  });
});

describe('a client in the process', () => {
  it('takes members by name and by identity', async () => {
    const at = await node();
    const test = { name: 'ACME', group: 'test' };
    await at.start('ACME', double, { n: 1 }, { clientRequestId: 'r' });
    await at.start(test, double, { n: 2 }, { clientRequestId: 'r' });
    expect((await at.settled({ member: 'ACME', clientRequestId: 'r' })).result).toEqual({ doubled: 2 });
    expect((await at.settled({ member: test, clientRequestId: 'r' })).result).toEqual({ doubled: 4 });
    expect((await at.list({ member: 'ACME' })).flows.map(({ member }) => member.group)).toEqual(['default']);
    expect((await at.list({ member: test })).flows.map(({ member }) => member.group)).toEqual(['test']);
  });

  it('shows the history of a flow as plain objects', async () => {
    const at = await node();
    const handle = await at.start('ACME', double, { n: 1 });
    const { history } = await handle.view();
    expect(history).toHaveLength(1);
    for (const entry of history) expect(Object.getPrototypeOf(entry)).toBe(Object.prototype);
  });

  it('says which flows a member has when it has not the one that was named', async () => {
    const at = await node();
    const unknown = { ...double, name: 'duoble' };
    await expect(at.start('ACME', unknown, { n: 1 })).rejects.toMatchObject({
      code: 'WEIR_FLOW_UNKNOWN',
      message: 'member ACME has no flow duoble; did you mean double? it has: double, decline',
    });
    await expect(at.start('ACEM', double, { n: 1 })).rejects.toMatchObject({
      code: 'WEIR_MEMBER_UNKNOWN',
      message: 'there is no member ACEM in group default; did you mean ACME? the group has: ACME',
    });
    await expect(at.start({ name: 'ACME', group: 'none' }, double, { n: 1 })).rejects.toMatchObject({
      message: 'there is no member ACME in group none; the group has none',
    });
  });

  it('says of a flow that answers sessions how it is started', async () => {
    const at = await node();
    await expect(at.start('ACME', answer, {})).rejects.toMatchObject({
      code: 'WEIR_FLOW_RESPONDS',
      status: 409,
      message: 'flow answer is started by sessions of protocol ping, not by clients',
    });
  });

  it('hears what a persistent actor refused with, as the actor threw it', async () => {
    const at = await node();
    expect(await at.ask('ACME', account, 'cash', 'debit', 2n)).toBe(3n);
    const refusal = await at.ask('ACME', account, 'cash', 'debit', 9n).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApplicationError);
    expect(refusal).toMatchObject({
      code: 'INSUFFICIENT',
      message: 'not enough money',
      details: { balance: 3n },
    });
    await expect(at.ask('ACME', account, 'cash', 'spoil', null)).rejects.toMatchObject({
      code: 'WEIR_ACTOR_FAILED',
      message: expect.stringContaining('no such thing'),
    });
  });

  it('hears that a member, an actor or a message is not there, or does not fit', async () => {
    const at = await node();
    await expect(at.ask('NOBODY', account, 'cash', 'debit', 1n)).rejects.toMatchObject({ code: 'WEIR_MEMBER_UNKNOWN' });
    const test = { name: 'ACME', group: 'test' };
    await expect(at.ask(test, account, 'cash', 'debit', 1n)).rejects.toMatchObject({ code: 'WEIR_ACTOR_UNKNOWN' });
    const untyped: string = 'credit';
    await expect(at.ask('ACME', account, 'cash', untyped as 'debit', 1n)).rejects.toMatchObject({
      code: 'WEIR_ACTOR_UNKNOWN',
    });
    await expect(at.ask('ACME', account, 'cash', 'debit', '1' as never)).rejects.toMatchObject({
      code: 'WEIR_MESSAGE_INVALID',
    });
  });

  it('hears that the node has been stopped, whatever it asks for', async () => {
    const kit = await testNode({ members: { ACME: { flows: [double], actors: [account] } }, shards: 1 });
    const at = kit.node();
    const handle = await at.start('ACME', double, { n: 1 });
    await kit.stop();
    const name = { flowId: handle.flowId };
    const calls: Array<() => Promise<unknown>> = [
      () => at.start('ACME', double, { n: 1 }),
      () => at.get(name),
      () => at.settled(name),
      () => at.list(),
      () => at.describe(name),
      () => at.retry(name, 'again'),
      () => at.kill(name, 'enough'),
      () => at.ask('ACME', account, 'cash', 'debit', 1n),
      () => handle.result(),
      () => handle.view(),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: 'WEIR_NODE_STOPPED', message: 'the node has been stopped' });
    }
  });

  it('hears the same when it waits for a result while the node stops', async () => {
    const kit = await testNode({ members: { ACME: { flows: [nap] } }, shards: 1 });
    const handle = await kit.node().start('ACME', nap, { for: '1 day' });
    const waiting = expect(handle.result()).rejects.toMatchObject({ code: 'WEIR_NODE_STOPPED' });
    await kit.advance(0);
    await kit.stop();
    await waiting;
  });
});
