/** Limits of time: of one attempt of a step, of all of them, and of waiting for somebody who says nothing. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FlowError, flow, TransientError } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { gate, nodeOf, scripted } from './scripts.ts';

let kit: TestNode | undefined;
afterEach(async () => {
  await kit?.stop();
  kit = undefined;
});

describe('the time limit of a step', () => {
  it('FE10 an attempt that takes too long is given up and told so, and what it still gives is dropped', async () => {
    const late = gate<string>();
    const reasons: unknown[] = [];
    const slow = scripted('slow', function* ({ step }) {
      return yield* step(
        'call',
        ({ attempt, signal }) => {
          signal.addEventListener('abort', () => reasons.push(signal.reason));
          return attempt === 1 ? late.promise : `attempt ${attempt}`;
        },
        { timeout: '5 s' },
      );
    });
    kit = await nodeOf([slow]);
    const handle = await kit.node().start('A', slow, null);
    await kit.advance('4 s');
    expect(await handle.view()).toMatchObject({ status: 'RUNNING' });
    await kit.advance('10 s');
    late.resolve('late');
    expect(reasons).toMatchObject([{ code: 'WEIR_STEP_TIMEOUT' }]);
    expect(await handle.view()).toMatchObject({ status: 'COMPLETED', result: 'attempt 2' });
  });

  it('FE10 W5 a step that never ends gets its flow STUCK after its attempts; others and the worker go on', async () => {
    const forever = scripted(
      'forever',
      function* ({ step }) {
        yield* step('hang', () => new Promise<never>(() => undefined));
      },
      { retry: { attempts: 2, min: '1 s' } },
    );
    const steady = scripted('steady', function* ({ step }) {
      return yield* step('work', () => 'done');
    });
    kit = await nodeOf([forever, steady], { stepTimeout: '1 min' });
    const hanging = await kit.node().start('A', forever, null);
    const other = await kit.node().start('A', steady, null);
    await kit.advance('5 min');
    expect(await hanging.view()).toMatchObject({ status: 'STUCK', error: { code: 'WEIR_STEP_EXHAUSTED' } });
    expect(await other.view()).toMatchObject({ status: 'COMPLETED' });
    // Bodies that nobody waits for do not hold up the end of the node.
    await kit.stop();
    kit = undefined;
  });

  it('FE10 FE7 a deadline counts over all attempts and a restart, and can be caught', async () => {
    let attempts = 0;
    const careful = scripted(
      'careful',
      function* ({ step, now }) {
        const began = yield* now();
        try {
          yield* step(
            'try',
            () => {
              attempts++;
              throw new TransientError('down');
            },
            { deadline: '10 min' },
          );
        } catch (error) {
          const took = (yield* now()).getTime() - began.getTime();
          return [error instanceof FlowError ? error.code : 'another', took];
        }
        return 'nothing thrown';
      },
      { retry: { attempts: 1_000, min: '1 min', max: '4 min' } },
    );
    kit = await nodeOf([careful]);
    const { flowId } = await kit.node().start('A', careful, null);
    await kit.advance('5 min');
    kit.crash();
    await kit.restart();
    await kit.advance('1 hour');
    expect(await kit.node().get({ flowId })).toMatchObject({
      status: 'COMPLETED',
      result: ['WEIR_STEP_DEADLINE', 600_000],
    });
    expect(attempts).toBeGreaterThan(2);
    expect(attempts).toBeLessThan(9);
  });
});

describe('a flow that waits for somebody', () => {
  const undone: string[] = [];
  const waiting = flow('waiting', {
    version: 1,
    states: { start: z.null() },
    idle: '7 days',
    signals: { go: z.null(), more: z.null() },
    result: z.string(),
    stages: {
      *start(_input, { signal, step, sleep }) {
        try {
          yield* sleep('30 days');
          yield* signal('more');
          yield* signal('go');
          return 'gone';
        } finally {
          yield* step('undo', () => undone.push('undone'));
        }
      },
    },
  });

  it('FE12 expires at its limit, over a restart, with its cleanup run; what it is told counts anew, and sleep is not idle', async () => {
    kit = await testNode({ members: { A: { flows: [waiting] } }, shards: 1 });
    const expiring = await kit.node().start('A', waiting, null);
    const going = await kit.node().start('A', waiting, null);
    await kit.advance('36 days');
    await kit.node().signal(waiting, { flowId: going.flowId }, 'more', null);
    kit.crash();
    await kit.restart();
    await kit.advance('36 hours');
    expect(await kit.node().get({ flowId: expiring.flowId })).toMatchObject({
      status: 'FAILED',
      error: { code: 'WEIR_FLOW_EXPIRED', message: expect.stringContaining('it waited for signal more') },
    });
    expect(undone).toEqual(['undone']);
    await kit.node().signal(waiting, { flowId: going.flowId }, 'go', null);
    await kit.advance(0);
    expect(await kit.node().get({ flowId: going.flowId })).toMatchObject({ status: 'COMPLETED', result: 'gone' });
  });
});
