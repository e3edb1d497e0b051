/** Workers of one node that have different versions of a flow, and what a definition may say of older ones. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { done, lifting, orderV1, orderV2, settings, settle } from './orders.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const hello = flow('hello', { version: 1, states: { start: z.null() }, stages: { *start() {} } });

describe('workers of different versions in one group', () => {
  const second = orderV2({ previous: [orderV1], migrate: lifting });

  it('FE15 a checkpoint that is newer than the code waits, shown as such, and goes on where there is code', async () => {
    done.length = 0;
    kit = await testNode({ ...settings(orderV1), workers: 2 });
    await kit.node(1).stop();
    await kit.restart(1, settings(second));
    await kit.move(0, 1);
    const { flowId } = await kit.node(1).start('A', second, { item: 'chair' });
    await kit.advance(0);
    expect(done).toEqual(['2 ask the market', '2 settle']);
    // The next one is in the middle when its shard comes to the worker with the older code.
    done.length = 0;
    const gate = Promise.withResolvers<void>();
    const slow = orderV2({
      version: 3,
      previous: [orderV1, second],
      stages: {
        *start({ item }, { step, sleep, become }) {
          yield* step('hold', () => gate.promise);
          yield* sleep('1 min');
          return become('settle', { item, cents: 1, currency: 'EUR' });
        },
        settle,
      },
    });
    await kit.node(1).stop();
    await kit.restart(1, settings(slow));
    await kit.move(0, 1);
    const name = { flowId: (await kit.node(1).start('A', slow, { item: 'sofa' })).flowId };
    gate.resolve();
    await kit.advance('1 s');
    await kit.move(0, 0);
    await kit.advance('1 hour');
    expect(await kit.node(0).describe(name)).toMatchObject({
      status: 'RUNNING',
      version: 3,
      waitingOn: { what: 'code', label: 'order version 3, stage start' },
    });
    expect(await kit.node(0).get({ flowId })).toMatchObject({ status: 'COMPLETED' });
    await kit.move(0, 1);
    await kit.advance('1 s');
    expect(await kit.node(1).get(name)).toMatchObject({ status: 'COMPLETED', result: 'sofa for 1 EUR' });
  });

  it.each([
    ['older', 0, 1, 'chair for 700 EUR', ['2 ask the market', '2 settle']],
    ['newer', 1, 0, 'chair for 700 EUR', ['2 ask the market', '2 settle']],
  ])(
    'FE15 a start that an %s worker has taken runs with the newest code that there is',
    async (_what, at, owner, result, steps) => {
      done.length = 0;
      kit = await testNode({ ...settings(orderV1), workers: 2 });
      await kit.node(1).stop();
      await kit.restart(1, settings(second));
      await kit.move(0, owner);
      const started = kit.node(at).start('A', at === 0 ? orderV1 : second, { item: 'chair' });
      await kit.advance('1 s');
      const { flowId } = await started;
      if (owner === 0) {
        // Its input was read by the newer version, so the older one does not touch it.
        expect(await kit.node(0).describe({ flowId })).toMatchObject({ waitingOn: { what: 'code' } });
        expect(done).toEqual([]);
        await kit.move(0, 1);
      }
      await kit.advance('1 s');
      expect(await kit.node(1).get({ flowId })).toMatchObject({ status: 'COMPLETED', result });
      expect(done).toEqual(steps);
    },
  );
});

describe('the definition of a flow with older versions', () => {
  const make = (options: object) => (): unknown => orderV2(options);

  it.each<[string, object, string]>([
    ['another flow', { previous: [hello] }, 'previous holds another flow, hello'],
    ['its own version', { version: 1, previous: [orderV1] }, 'previous holds version 1, which is not older'],
    [
      'two definitions of one version',
      { previous: [orderV1, orderV2({ version: 1 })] },
      'previous holds two definitions of version 1',
    ],
    ['a migrate that is no function', { migrate: 'v1' }, 'migrate is string'],
  ])('FE15 refuses %s', async (_what, options, why) => {
    kit = await testNode(settings());
    expect(make(options)).toThrow(expect.objectContaining({ code: 'WEIR_FLOW_DEFINITION' }));
    expect(make(options)).toThrow(why);
  });

  it('FE15 a module may export the older versions beside the new one', async () => {
    const second = orderV2({ previous: [orderV1], migrate: lifting });
    kit = await testNode(settings(orderV1, second));
    const { flowId } = await kit.node().start('A', second, { item: 'chair' });
    await kit.advance(0);
    expect(await kit.node().get({ flowId })).toMatchObject({ version: 2, status: 'COMPLETED' });
  });
});
