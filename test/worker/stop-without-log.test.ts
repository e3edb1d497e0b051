/** A node that is stopped while its log cannot be reached: what can only be finished with it is not waited for. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow } from '../../src/index.ts';
import { type TestNode, testNode } from '../../src/testing/index.ts';

const wait = flow('wait', {
  version: 1,
  states: { start: z.null() },
  result: z.null(),
  signals: { go: z.null() },
  stages: {
    *start(_, { signal }) {
      return (yield* signal('go')).body;
    },
  },
});

let kit: TestNode;
afterEach(() => kit.stop());

/** A node whose commits wait, as long as nobody lets them go; and how long its stop has taken. */
async function away() {
  let held: Promise<void> | undefined;
  let back = (): void => undefined;
  kit = await testNode({
    members: { A: { flows: [wait] } },
    logFaults: {
      commit: () => (held === undefined ? 'ok' : { delayMs: 0, held }),
      health: () => (held === undefined ? undefined : { state: 'stalled', error: new Error('no broker answers') }),
    },
  });
  const { flowId } = await kit.node().start('A', wait, null);
  held = new Promise((resolve) => {
    back = () => {
      held = undefined;
      resolve();
    };
  });
  kit
    .node()
    .signal(wait, { flowId }, 'go', null)
    .catch(() => undefined);
  await kit.advance(1);
  const stopped: string[] = [];
  void kit
    .node()
    .stop()
    .then(() => stopped.push('stopped'));
  return { back: () => back(), stopped };
}

describe('WK13 a node that stops without its log', () => {
  it('waits 10 s for that, and for nothing more', async () => {
    const { stopped } = await away();
    await kit.advance('9 s');
    expect(stopped).toEqual([]);
    await kit.advance('4 s');
    expect(stopped).toEqual(['stopped']);
  });

  it('finishes what runs when the log comes back before', async () => {
    const { back, stopped } = await away();
    await kit.advance('5 s');
    back();
    await kit.advance('1 s');
    expect(stopped).toEqual(['stopped']);
    expect(kit.log.lines.map(({ message }) => message)).not.toContain('drained by deadline');
  });
});
