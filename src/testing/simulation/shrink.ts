/**
 * Shrinking: from a plan that breaks something to the least of it that still breaks the same thing.
 *
 * Owns which parts are tried to be left out: faults first, then actions, then time between them. It is delta debugging
 * (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002) over two lists.
 */
import type { Plan } from './plan.ts';

/** What is left of a plan: places in its lists, and the factor by which its times are multiplied. */
export interface Cut {
  readonly actions: readonly number[];
  readonly faults: readonly number[];
  readonly pace: number;
  /** The seed that what is left runs under: with parts taken away, another order of events may be what still shows it. */
  readonly under: number;
}

export interface ShrinkSettings<Action> {
  readonly plan: Plan<Action>;
  /** The seed that the plan failed under. */
  readonly seed: number;
  /** Whether what is left still breaks the same thing under a seed. */
  readonly fails: (plan: Plan<Action>, seed: number) => Promise<boolean>;
  /** Runs at most. Default 400. */
  readonly tries?: number;
}

/** Orders of events that are tried for each part that is taken away. */
const ordersTried = 4;

/** Everything of a plan. */
export function wholeOf(plan: Plan, seed: number): Cut {
  return { actions: [...plan.actions.keys()], faults: [...plan.faults.keys()], pace: 1, under: seed };
}

export function applyCut<Action>(plan: Plan<Action>, { actions, faults, pace }: Omit<Cut, 'under'>): Plan<Action> {
  const keep = <What>(list: ReadonlyArray<{ at: number; what: What }>, places: readonly number[]) =>
    places.flatMap((place) => {
      const one = list[place];
      return one === undefined ? [] : [{ ...one, at: one.at * pace }];
    });
  return { ...plan, actions: keep(plan.actions, actions), faults: keep(plan.faults, faults) };
}

export async function shrink<Action>({ plan, seed, fails, tries = 400 }: ShrinkSettings<Action>): Promise<Cut> {
  let left = tries;
  let best = wholeOf(plan, seed);
  const attempt = async (cut: Cut): Promise<boolean> => {
    const smaller = applyCut(plan, cut);
    for (let order = 0; order < ordersTried && left > 0; order++) {
      left -= 1;
      const under = best.under + order;
      if (!(await fails(smaller, under))) continue;
      best = { ...cut, under };
      return true;
    }
    return false;
  };
  // A second pass finds what only became superfluous when something else went.
  for (let before = Number.POSITIVE_INFINITY; size(best) < before && left > 0; ) {
    before = size(best);
    await minimise(best.faults, (faults) => attempt({ ...best, faults }));
    await minimise(best.actions, (actions) => attempt({ ...best, actions }));
  }
  while (best.pace > 0.05 && (await attempt({ ...best, pace: best.pace / 2 })));
  return best;
}

function size({ actions, faults }: Cut): number {
  return actions.length + faults.length;
}

/** Leaves out ever smaller pieces of a list, as long as `works` says that the rest will do. */
async function minimise(list: readonly number[], works: (rest: readonly number[]) => Promise<boolean>): Promise<void> {
  let rest = list;
  if (rest.length > 0 && (await works([]))) return;
  for (let piece = Math.ceil(rest.length / 2); piece >= 1; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let start = 0; start < rest.length; ) {
      const without = [...rest.slice(0, start), ...rest.slice(start + piece)];
      if (without.length > 0 && (await works(without))) rest = without;
      else start += piece;
    }
  }
}
