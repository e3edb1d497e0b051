/** What a node tells of its STUCK flows, and acts on many of them at once. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { routingKeyOf } from '../../../src/actors/flow/protocol.ts';
import { partitionOf } from '../../../src/actors/shard/index.ts';
import { type ErrorCode, flow, TransientError } from '../../../src/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../../src/testing/index.ts';
import { audited, inWords } from '../flow/audited.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const order = z.object({ id: z.string(), lines: z.array(z.string()).optional() });

/** Flows that a bug, or a bank that is down, keeps; `mended` lets those of an id go on. */
function broken() {
  const mended = new Set<string>();
  const bug = flow('bug', {
    version: 1,
    states: { start: order, later: order },
    result: z.string(),
    stages: {
      *start(state, { become, step }) {
        yield* step('look', () => undefined);
        return become('later', state);
      },
      *later({ id }, { step }) {
        return yield* step('use', () => {
          if (!mended.has(id)) throw new TypeError(`no part for ${id}`);
          return 'used';
        });
      },
    },
  });
  const bank = flow('bank', {
    version: 1,
    states: { start: order },
    result: z.string(),
    stages: {
      *start({ id }, { step }) {
        const pay = () => {
          if (!mended.has(id)) throw new TransientError('the bank is down');
          return 'paid';
        };
        return yield* step('pay', pay, { retry: { attempts: 3 } });
      },
    },
  });
  return { bug, bank, mended };
}

async function hospital(settings: Partial<TestNodeSettings> = {}) {
  const { bug, bank, mended } = broken();
  kit = await testNode({ members: { A: { flows: [bug, bank] }, B: { flows: [bug] } }, shards: 4, ...settings });
  const flowIds: string[] = [];
  for (const [member, definition, id] of [
    ['A', bug, 'a1'],
    ['A', bug, 'a2'],
    ['B', bug, 'b1'],
    ['A', bank, 'p1'],
  ] as const) {
    const started = kit.node().start(member, definition, { id }, { clientRequestId: id });
    await kit.advance('1 min');
    flowIds.push((await started).flowId);
  }
  return { mended, flowIds, node: kit.node() };
}

async function told<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await kit.advance('1 s');
  return promise;
}

const statuses = async (): Promise<string[]> =>
  (await kit.node().list()).flows.map(({ clientRequestId, status }) => `${clientRequestId} ${status}`).sort();

describe('FE8 a STUCK flow', () => {
  it('shows its state, the operation that failed, and its attempts with times and errors', async () => {
    const { node, flowIds } = await hospital();
    const shown = await told(node.describe({ flowId: flowIds[3] ?? '' }));
    expect(shown).toMatchObject({
      status: 'STUCK',
      state: { id: 'p1' },
      failed: { operation: 'step "pay"', attempts: 3 },
      retrying: [],
      stays: [{ code: 'WEIR_STEP_EXHAUSTED', place: expect.stringContaining('stage start, step "pay"') }],
    });
    const { failures = [] } = shown.failed ?? {};
    expect(failures.map(({ code, message }) => `${code}: ${message}`)).toEqual(
      Array(3).fill('TransientError: the bank is down'),
    );
    const [first, second, third] = failures.map(({ at }) => at);
    expect([Number(second) - Number(first), Number(third) - Number(second)].every((ms) => ms >= 100)).toBe(true);
  });

  it('tells the attempts of a step that is still tried again, also after a restart', async () => {
    const { bank } = broken();
    kit = await testNode({ members: { A: { flows: [bank] } }, shards: 1 });
    const { flowId } = await kit.node().start('A', bank, { id: 'x' });
    await kit.advance(0);
    kit.crash();
    await kit.restart();
    const shown = await told(kit.node().describe({ flowId }));
    expect(shown).toMatchObject({
      status: 'RUNNING',
      retrying: [{ operation: 'step "pay"', failures: [{ message: 'the bank is down' }] }],
      stays: [],
    });
    expect(shown.failed).toBeUndefined();
  });

  it('remembers each stay in the hospital, the newest ten', async () => {
    const { node, flowIds } = await hospital();
    const name = { flowId: flowIds[0] ?? '' };
    for (let n = 0; n < 12; n++) await told(node.retry(name, `try ${n}`));
    const { stays, stateBytes } = await told(node.describe(name));
    expect(stays).toHaveLength(10);
    expect(stays[9]).toMatchObject({ code: 'TypeError', message: 'no part for a1' });
    expect(stays.map(({ at }) => at)).toEqual(stays.map(({ at }) => at).sort((a, b) => a - b));
    expect(stateBytes).toBeGreaterThan(0);
  });
});

