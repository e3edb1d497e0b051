/** What code is said to make of unfinished flows, and what it then makes of them. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AnyFlow, type FlowContext, flow, type StartedNode, silentLogger, startNode } from '../../src/index.ts';
import { flowJudge, type JudgedFlow, openOffline, unfinishedFlows } from '../../src/worker/index.ts';
import { temporaryDirectory } from '../transport/log/support/directory.ts';
import { clock } from './offline/support.ts';

const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const start = z.object({ item: z.string() });
const pay = z.object({ cents: z.int() });
const common = { result: z.string(), signals: { go: z.null() } } as const;

/** Until then the visit of a flow with the item "late" does not end. */
let gate = Promise.withResolvers<void>();

function* payV1({ cents }: z.output<typeof pay>, { step }: Pick<FlowContext, 'step'>) {
  yield* step('pay', () => undefined);
  return `paid ${cents}`;
}

const permitV1 = flow('permit', {
  version: 1,
  ...common,
  states: { start, pay },
  stages: {
    *start({ item }, { step, signal, become }) {
      yield* step('look', () => (item === 'late' ? gate.promise : undefined));
      if (item !== 'late') yield* signal(['go']);
      return become('pay', { cents: item === 'late' ? 6 : 5 });
    },
    pay: payV1,
  },
});

/** Asks for the same first, and then for something else. */
const longer = flow('permit', {
  version: 2,
  ...common,
  states: { start, pay },
  stages: {
    *start(_input, { step, signal, become }) {
      yield* step('look', () => undefined);
      yield* signal(['go']);
      const cents = yield* step('price', () => 7);
      return become('pay', { cents });
    },
    pay: payV1,
  },
});

/** Asks for other things from the beginning, and pays in a currency. */
const other = (
  options: { readonly previous?: readonly (typeof permitV1)[]; readonly migrate?: typeof lifting } = {},
): AnyFlow =>
  flow('permit', {
    version: 2,
    ...common,
    states: { start, pay: pay.extend({ currency: z.string() }) },
    stages: {
      *start(_input, { step, signal, become }) {
        yield* step('ask', () => undefined);
        yield* signal(['go']);
        return become('pay', { cents: 9, currency: 'EUR' });
      },
      *pay({ cents, currency }, { step }) {
        yield* step('transfer', () => undefined);
        return `paid ${cents} ${currency}`;
      },
    },
    ...options,
  });

function lifting(_from: number, stage: string, state: unknown) {
  return stage === 'start' ? { state: start.parse(state) } : { state: { ...pay.parse(state), currency: 'CHF' } };
}

/** Changed without a new version. */
const careless = flow('permit', {
  version: 1,
  ...common,
  states: { start, pay },
  stages: {
    *start(_input, { step, signal, become }) {
      yield* step('inspect', () => undefined);
      yield* signal(['go']);
      return become('pay', { cents: 5 });
    },
    pay: payV1,
  },
});

/** Cannot run on what `migrate` gives to the second flow. */
const unlucky = (): AnyFlow =>
  flow('permit', {
    version: 2,
    ...common,
    states: { start, pay: z.object({ cents: z.int(), to: z.any() }) },
    previous: [permitV1],
    migrate(_from, _stage, state) {
      const { cents } = pay.parse(state);
      return { state: { cents, to: cents === 5 ? { name: 'a bank' } : null } };
    },
    stages: {
      *start(_input, { step, become }) {
        yield* step('look', () => undefined);
        return become('pay', { cents: 1, to: { name: 'a bank' } });
      },
      *pay({ to: { name } }, { step }) {
        yield* step('transfer', () => undefined);
        return `paid to ${name}`;
      },
    },
  });

async function nodeOn(data: string, ...flows: AnyFlow[]): Promise<StartedNode> {
  const node = await startNode({ members: { A: { flows } }, data, shards: 2, logger: silentLogger });
  closing.push(() => node.stop());
  return node;
}

/** The data of a node that ran version 1: a flow in the middle of its visit, and one at the beginning of the next. */
async function waitingFlows(): Promise<{ readonly data: string; readonly begun: string; readonly fresh: string }> {
  const { path: data, remove } = await temporaryDirectory();
  closing.push(remove);
  const node = await nodeOn(data, permitV1);
  const begun = (await node.start('A', permitV1, { item: 'chair' })).flowId;
  gate = Promise.withResolvers();
  const fresh = (await node.start('A', permitV1, { item: 'late' })).flowId;
  const ended = await node.start('A', permitV1, { item: 'table' });
  await node.signal(permitV1, { flowId: ended.flowId }, 'go', null);
  await ended.result();
  await expect.poll(async () => (await node.describe({ flowId: begun })).waitingOn?.what).toBe('signal');
  const stopped = node.stop();
  await expect.poll(() => node.status().shards.some(({ phase }) => phase === 'draining'), { interval: 1 }).toBe(true);
  // What is under way ends while the shard drains; what comes next is for whoever has it then.
  gate.resolve();
  await stopped;
  return { data, begun, fresh };
}

