/** What a flow that waits keeps in memory. */
import { queryObjects } from 'node:v8';
import { expect, it } from 'vitest';
import { ChangeSet } from '../../../src/actors/shard/index.ts';
import { testNode } from '../../../src/testing/index.ts';
import { scripted } from './scripts.ts';
import { factsOf } from './wire.ts';

const sleeper = scripted('sleeper', function* ({ step, sleep }) {
  yield* step('first', () => 1);
  yield* sleep('7 days');
});

it('a flow that waits in memory keeps nothing of what brought it there, such as who was told of it', async () => {
  const kit = await testNode({ members: { A: { flows: [sleeper] } }, shards: 1 });
  const node = kit.node();
  for (let n = 0; n < 50; n++) await node.start('A', sleeper, {}, { clientRequestId: `sleeper-${n}` });
  await kit.advance('1 minute');
  expect(factsOf(node)).toMatchObject({ flows: 50, hot: 50 });
  expect(queryObjects(ChangeSet, { format: 'count' })).toBeLessThan(10);
  await kit.stop();
});
