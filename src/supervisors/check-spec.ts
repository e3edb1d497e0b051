/** The check that a supervision specification holds together, before anything starts: all its mistakes, each with its path. */
import { z } from 'zod';
import { didYouMean, messageOf, WeirError } from '../errors/index.ts';
import { type Duration, toMs } from '../ports/index.ts';
import { cycleIn, startOrder } from './domino.ts';
import type { ChildSpec, SupervisorSpec } from './spec.ts';

interface Mistake {
  readonly path: string;
  readonly why: string;
}

const duration = z.custom<Duration>().superRefine((value, issues) => {
  try {
    toMs(value);
  } catch (thrown) {
    issues.addIssue({ code: 'custom', message: messageOf(thrown) });
  }
});

const anyFunction = z.custom((value) => typeof value === 'function', 'must be a function');

const restarts = z.custom<number>(
  (value) => value === Number.POSITIVE_INFINITY || (typeof value === 'number' && Number.isInteger(value) && value >= 0),
  'must be a whole number of restarts, or Infinity for no limit',
);

const childSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(200)
    .refine((id) => !id.includes('/'), 'must not contain "/"'),
  start: anyFunction,
  restart: z.enum(['permanent', 'transient', 'temporary']).optional(),
  shutdown: z.literal(['brutal', 'infinite']).or(duration).optional(),
  needs: z.array(z.string()).readonly().optional(),
  uses: z.array(z.string()).readonly().optional(),
  ready: z.enum(['when-started', 'when-reported']).optional(),
  startWithin: duration.optional(),
  turnWithin: duration.optional(),
  progressWithin: duration.optional(),
  capacity: z.int().positive().optional(),
  significant: z.boolean().optional(),
  inspect: anyFunction.optional(),
});

const specSchema = z.strictObject({
  strategy: z.enum(['one-for-one', 'all-for-one', 'rest-for-one', 'simple-one-for-one']),
  intensity: z.strictObject({ max: restarts, within: duration }),
  backoff: z.strictObject({ min: duration, max: duration, jitter: z.number().min(0).max(1) }),
  children: z.array(childSchema).readonly(),
  elsewhere: z.array(z.string().min(1)).readonly().optional(),
  autoShutdown: z.enum(['never', 'any-significant', 'all-significant']).optional(),
});

/**
 * Checks a specification and gives its children in an order in which they can start.
 * @throws WeirError `WEIR_SUPERVISION_INVALID` with the path of every mistake
 */
export function checkSpec(spec: SupervisorSpec): readonly ChildSpec[] {
  const shape = shapeOf(specSchema, spec);
  const mistakes = [...shape, ...(isObject(spec) ? relationsOf(spec, shape.length === 0) : [])];
  refuse(mistakes);
  return startOrder(spec.children);
}

/**
 * Checks one more child for a supervisor that has `siblings` already.
 * @throws WeirError `WEIR_SUPERVISION_INVALID` with the path of every mistake
 */
export function checkChild(child: ChildSpec, spec: SupervisorSpec, siblings: () => readonly ChildSpec[]): void {
  const shape = shapeOf(childSchema, child).map(({ path, why }) => ({ path: under('child', path), why }));
  refuse(shape);
  // Most have no links, and there may be many siblings.
  if (child.needs === undefined && child.uses === undefined) return;
  const known = { children: siblings().map(({ id }) => id), elsewhere: spec.elsewhere ?? [] };
  refuse(linksOf(child, 'child', known, spec.strategy === 'simple-one-for-one'));
}

function shapeOf(schema: z.ZodType, value: unknown): Mistake[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: pathOf(issue.path), why: issue.message }];
    return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), why: 'there is no such setting' }));
  });
}

