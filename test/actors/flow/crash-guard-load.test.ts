/** The crash guard under load: whoever kills workers from outside delays hundreds of innocent flows by seconds, not more. */
import { afterEach, expect, it } from 'vitest';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { scripted } from './scripts.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const stepMs = 50;
const work = scripted('work', function* ({ step }, input) {
  for (let n = 0; n < 10; n++) {
    yield* step(`step ${n}`, () => new Promise<number>((done) => void kit.clock.after(stepMs, () => done(n))));
  }
  return input;
});
const flows = 400;

// On four shards 32 of them are found running each time, and run alone: for a step each, not for all that they have left.
it.each([
  [1, 8_000],
  [4, 15_000],
])('FE17 W5 the worker is killed %i times under 400 flows: all are through within %i ms', async (kills, withinMs) => {
  kit = await testNode({ members: { A: { flows: [work] } }, shards: 4 });
  const ids = Array.from({ length: flows }, (_, index) => `r${index}`);
  await Promise.all(ids.map((clientRequestId) => kit.node().start('A', work, null, { clientRequestId })));
  for (let kill = 0; kill < kills; kill++) {
    await kit.advance(2 * stepMs + 20);
    kit.crash();
    await kit.restart();
  }
  await kit.advance(withinMs);
  const { flows: views } = await kit.node().list({ limit: flows });
  expect(views.filter(({ status }) => status === 'COMPLETED').length).toBe(flows);
});
