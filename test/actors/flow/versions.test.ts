/** What becomes of flows when their code is replaced in the middle: versions, `previous`, `migrate`. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AnyFlow, flow, protocol } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { done, lifting, order, orderV1, orderV2, settings, settle, states } from './orders.ts';

let kit: TestNode;
afterEach(() => kit.stop());

/** A flow of the first version, an hour before it goes on, and the node with other code. */
async function upgraded(...flows: AnyFlow[]) {
  done.length = 0;
  kit = await testNode(settings(orderV1));
  const { flowId } = await kit.node().start('A', orderV1, { item: 'chair' });
  await kit.advance('1 min');
  await redeploy(...flows);
  return { flowId };
}

async function redeploy(...flows: AnyFlow[]): Promise<void> {
  await kit.node().stop();
  await kit.restart(0, settings(...flows));
  await kit.advance('2 hours');
}

describe('a newer version of a flow', () => {
  it('FE15 ends the visit of `previous` code on it, and is lifted where the next stage begins', async () => {
    const name = await upgraded(orderV2({ previous: [orderV1], migrate: lifting }));
    expect(await kit.node().get(name)).toMatchObject({
      status: 'COMPLETED',
      result: 'chair for 500 CHF',
      version: 2,
    });
    expect(done).toEqual(['1 quote', '1 reserve', '2 settle']);
  });

  it('FE15 goes on in the middle of a stage that asks for all that was recorded', async () => {
    const same = flow('order', {
      version: 2,
      result: z.string(),
      states: { ...states, start: order.extend({ note: z.string().default('none') }) },
      stages: {
        *start({ item, note }, { step, sleep, become, log }) {
          log.info({}, 'in the second version');
          const cents = yield* step('quote', () => {
            done.push('2 quote');
            return 900;
          });
          yield* sleep('1 hour');
          yield* step('reserve', () => void done.push(`2 reserve ${note}`));
          return become('settle', { item, cents, currency: 'EUR' });
        },
        settle,
      },
    });
    const name = await upgraded(same);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 'chair for 500 EUR', version: 2 });
    expect(done).toEqual(['1 quote', '2 reserve none', '2 settle']);
    // Neither the dry run nor the replay of what the first version did is heard.
    expect(kit.log.lines.filter(({ message }) => message === 'in the second version')).toEqual([]);
  });

  it('FE15 W2 that would do something else is STUCK before it does, and goes on once there is `previous`', async () => {
    const name = await upgraded(orderV2({ migrate: lifting }));
    const { status, error } = await kit.node().get(name);
    expect([status, error?.code]).toEqual(['STUCK', 'WEIR_FLOW_INCOMPATIBLE']);
    expect(error?.message).toMatch(
      /^flow order has begun stage start with version 1, and version 2 cannot .* at operation 0 there is step "ask the market", at \S+orders\.ts:\d+:\d+ where step "quote" was recorded$/,
    );
    expect(error?.remedy).toContain('put the definition of version 1 into "previous" of version 2');
    expect(done).toEqual(['1 quote']);
    await redeploy(orderV2({ previous: [orderV1], migrate: lifting }));
    await kit.node().retry(name, 'previous code is there');
    await kit.advance(0);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 'chair for 500 CHF' });
    expect(done).toEqual(['1 quote', '1 reserve', '2 settle']);
  });

  it('FE15 whose code comes to an end too soon is STUCK', async () => {
    const name = await upgraded(
      orderV2({
        stages: {
          *start({ item }, { step }) {
            yield* step('quote', () => 1);
            return item;
          },
          settle,
        },
      }),
    );
    const { status, error } = await kit.node().get(name);
    expect([status, error?.code]).toEqual(['STUCK', 'WEIR_FLOW_INCOMPATIBLE']);
    expect(error?.message).toContain('the end of the stage where sleep "1 hour" was recorded');
  });

  it('FE15 FE8 whose state nobody lifts is STUCK, and goes on with the one that an operator gives', async () => {
    const name = await upgraded(
      flow('order', {
        version: 2,
        result: z.string(),
        states: { start: order, pay: states.settle },
        previous: [orderV1],
        stages: {
          // biome-ignore lint/correctness/useYield: nothing starts it here
          *start({ item }) {
            return item;
          },
          pay: settle,
        },
      }),
    );
    const { status, error, stage } = await kit.node().get(name);
    expect([status, stage, error?.code]).toEqual(['STUCK', 'pay', 'WEIR_FLOW_NOT_LIFTED']);
    expect(error?.message).toContain('its state does not fit stage "pay": currency');
    expect(error?.remedy).toContain('migrate(from, stage, state) of version 2');
    await kit.node().retryWith(name, { item: 'sofa', cents: 1, currency: 'USD' }, 'by hand');
    await kit.advance(0);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 'sofa for 1 USD', version: 2 });
  });

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('no idea');
      },
      'no idea',
    ],
    ['gives nothing', () => undefined, 'migrate of version 2 gave no state'],
    ['is asynchronous', async () => ({ state: 1 }), 'migrate of version 2 is asynchronous'],
    ['names a stage that there is not', () => ({ stage: 'nowhere', state: 1 }), 'has no stage "nowhere"'],
    ['gives what does not fit', () => ({ stage: 'settle', state: { item: 5 } }), 'what migrate gave does not fit'],
  ])('FE15 a migrate that %s leaves the flow STUCK', async (_what, migrate, why) => {
    const wrong = orderV2({ previous: [orderV1], migrate: migrate as typeof lifting });
    const name = await upgraded(wrong);
    const { status, error } = await kit.node().get(name);
    expect([status, error?.code]).toEqual(['STUCK', 'WEIR_FLOW_NOT_LIFTED']);
    expect(error?.message).toContain(why);
  });

  it('FE15 that is two versions ahead lifts by way of the version in between', async () => {
    const second = orderV2({ previous: [orderV1], migrate: lifting });
    const calls: number[] = [];
    const orderV3 = flow('order', {
      version: 3,
      result: z.object({ text: z.string() }).or(z.string()),
      states: { start: order, settle: states.settle.extend({ rate: z.number() }) },
      previous: [second],
      migrate(from, stage, state) {
        calls.push(from);
        if (stage === 'start') return { state: order.parse(state) };
        return { stage: 'settle', state: { ...states.settle.parse(state), rate: 2 } };
      },
      stages: {
        // biome-ignore lint/correctness/useYield: nothing starts it here
        *start({ item }) {
          return { text: item };
        },
        *settle({ cents, currency, rate }, { step }) {
          yield* step('settle', () => void done.push('3 settle'));
          return { text: `${cents * rate} ${currency}` };
        },
      },
    });
    const name = await upgraded(orderV3);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: { text: '1000 CHF' }, version: 3 });
    expect(done).toEqual(['1 quote', '1 reserve', '3 settle']);
    expect(calls).toEqual([2]);
  });

  it('FE15 keeps states whose schemas transform what they take as they are', async () => {
    const versions = [1, 2].map((version) =>
      flow('dated', {
        version,
        result: z.string(),
        states: { start: z.iso.datetime().transform((text) => new Date(text)) },
        stages: {
          *start(at, { sleep }) {
            yield* sleep('1 hour');
            return at.toISOString();
          },
        },
      }),
    );
    const [first, second] = versions;
    if (first === undefined || second === undefined) throw new Error('there are two');
    kit = await testNode(settings(first));
    const name = await kit.node().start('A', first, '2026-01-02T03:04:05.000Z');
    await kit.advance('1 min');
    await redeploy(second);
    expect(await kit.node().get({ flowId: name.flowId })).toMatchObject({
      result: '2026-01-02T03:04:05.000Z',
      version: 2,
    });
  });

  it('FE15 FE18 a step that was under way where a visit began runs again as the same step', async () => {
    const ids: string[] = [];
    const versions = [1, 2].map((version) =>
      flow('first step', {
        version,
        states: { start: z.null() },
        result: z.int(),
        stages: {
          *start(_input, { step }) {
            return yield* step('charge', ({ id }) => {
              ids.push(id);
              return version === 1 ? new Promise<never>(() => undefined) : version;
            });
          },
        },
      }),
    );
    const [first, second] = versions;
    if (first === undefined || second === undefined) throw new Error('there are two');
    kit = await testNode(settings(first));
    const { flowId } = await kit.node().start('A', first, null);
    await kit.advance('1 s');
    kit.crash();
    await kit.restart(0, settings(second));
    await kit.advance('1 min');
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: 2, version: 2 });
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });
});

