/** What people outside tell a running flow, ask of it, and hear from it: signals, queries, progress, cancellation. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { crashEverywhere } from './crash-points.ts';
import { gate, nodeOf, scripted } from './scripts.ts';

let kit: TestNode | undefined;
afterEach(async () => {
  await kit?.stop();
  kit = undefined;
});

const approval = flow('approval', {
  version: 1,
  states: { start: z.object({ amount: z.number() }), decided: z.object({ by: z.string() }) },
  result: z.string(),
  signals: { approve: z.object({ by: z.string() }), reject: z.object({ why: z.string() }), note: z.string() },
  queries: {
    where: ({ stage, state }) => ({ stage, state }),
    last: ({ progress }) => progress.at(-1)?.text,
    broken: () => {
      throw new Error('no such thing');
    },
  },
  stages: {
    *start({ amount }, { signal, progress, become, failed }) {
      yield* progress('asked', { amount });
      for (;;) {
        const said = yield* signal(['approve', 'reject'], { within: '2 days' });
        if (said.type === 'timedOut') {
          yield* progress('reminded');
          continue;
        }
        if (said.type === 'reject') return failed('REJECTED', said.body.why);
        return become('decided', { by: said.body.by });
      }
    },
    *decided({ by }, { signal, sleep }) {
      yield* sleep('1 hour');
      const note = yield* signal('note');
      return `${by}: ${note.body}`;
    },
  },
});

async function asked() {
  kit = await testNode({ members: { A: { flows: [approval] } }, shards: 1 });
  const node = kit.node();
  const { flowId } = await node.start('A', approval, { amount: 5 });
  await kit.advance(0);
  return { kit, node, name: { flowId } };
}

describe('signals', () => {
  it('reach the running flow, each once and in order, and wait until they are read', async () => {
    const { kit, node, name } = await asked();
    expect(await node.describe(name)).toMatchObject({ waitingOn: { what: 'signal', label: 'approve | reject' } });
    expect(await node.signal(approval, name, 'note', 'well done', { signalId: 'n' })).toEqual({ accepted: true });
    expect(await node.signal(approval, name, 'approve', { by: 'ann' }, { signalId: 'a' })).toEqual({ accepted: true });
    await kit.advance('2 hours');
    expect(await node.get(name)).toMatchObject({ status: 'COMPLETED', result: 'ann: well done' });
  });

  it('W4 the same id and body are the same signal, also after a restart; another body is a conflict', async () => {
    const { kit, node, name } = await asked();
    await node.signal(approval, name, 'note', 'one', { signalId: 'n' });
    expect(await node.signal(approval, name, 'note', 'one', { signalId: 'n' })).toEqual({ accepted: false });
    kit.crash();
    const again = await kit.restart();
    expect(await again.signal(approval, name, 'note', 'one', { signalId: 'n' })).toEqual({ accepted: false });
    await expect(again.signal(approval, name, 'note', 'two', { signalId: 'n' })).rejects.toMatchObject({
      code: 'WEIR_SIGNAL_CONFLICT',
    });
    expect(await again.describe(name)).toMatchObject({ unread: 1 });
  });

  it('FE11 a deadline survives a restart', async () => {
    const { kit, name } = await asked();
    await kit.advance('1 day');
    kit.crash();
    const node = await kit.restart();
    await kit.advance('25 hours');
    expect(await node.query(name, 'last')).toBe('reminded');
  });

  it('that do not fit are refused with the reason; the flow is told nothing', async () => {
    const { node, name } = await asked();
    const wrong = (signal: string, body: unknown): Promise<unknown> =>
      Reflect.apply(node.signal, undefined, [approval, name, signal, body]);
    await expect(wrong('aprove', {})).rejects.toMatchObject({ code: 'WEIR_SIGNAL_UNKNOWN', message: /approve/ });
    await expect(wrong('approve', { by: 1 })).rejects.toMatchObject({ code: 'WEIR_SIGNAL_INVALID', message: /by/ });
    await expect(node.signal(approval, { flowId: 'none' }, 'note', 'x')).rejects.toMatchObject({
      code: 'WEIR_FLOW_NOT_FOUND',
    });
    expect(await node.describe(name)).toMatchObject({ unread: 0 });
  });

  it('W7 more than a flow can keep are refused, and what it has reads on', async () => {
    const { kit, node, name } = await asked();
    for (let n = 0; n < 1_000; n++) await node.signal(approval, name, 'note', `note ${n}`);
    await expect(node.signal(approval, name, 'note', 'too many')).rejects.toMatchObject({
      code: 'WEIR_SIGNALS_FULL',
      retryable: true,
    });
    const { flowId } = name;
    await kit.node().kill({ flowId }, 'enough');
    await expect(node.signal(approval, name, 'note', 'late')).rejects.toMatchObject({ code: 'WEIR_FLOW_FINISHED' });
  });

  it('FE2 W6 none is lost or read twice wherever the worker dies', async () => {
    const runs = await crashEverywhere({
      settings: () => ({ members: { A: { flows: [approval] } } }),
      start: async (node) => {
        const { flowId } = await node.node().start('A', approval, { amount: 1 }, { clientRequestId: 'one' });
        await node.node().signal(approval, { flowId }, 'note', 'fine', { signalId: 'n' });
        await node.node().signal(approval, { flowId }, 'approve', { by: 'bob' }, { signalId: 'a' });
      },
      outcome: async (node) => (await node.node().list()).flows.map(({ status, result }) => ({ status, result })),
      time: '2 hours',
    });
    expect(runs.expected).toEqual([{ status: 'COMPLETED', result: 'bob: fine' }]);
    expect(runs.different).toEqual([]);
    // Four commits, and one that forgets what was answered.
    expect(runs.points).toBe(10);
  });
});

describe('queries', () => {
  it('are answered from stage, state and progress, without running the flow', async () => {
    const { node, name } = await asked();
    expect(await node.query(name, 'where')).toEqual({ stage: 'start', state: { amount: 5 } });
    expect(await node.query(name, 'last')).toBe('asked');
    const before = await node.describe(name);
    await expect(node.query(name, 'broken')).rejects.toMatchObject({ code: 'WEIR_QUERY_FAILED', message: /no such/ });
    await expect(node.query(name, 'nothing')).rejects.toMatchObject({ code: 'WEIR_QUERY_UNKNOWN' });
    expect(await node.describe(name)).toEqual(before);
  });
});

describe('progress', () => {
  it('FE16 reports are numbered, in order, and survive a takeover; the newest 20 are kept', async () => {
    const talker = scripted('talker', function* ({ progress, sleep }) {
      for (let n = 1; n <= 25; n++) yield* progress(`part ${n}`, { n });
      yield* sleep('1 hour');
      yield* progress('over');
    });
    kit = await nodeOf([talker]);
    const { flowId } = await kit.node().start('A', talker, null);
    await kit.advance(0);
    const numbers = async (): Promise<number[]> =>
      ((await kit?.node().get({ flowId }))?.progress ?? []).map(({ number }) => number);
    expect(await numbers()).toEqual(Array.from({ length: 20 }, (_, n) => n + 6));
    kit.crash();
    await kit.restart();
    await kit.advance('2 hours');
    const view = await kit.node().get({ flowId });
    expect(view.progress.at(-1)).toMatchObject({ number: 26, text: 'over' });
    expect(view.progress.at(-2)).toMatchObject({ number: 25, text: 'part 25', details: { n: 25 } });
  });

  it('W7 a report that is too large is refused to the flow', async () => {
    const talker = scripted('talker', function* ({ progress }) {
      yield* progress('large', 'x'.repeat(10_000));
    });
    kit = await nodeOf([talker]);
    const handle = await kit.node().start('A', talker, null);
    await kit.advance(0);
    expect(await handle.view()).toMatchObject({ status: 'FAILED', error: { code: 'WEIR_FLOW_TOO_LARGE' } });
  });
});

describe('cancel', () => {
  const cleaned = gate<string>();
  const careful = scripted('careful', function* ({ step, sleep, all }) {
    const id = yield* step('book', () => 'booking 7');
    try {
      yield* all([sleep('1 day'), sleep('2 days')]);
      return 'travelled';
    } finally {
      yield* sleep('1 min');
      yield* step('unbook', () => cleaned.resolve(`unbooked ${id}`));
    }
  });

  it('FE9 runs the cleanup, which may use steps, and ends the flow as KILLED', async () => {
    kit = await nodeOf([careful]);
    const { flowId } = await kit.node().start('A', careful, null);
    await kit.advance('1 hour');
    expect(await kit.node().cancel({ flowId }, 'the trip is off')).toMatchObject({ status: 'RUNNING' });
    await kit.advance('2 min');
    expect(await cleaned.promise).toBe('unbooked booking 7');
    expect(await kit.node().get({ flowId })).toMatchObject({
      status: 'KILLED',
      error: { code: 'CANCELLED', message: 'the flow was cancelled: the trip is off' },
      history: [{ act: 'start' }, { act: 'cancel', reason: 'the trip is off' }],
    });
    await expect(kit.node().cancel({ flowId }, 'again')).rejects.toMatchObject({ code: 'WEIR_FLOW_FINISHED' });
  });

  it('FE2 cleans up once wherever the worker dies, and is not forgotten', async () => {
    const runs = await crashEverywhere({
      settings: () => ({ members: { A: { flows: [careful] } } }),
      start: async (node) => {
        const { flowId } = await node.node().start('A', careful, null, { clientRequestId: 'one' });
        await node.advance('1 min');
        await node.node().cancel({ flowId }, 'off');
      },
      outcome: async (node) =>
        (await node.node().list()).flows.map(({ status, error }) => ({ status, code: error?.code })),
    });
    expect(runs.expected).toEqual([{ status: 'KILLED', code: 'CANCELLED' }]);
    expect(runs.different).toEqual([]);
    expect(runs.points).toBe(10);
  });

  it('is refused for a STUCK flow, whose cleanup cannot run', async () => {
    const broken = scripted('broken', function* ({ step }) {
      yield* step('fail', () => {
        throw new TypeError('a bug');
      });
    });
    kit = await nodeOf([broken]);
    const { flowId } = await kit.node().start('A', broken, null);
    await kit.advance(0);
    await expect(kit.node().cancel({ flowId }, 'off')).rejects.toMatchObject({ code: 'WEIR_FLOW_STUCK' });
  });
});
