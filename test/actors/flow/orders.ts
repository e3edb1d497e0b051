/** A flow in two versions that do different things, for tests of what becomes of it when the code is replaced. */
import { z } from 'zod';
import { type AnyFlow, type FlowContext, type FlowDefinition, type FlowOptions, flow } from '../../../src/index.ts';

/** What bodies of steps have done: version and step. */
export const done: string[] = [];

export const order = z.object({ item: z.string() });
const priced = z.object({ item: z.string(), cents: z.int() });

export const orderV1 = flow('order', {
  version: 1,
  result: z.string(),
  states: { start: order, pay: priced },
  stages: {
    *start({ item }, { step, sleep, become }) {
      const cents = yield* step('quote', () => {
        done.push('1 quote');
        return 500;
      });
      yield* sleep('1 hour');
      yield* step('reserve', () => void done.push('1 reserve'));
      return become('pay', { item, cents });
    },
    *pay({ item, cents }, { step }) {
      yield* step('pay', () => void done.push('1 pay'));
      return `${item} for ${cents}`;
    },
  },
});

export const states = { start: order, settle: priced.extend({ currency: z.string() }) };
type NoSignals = Readonly<Record<never, z.ZodType>>;
type Context = FlowContext<typeof states, undefined, NoSignals>;

function* ask({ item }: z.output<typeof order>, { step, become }: Context) {
  yield* step('ask the market', () => void done.push('2 ask the market'));
  return become('settle', { item, cents: 700, currency: 'EUR' });
}

export function* settle(
  { item, cents, currency }: z.output<typeof states.settle>,
  { step }: Pick<FlowContext, 'step'>,
) {
  yield* step('settle', () => void done.push('2 settle'));
  return `${item} for ${cents} ${currency}`;
}

/** Asks for other things, in a stage of another name, with a currency in its state. */
export function orderV2(
  options: Partial<FlowOptions<typeof states, z.ZodString, undefined, NoSignals>> = {},
): FlowDefinition<{ item: string }, string> {
  return flow('order', { version: 2, result: z.string(), states, stages: { start: ask, settle }, ...options });
}

export function lifting(_from: number, stage: string, state: unknown) {
  return stage === 'start'
    ? { state: order.parse(state) }
    : { stage: 'settle' as const, state: { ...priced.parse(state), currency: 'CHF' } };
}

export const settings = (...flows: AnyFlow[]) => ({ members: { A: { flows } }, shards: 1 });