const talk = protocol('talk', { version: 1, initiator: { say: z.string() }, responder: { reply: z.string() } });
const answering = flow('answering', {
  version: 1,
  responds: talk,
  states: { start: z.unknown() },
  stages: {
    *start(_input, { initiator, sleep }) {
      yield* initiator.receive();
      yield* sleep('1 hour');
      yield* initiator.send('reply', 'here');
    },
  },
});

describe('the dry run of a visit', () => {
  /** Two answers at the same time, one of which loses, then one more. */
  const branching = (version: number, second: string) =>
    flow('branching', {
      version,
      result: z.unknown(),
      states: { start: z.null() },
      stages: {
        *start(_input, { session, race, all, sleep, step }) {
          const one = yield* session('A', talk, { name: 'one' });
          yield* one.send('say', 'hello');
          yield* all([sleep('5 min'), step('beside', () => void done.push(`${version} beside`))]);
          const won = yield* race({ reply: one.receive(), late: sleep('10 min') });
          const other = yield* session('A', talk, { name: second });
          yield* other.send('say', 'again');
          const { body } = yield* other.receive();
          return [won.type, body];
        },
      },
    });

  it.each([
    ['the same sessions and branches', 'two', { status: 'COMPLETED', result: ['late', 'here'] }],
    ['another session', 'three', { status: 'STUCK', error: { code: 'WEIR_FLOW_INCOMPATIBLE' } }],
  ])('FE15 FE19 follows its sessions and branches: %s', async (_what, session, expected) => {
    done.length = 0;
    const first = branching(1, 'two');
    kit = await testNode(settings(first, answering));
    const { flowId } = await kit.node().start('A', first, null);
    await kit.advance('20 min');
    await redeploy(branching(2, session), answering);
    expect(await kit.node().get({ flowId })).toMatchObject(expected);
    expect(done).toEqual(['1 beside']);
  });
});
