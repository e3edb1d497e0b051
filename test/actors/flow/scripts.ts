/** Flows made of one script each, for tests that say in the test what a flow does. */
import { z } from 'zod';
import { type FlowContext, flow, type Operation, type RetryPolicy } from '../../../src/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../../src/testing/index.ts';

export type Script = (context: FlowContext, input: unknown) => Operation<unknown>;

/** A flow of one stage without types. */
export function scripted(name: string, script: Script, options: { readonly retry?: RetryPolicy } = {}) {
  return flow(name, {
    version: 1,
    states: { start: z.unknown() },
    result: z.unknown(),
    stages: { start: (input, context) => script(context, input) },
    ...options,
  });
}

/** A node of one member, `A`, in one shard. */
export function nodeOf(
  flows: readonly ReturnType<typeof scripted>[],
  settings: Partial<TestNodeSettings> = {},
): Promise<TestNode> {
  return testNode({ members: { A: { flows } }, shards: 1, ...settings });
}

/** A promise with its handles outside. */
export function gate<T = void>() {
  return Promise.withResolvers<T>();
}

/** Counts by name. */
export function counter() {
  const counts = new Map<string, number>();
  return {
    counts,
    add(name: string): number {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return count;
    },
    of: (name: string): number => counts.get(name) ?? 0,
  };
}
