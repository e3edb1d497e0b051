/** What counts as a flow and as a persistent actor, where the compiler cannot say so: modules, untyped programs. */
import type { AnyActor, AnyFlow } from '../actors/flow/index.ts';

export function isFlow(value: unknown): value is AnyFlow {
  return has(value, { name: 'string', version: 'number', states: 'object', stages: 'object' });
}

export function isActor(value: unknown): value is AnyActor {
  return has(value, { name: 'string', version: 'number', state: 'object', on: 'object' });
}

function has(value: unknown, shape: Readonly<Record<string, string>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(shape).every(([key, type]) => typeof Reflect.get(value, key) === type);
}
