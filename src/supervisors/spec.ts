/** Supervision as data (AK5, AK6, AK11), and the check that it holds together before anything starts. */
import { z } from 'zod';
import type { ActorContext, Receive } from '../actors/kernel/index.ts';
import { messageOf, WeirError } from '../errors/index.ts';
import { type Duration, toMs } from '../ports/index.ts';
import { cycleIn, startOrder } from './domino.ts';

/** `all-for-one` and `rest-for-one` are named, and refused until they exist. */
export type Strategy = 'one-for-one' | 'all-for-one' | 'rest-for-one';

/** What a child's `start` is given, at each start and restart. */
export interface ChildStart {
  readonly id: string;
  /** Reports the child ready, if it is `ready: 'when-reported'`; more than once is harmless. */
  readonly ready: () => void;
}

/**
 * A behaviour of any message type. Children of one supervisor speak different languages, and a list has one type;
 * parameters of methods are compared both ways, which is exactly what is wanted here and nowhere else.
 */
export type AnyBehavior = {
  behavior(context: ActorContext<never>): Receive<never> | Promise<Receive<never>>;
}['behavior'];

export interface ChildSpec {
  /** Unique in the supervisor; the child's name. */
  readonly id: string;
  /** Gives the behaviour; called at each start and restart, so what it makes is new each time. */
  readonly start: (child: ChildStart) => AnyBehavior;
  /** `permanent` is always restarted, `transient` only after a failure, `temporary` never. Default `permanent`. */
  readonly restart?: 'permanent' | 'transient' | 'temporary';
  /** How long a stop waits for the child. Default 5 s. */
  readonly shutdown?: Duration;
  /** Ids of children that must be ready before this one starts; when one falls, this one is stopped until it returns. */
  readonly needs?: readonly string[];
  /** When the child is ready: when its behaviour has been made (default), or when it has called `ready()`. */
  readonly ready?: 'when-started' | 'when-reported';
  /** From its start the child must be ready within this time, or it has failed. Default: no limit. */
  readonly startWithin?: Duration;
  /** A turn that takes longer is abandoned and is a failure. Default: no limit. */
  readonly turnWithin?: Duration;
  /** Messages its mailbox holds. Default 10 000. */
  readonly capacity?: number;
  /** Without this child the others are useless: when it goes down, the supervisor fails with the cause. Default false. */
  readonly significant?: boolean;
  /** Facts that inspection shows beside the child. */
  readonly inspect?: () => Readonly<Record<string, unknown>>;
}

export interface SupervisorSpec {
  readonly strategy: Strategy;
  /** Restarts that each child may have within the period; the next failure takes it down. */
  readonly intensity: { readonly max: number; readonly within: Duration };
  /** A restart waits `min`, doubled with each failure within the period up to `max`, and spread by `jitter` (0 to 1). */
  readonly backoff: { readonly min: Duration; readonly max: Duration; readonly jitter: number };
  readonly children: readonly ChildSpec[];
}

const duration = z.union([z.number(), z.string()]).superRefine((value, issues) => {
  try {
    toMs(value);
  } catch (thrown) {
    issues.addIssue({ code: 'custom', message: messageOf(thrown) });
  }
});

const anyFunction = z.custom((value) => typeof value === 'function', 'must be a function');

const childSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(200)
    .refine((id) => !id.includes('/'), 'must not contain "/"'),
  start: anyFunction,
  restart: z.enum(['permanent', 'transient', 'temporary']).optional(),
  shutdown: duration.optional(),
  needs: z.array(z.string()).readonly().optional(),
  ready: z.enum(['when-started', 'when-reported']).optional(),
  startWithin: duration.optional(),
  turnWithin: duration.optional(),
  capacity: z.int().positive().optional(),
  significant: z.boolean().optional(),
  inspect: anyFunction.optional(),
});

const specSchema = z.strictObject({
  strategy: z
    .enum(['one-for-one', 'all-for-one', 'rest-for-one'])
    .refine((strategy) => strategy === 'one-for-one', 'is not implemented yet: only one-for-one is'),
  intensity: z.strictObject({ max: z.int().nonnegative(), within: duration }),
  backoff: z
    .strictObject({ min: duration, max: duration, jitter: z.number().min(0).max(1) })
    .refine(({ min, max }) => toMs(min) <= toMs(max), 'min is longer than max'),
  children: z.array(childSchema).min(1),
});

/**
 * Checks a specification and gives its children in an order in which they can start.
 * @throws WeirError `WEIR_SUPERVISION_INVALID` with the path of the first mistake
 */
export function checkSpec(spec: SupervisorSpec): readonly ChildSpec[] {
  const { error } = specSchema.safeParse(spec);
  const issue = error?.issues[0];
  if (issue !== undefined) throw invalid(pathOf(issue.path), issue.message);
  const { children } = spec;
  children.forEach(({ id, needs = [] }, index) => {
    const first = children.findIndex((other) => other.id === id);
    if (first !== index) throw invalid(`children[${index}].id`, `"${id}" is the id of children[${first}] already`);
    needs.forEach((needed, at) => {
      if (children.some((other) => other.id === needed)) return;
      throw invalid(`children[${index}].needs[${at}]`, `there is no child "${needed}"`);
    });
  });
  const cycle = cycleIn(children);
  if (cycle !== undefined) throw invalid('children', `they need each other in a circle: ${cycle.join(' -> ')}`);
  return startOrder(children);
}

function invalid(path: string, why: string): WeirError {
  return new WeirError('WEIR_SUPERVISION_INVALID', { path, why });
}

function pathOf(keys: readonly PropertyKey[]): string {
  const path = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return path.replace(/^\./, '') || 'the top';
}
