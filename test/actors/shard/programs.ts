/** What runs in the shards of these tests. */
import { z } from 'zod';
import { persistentActor } from '../../../src/index.ts';
import { scripted } from '../flow/scripts.ts';

export const sleeper = scripted('sleeper', function* ({ sleep }, input) {
  yield* sleep('1 hour');
  return input;
});

export const tally = persistentActor('tally', {
  version: 1,
  state: z.number(),
  initial: () => 0,
  messages: { add: { body: z.number(), reply: z.number() }, blob: { body: z.string() } },
  on: { add: (sum, n) => ({ state: sum + n, reply: sum + n }), blob: (sum) => ({ state: sum + 1 }) },
});
