/** Code of a flow that does not give way is stopped, its flow is STUCK, and everybody else on the worker goes on. */
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger, startNode } from '../../src/index.ts';
import { type TestNode, testNode } from '../../src/testing/index.ts';
import { vmContainment } from '../../src/worker/containment.ts';
import { scripted } from '../actors/flow/scripts.ts';
import { temporaryDirectory } from '../transport/log/support/directory.ts';

const mended = new Set<string>();
const closing: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  mended.clear();
  for (const close of closing.splice(0).reverse()) await close();
});

/** Has the processor for ever, until somebody mends its code. */
function spin(name: string): string {
  while (!mended.has(name));
  return `${name} is mended`;
}

const inStage = scripted('in a stage', function* ({ step }) {
  yield* step('before', () => 1);
  try {
    return spin('in a stage');
  } finally {
    yield* step('cleanup', () => 1);
  }
});

const inStep = scripted('in a step', function* ({ step }) {
  try {
    return yield* step('spin', () => spin('in a step'));
  } catch {
    return 'caught';
  }
});

const inBranch = scripted('in a branch', function* ({ all, sleep }) {
  function* branch() {
    yield* sleep('1 ms');
    return spin('in a branch');
  }
  try {
    return (yield* all([branch(), sleep('1 ms')]))[0];
  } catch {
    return 'caught';
  }
});

const steady = scripted('steady', function* ({ step, sleep }) {
  for (let round = 0; round < 20; round++) {
    yield* step('work', async () => round);
    yield* sleep('5 ms');
  }
  return 'done';
});

const flows = [inStage, inStep, inBranch, steady];

describe('containment of code', () => {
  it('FE10 W5 a flow whose code does not give way is STUCK, wherever that is; the worker and the others go on', async () => {
    const { path: data, remove } = await temporaryDirectory();
    closing.push(remove);
    const containment = { limit: '200 ms', of: 'all' } as const;
    const node = await startNode({ members: { A: { flows } }, data, shards: 1, containment, logger: silentLogger });
    closing.push(() => node.stop());
    const others = await Promise.all([1, 2, 3].map(() => node.start('A', steady, null)));
    for (const runaway of [inStage, inStep, inBranch]) {
      const { flowId } = await node.start('A', runaway, null);
      expect(await node.settled({ flowId })).toMatchObject({
        status: 'STUCK',
        error: { code: 'WEIR_CODE_RUNAWAY', message: expect.stringContaining('for 200 ms') },
      });
      // FE8: with mended code it goes on from there.
      mended.add(runaway.name);
      const handle = node.handle(runaway, { flowId });
      await node.retry({ flowId }, 'mended');
      expect(await handle.result()).toBe(`${runaway.name} is mended`);
    }
    expect(await Promise.all(others.map((handle) => handle.result()))).toEqual(['done', 'done', 'done']);
  });

  it('FE10 FE17 a flow that was running when its worker ended is contained from then on, and no other', async () => {
    let kit: TestNode | undefined;
    let deaths = 0;
    const deadly = scripted('deadly', function* ({ step }) {
      return yield* step('loop', () => {
        // What a watch over the event loop does to a process that stands still.
        if (deaths === 0) {
          deaths = 1;
          kit?.crash();
        }
        return spin('deadly');
      });
    });
    const containment = { limit: '100 ms' } as const;
    kit = await testNode({ members: { A: { flows: [deadly, steady] } }, shards: 1, containment });
    const node = kit;
    closing.push(() => node.stop());
    mended.add('deadly');
    const crashed = kit.crashed();
    kit
      .node()
      .start('A', deadly, null, { clientRequestId: 'one' })
      .catch(() => undefined);
    await crashed;
    mended.clear();
    await kit.restart();
    await kit.advance('1 min');
    const view = await kit.node().get({ member: { name: 'A', group: 'default' }, clientRequestId: 'one' });
    expect(view).toMatchObject({ status: 'STUCK', error: { code: 'WEIR_CODE_RUNAWAY' } });
    expect(kit.crashes).toBe(1);
    expect(await kit.run(await kit.node().start('A', steady, null))).toBe('done');
  });

  it('gives what code gives and throws what it throws, whatever that is', () => {
    const { run } = vmContainment({ limit: '1 s' });
    expect(run(() => 7)).toBe(7);
    expect(run(() => undefined)).toBe(undefined);
    const error = new Error('own');
    expect(() =>
      run(() => {
        throw error;
      }),
    ).toThrow(error);
    expect(() => vmContainment({ limit: '50 ms' }).run(() => spin('never'))).toThrow(
      expect.objectContaining({ code: 'WEIR_CODE_RUNAWAY' }),
    );
    expect(run(() => run(() => 'nested'))).toBe('nested');
  });
});