describe('FE8 the hospital', () => {
  it('lists who is there, newest first, by what they have in common', async () => {
    const { node, mended } = await hospital();
    const listed = async (filter: Parameters<typeof node.hospital>[0]): Promise<string[]> =>
      (await told(node.hospital(filter))).cases.map(({ view }) => view.clientRequestId);
    expect(await listed({})).toEqual(['p1', 'b1', 'a2', 'a1']);
    expect(await listed({ member: 'A' })).toEqual(['p1', 'a2', 'a1']);
    expect(await listed({ flow: 'bug' })).toEqual(['b1', 'a2', 'a1']);
    expect(await listed({ stage: 'start' })).toEqual(['p1']);
    expect(await listed({ code: 'TypeError', member: 'B' })).toEqual(['b1']);
    const page = await told(node.hospital({ limit: 3 }));
    expect(await listed({ limit: 3, cursor: page.cursor })).toEqual(['a1']);
    expect(page.cases[0]?.description).toMatchObject({ state: { id: 'p1' }, failed: { attempts: 3 } });
    mended.add('b1');
    await told(node.retryAll({ member: 'B' }, 'mended'));
    expect(await listed({})).toEqual(['p1', 'a2', 'a1']);
  });

  it('retries many, and says of each that could not be retried why', async () => {
    const { node, mended, flowIds } = await hospital();
    for (const id of ['a1', 'a2']) mended.add(id);
    expect(await told(node.retryAll({ flow: 'bug' }, 'mended'))).toMatchObject({ done: 3, refused: [] });
    await kit.advance('1 min');
    expect(await statuses()).toEqual(['a1 COMPLETED', 'a2 COMPLETED', 'b1 STUCK', 'p1 STUCK']);
    const named = await told(node.retryAll({ flowIds: [...flowIds, 'no-such-flow'] }, 'again'));
    const why: readonly ErrorCode[] = ['WEIR_FLOW_NOT_STUCK', 'WEIR_FLOW_NOT_STUCK', 'WEIR_FLOW_NOT_FOUND'];
    expect(named.refused.map(({ code }) => code)).toEqual(why);
    expect([named.done, named.flowIds]).toEqual([2, flowIds.slice(2)]);
  });

  it('skips and kills many, each audited with who and why', async () => {
    const { node } = await hospital();
    const before = (await audited(kit)).entries.length;
    expect(await told(node.skipAll({ code: 'TypeError', member: 'A' }, 'by hand', 'all done'))).toMatchObject({
      done: 2,
    });
    expect(await told(node.killAll({}, 'not wanted'))).toMatchObject({ done: 2, refused: [] });
    expect(await statuses()).toEqual(['a1 COMPLETED', 'a2 COMPLETED', 'b1 KILLED', 'p1 KILLED']);
    const { entries } = await audited(kit);
    const fresh = inWords([...entries].sort((a, b) => a.at - b.at).slice(before));
    expect(fresh.filter((words) => words.startsWith('skip'))).toEqual(
      Array(2).fill('skip step "use" by local:embedder all done'),
    );
    expect(fresh.filter((words) => words.startsWith('kill'))).toEqual(
      Array(2).fill('kill by local:embedder not wanted'),
    );
    expect(fresh.filter((words) => words.startsWith('end'))).toHaveLength(4);
  });

  it('says for whom it would be, and does nothing, when asked for that', async () => {
    const { node, flowIds } = await hospital();
    const said = await told(node.killAll({ member: 'A', dryRun: true }, 'a rehearsal'));
    expect([said.done, [...said.flowIds].sort()]).toEqual([0, [flowIds[0], flowIds[1], flowIds[3]].sort()]);
    expect(await statuses()).toEqual(['a1 STUCK', 'a2 STUCK', 'b1 STUCK', 'p1 STUCK']);
    expect((await audited(kit)).entries.every(({ act }) => act === 'start')).toBe(true);
  });

  it('goes on with the rest by its cursor, and meets nobody twice', async () => {
    const { node } = await hospital();
    const met: string[] = [];
    let cursor: string | undefined;
    do {
      const some = await told(node.retryAll({ limit: 1, cursor }, 'in vain'));
      met.push(...some.flowIds);
      cursor = some.cursor;
    } while (cursor !== undefined);
    expect([met.length, new Set(met).size]).toEqual([4, 4]);
  });

  it('does nothing that the one who asks may not do', async () => {
    const { node } = await hospital({ authorize: (_principal, action) => action !== 'flow.kill' });
    const { refused, done } = await told(node.killAll({ member: 'B' }, 'no'));
    expect([done, refused.map(({ code }) => code)]).toEqual([0, ['WEIR_FORBIDDEN']]);
  });

  it('RP9 does the same for flows of shards that run on another worker', async () => {
    const { node } = await hospital({ workers: 2 });
    expect(await told(node.retryAll({}, 'in vain'))).toMatchObject({ done: 4, refused: [] });
    const { cases } = await told(node.hospital());
    expect(cases.map(({ description }) => description?.status)).toEqual(Array(4).fill('STUCK'));
  });

  it('W5 is not held up by a shard that does not answer, and says which flows it could not reach', async () => {
    const { node, flowIds } = await hospital({ workers: 2 });
    const far = flowIds.filter((flowId) => kit.ownerOf(partitionOf(routingKeyOf(flowId), 4)) === 1);
    expect(far.length).toBeGreaterThan(0);
    kit.cluster.freeze('worker-1');
    const shown = node.hospital();
    await kit.advance('5 s');
    const without = (await shown).cases.filter(({ description }) => description === undefined);
    expect(new Set(without.map(({ view }) => view.flowId))).toEqual(new Set(far));
    const acted = node.retryAll({}, 'in vain');
    await kit.advance('30 s');
    const { done, refused } = await acted;
    expect(done).toBe(4 - far.length);
    expect(new Set(refused.map(({ flowId }) => flowId))).toEqual(new Set(far));
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['WEIR_ASK_TIMEOUT']));
    kit.cluster.thaw('worker-1');
  });

  it('W7 takes only some such requests at one time', async () => {
    const { node } = await hospital();
    const asked = await told(
      Promise.allSettled(Array.from({ length: 8 }, () => node.retryAll({}, 'in vain'))).then((answers) =>
        answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : [])),
      ),
    );
    expect(asked).toEqual(Array(4).fill('WEIR_HOSPITAL_BUSY'));
    await expect(told(node.retryAll({ limit: 0 }, 'none'))).rejects.toMatchObject({ code: 'WEIR_REQUEST_INVALID' });
  });
});