/** What is wrong between the parts. Unless all are sound, one that is wrong by itself, and named already, is left out. */
function relationsOf(spec: SupervisorSpec, allSound: boolean): Mistake[] {
  const simple = spec.strategy === 'simple-one-for-one';
  const isSound = (child: unknown): child is ChildSpec => allSound || isChild(child);
  const listed: readonly unknown[] = Array.isArray(spec.children) ? spec.children : [];
  const elsewhere = (allSound ? spec.elsewhere : specSchema.shape.elsewhere.safeParse(spec.elsewhere).data) ?? [];
  const sound = listed.flatMap((child, index) =>
    isSound(child) ? [{ child, path: `children[${index}]`, first: firstWithId(listed, child.id) === index }] : [],
  );
  const children = sound.map(({ child }) => child);
  const known = { children: listed.flatMap((child) => idOf(child) ?? []), elsewhere };
  const mistakes = [...backoffMistakes(spec), ...childrenMistakes(spec.children, simple)];
  for (const { child, path, first } of sound) {
    if (!first) {
      const why = `"${child.id}" is the id of children[${firstWithId(listed, child.id)}] already`;
      mistakes.push({ path: `${path}.id`, why });
    }
    mistakes.push(...linksOf(child, path, known, simple));
  }
  const cycle = cycleIn(children);
  // A child that needs itself has been named as such.
  if (cycle !== undefined && cycle.length > 2) {
    const [from = '', to = ''] = cycle;
    const at = sound.find(({ child }) => child.id === from);
    const path = `${at?.path}.needs[${at?.child.needs?.indexOf(to)}]`;
    mistakes.push({ path, why: `they need each other in a circle: ${cycle.join(' -> ')}` });
  }
  return mistakes;
}

function childrenMistakes(children: unknown, simple: boolean): Mistake[] {
  if (!Array.isArray(children)) return [];
  if (simple && children.length > 0) {
    return [{ path: 'children', why: 'simple-one-for-one begins without children: they are started by message' }];
  }
  if (simple || children.length > 0) return [];
  return [{ path: 'children', why: 'name at least one child; what begins without any is simple-one-for-one' }];
}

function backoffMistakes({ backoff }: SupervisorSpec): Mistake[] {
  const read = specSchema.shape.backoff.safeParse(backoff);
  if (!read.success || toMs(read.data.min) <= toMs(read.data.max)) return [];
  return [{ path: 'backoff', why: 'min is longer than max' }];
}

interface Known {
  readonly children: readonly string[];
  readonly elsewhere: readonly string[];
}

/** What is wrong with what a child needs and uses. */
function linksOf({ id, needs = [], uses = [] }: ChildSpec, path: string, known: Known, simple: boolean): Mistake[] {
  const mistakes: Mistake[] = [];
  const link = (list: 'needs' | 'uses', at: number, why: string): void => {
    mistakes.push({ path: `${path}.${list}[${at}]`, why });
  };
  if (simple && needs.length > 0) {
    mistakes.push({ path: `${path}.needs`, why: 'children of simple-one-for-one do not stand on each other' });
  }
  needs.forEach((needed, at) => {
    if (needed === id) link('needs', at, `"${id}" cannot need itself`);
    else if (needs.indexOf(needed) !== at) link('needs', at, `"${needed}" is named twice`);
    else if (!known.children.includes(needed)) {
      link('needs', at, `there is no child "${needed}"${didYouMean(needed, known.children)}`);
    }
  });
  const usable = [...known.children, ...known.elsewhere];
  uses.forEach((used, at) => {
    if (used === id) link('uses', at, `"${id}" cannot use itself`);
    else if (uses.indexOf(used) !== at) link('uses', at, `"${used}" is named twice`);
    else if (needs.includes(used)) link('uses', at, `"${used}" is needed already`);
    else if (!usable.includes(used)) {
      link('uses', at, `there is no "${used}", neither as a child nor elsewhere${didYouMean(used, usable)}`);
    }
  });
  return mistakes;
}

function refuse([first, ...others]: readonly Mistake[]): void {
  if (first === undefined) return;
  const more = others.map(({ path, why }) => `; at ${path}: ${why}`).join('');
  throw new WeirError('WEIR_SUPERVISION_INVALID', { path: first.path, why: `${first.why}${more}` });
}

function isChild(value: unknown): value is ChildSpec {
  return childSchema.safeParse(value).success;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function idOf(child: unknown): string | undefined {
  return isObject(child) && 'id' in child && typeof child.id === 'string' ? child.id : undefined;
}

function firstWithId(children: readonly unknown[], id: string): number {
  return children.findIndex((child) => idOf(child) === id);
}

function pathOf(keys: readonly PropertyKey[]): string {
  const path = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return path.replace(/^\./, '') || 'the top';
}

function under(parent: string, path: string): string {
  return path === 'the top' ? parent : `${parent}.${path}`;
}
