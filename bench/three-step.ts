/**
 * The three-step flow of the design: three strict steps, each awaiting a macrotask, input and results of 100 bytes;
 * start and each result durable before the next step; the result read by the client.
 */
import { z } from 'zod';
import { flow } from '../src/index.ts';

const payload = z.object({ data: z.string() });

async function work(data: string): Promise<string> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  return data;
}

export const threeStep = flow('three-step', {
  version: 1,
  states: { start: payload },
  result: z.string(),
  stages: {
    *start({ data }, { step }) {
      const first = yield* step('first', () => work(data));
      const second = yield* step('second', () => work(first));
      return yield* step('third', () => work(second));
    },
  },
});

/** Input of 100 bytes. */
export const hundredBytes = { data: 'x'.repeat(92) };