async function judged(data: string, ...flows: AnyFlow[]): Promise<ReadonlyMap<string, JudgedFlow>> {
  const judge = flowJudge([{ name: 'A', group: 'default', flows, actors: [] }]);
  const log = await openOffline({ configuration: { data, kafka: undefined }, clock, logger: silentLogger });
  const found = new Map<string, JudgedFlow>();
  for await (const shard of unfinishedFlows(log)) {
    expect(shard.unreadable).toEqual([]);
    for (const checkpoint of shard.checkpoints) found.set(checkpoint.id, judge(checkpoint));
  }
  await log.close();
  return found;
}

describe('unfinished flows, judged by other code', () => {
  const becomes = {
    continues: { status: 'COMPLETED', version: 1 },
    previous: { status: 'COMPLETED', version: 2 },
    migrates: { status: 'COMPLETED', version: 2 },
    replays: { status: 'COMPLETED', version: 2 },
    stuck: { status: 'STUCK' },
  } as const;

  it.each<[string, AnyFlow, keyof typeof becomes, keyof typeof becomes]>([
    ['the same code', permitV1, 'continues', 'continues'],
    ['code that goes on alike', longer, 'replays', 'migrates'],
    ['other code with `previous`', other({ previous: [permitV1], migrate: lifting }), 'previous', 'migrates'],
    ['other code with `migrate` alone', other({ migrate: lifting }), 'stuck', 'migrates'],
    ['code with a defect', unlucky(), 'previous', 'stuck'],
    ['other code alone', other(), 'stuck', 'stuck'],
    ['other code of the same version', careless, 'stuck', 'continues'],
  ])('FE15 are said of %s to become what then becomes of them', async (_what, code, ofBegun, ofFresh) => {
    const { data, begun, fresh } = await waitingFlows();
    const found = await judged(data, code);
    expect([...found.keys()].sort()).toEqual([begun, fresh].sort());
    expect([found.get(begun)?.verdict, found.get(fresh)?.verdict]).toEqual([ofBegun, ofFresh]);
    const node = await nodeOn(data, code);
    await node.signal(permitV1, { flowId: begun }, 'go', null).catch(() => undefined);
    for (const [flowId, verdict] of [[begun, ofBegun] as const, [fresh, ofFresh] as const]) {
      await expect.poll(() => node.get({ flowId }), { timeout: 10_000 }).toMatchObject(becomes[verdict]);
      const { error } = await node.get({ flowId });
      expect(found.get(flowId)?.obstacle?.code).toBe(verdict === 'stuck' ? error?.code : undefined);
    }
  });

  it('FE15 name the operation at which the code is another one, and what to do', async () => {
    const { data, begun } = await waitingFlows();
    const found = (await judged(data, other({ migrate: lifting }))).get(begun);
    expect(found).toMatchObject({ stage: 'start', from: 1, version: 2, status: 'RUNNING', flow: 'permit' });
    expect(found?.obstacle?.at).toEqual({
      index: 0,
      found: expect.stringMatching(/^step "ask", at \S+compat\.test\.ts:\d+:\d+$/),
      expected: 'step "look"',
    });
    expect(found?.obstacle?.remedy).toContain('put the definition of version 1 into "previous" of version 2');
    const same = (await judged(data, careless)).get(begun);
    expect(same?.obstacle).toMatchObject({ code: 'WEIR_FLOW_DIVERGED', at: { index: 0, expected: 'step "look"' } });
    expect(same?.obstacle?.remedy).toContain('give the changed code a version of its own');
  });

  it('FE15 wait for code that is newer, or missing', async () => {
    const { data, begun } = await waitingFlows();
    expect((await judged(data)).get(begun)).toMatchObject({
      ...{ verdict: 'waits', newer: false, wanted: 'permit version 1, stage start', version: undefined },
    });
    const node = await nodeOn(data, longer);
    const { flowId } = await node.start('A', longer, { item: 'new' });
    await expect.poll(async () => (await node.describe({ flowId })).waitingOn?.what).toBe('signal');
    await node.stop();
    const found = await judged(data, permitV1);
    expect(found.get(flowId)).toMatchObject({ verdict: 'waits', newer: true, wanted: 'permit version 2, stage start' });
    expect(found.get(begun)?.verdict).toBe('continues');
  });
});
