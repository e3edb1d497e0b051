/**
 * `simulate`: many seeds of a scenario, and, of a failure, the least that still shows it.
 *
 * Owns the loop, what is reported of it, and the shape of a failure: the seed, the invariant that broke, the shrunk
 * plan, and the trace in words.
 */
import { Coverage } from './coverage.ts';
import { type Guard, postGuard } from './guard.ts';
import type { Plan } from './plan.ts';
import { drawPlan, type RunResult, runPlan } from './run.ts';
import type { Scenario } from './scenario.ts';
import { seedText } from './seed.ts';
import { applyCut, type Cut, shrink, wholeOf } from './shrink.ts';
import type { Violation } from './world.ts';

export interface SimulateSettings {
  /** The first seed; the others follow it. */
  readonly seed: number;
  /** How many seeds to run. Default 100. */
  readonly seeds?: number;
  /** Asked after each seed; true ends the run early, when time is up for example. Default never. */
  readonly enough?: (done: number) => boolean;
  /** Shrink what fails. Default true. */
  readonly shrink?: boolean;
  /** Called after each seed. */
  readonly onSeed?: (result: RunResult, seed: number) => void;
}

export interface SimulationFailure {
  readonly scenario: string;
  /** The seed that drew the plan; `cut.under` is the one that what is left of it runs under. */
  readonly seed: number;
  /** As it is printed, and understood again. */
  readonly seedText: string;
  readonly violation: Violation;
  /** What is left of the seed's plan after shrinking. */
  readonly cut: Cut;
  readonly plan: Plan;
  /** One line each: who did what, to whom, when; of the shrunk plan. */
  readonly trace: readonly string[];
  /** Hash of that trace. */
  readonly hash: string;
}

export interface SimulationReport {
  readonly scenario: string;
  readonly seeds: number;
  readonly events: number;
  /** Virtual milliseconds that passed in all of them. */
  readonly virtualMs: number;
  readonly coverage: Coverage;
  /** The first failure; the run ends with it. */
  readonly failure: SimulationFailure | undefined;
}

/**
 * Runs seeds of a scenario until one breaks something.
 * @throws WeirError `WEIR_SIMULATION_SCENARIO` when the scenario cannot run
 */
export async function simulate<Action>(
  scenario: Scenario<Action>,
  settings: SimulateSettings,
): Promise<SimulationReport> {
  const guard = postGuard();
  try {
    return await seedAfterSeed(scenario, settings, guard);
  } finally {
    guard.release();
  }
}

async function seedAfterSeed<Action>(
  scenario: Scenario<Action>,
  { seed: first, seeds = 100, enough = () => false, shrink: wanted = true, onSeed }: SimulateSettings,
  guard: Guard,
): Promise<SimulationReport> {
  const coverage = new Coverage();
  let done = 0;
  let events = 0;
  let virtualMs = 0;
  let failure: SimulationFailure | undefined;
  // A run of its own for each seed: what a loop has named stays in memory while the next seed is run.
  const runSeed = async (seed: number): Promise<void> => {
    const plan = drawPlan(scenario, seed);
    // Of those that are run for what breaks alone nobody compares traces.
    const hashTrace = onSeed !== undefined;
    const result = await runPlan(scenario, plan, seed, { guard, hashTrace, watch: (event) => coverage.event(event) });
    done += 1;
    events += result.events;
    virtualMs += result.virtualMs;
    coverage.add(result);
    onSeed?.(result, seed);
    if (result.violation !== undefined) failure = await explain(scenario, plan, seed, result.violation, wanted, guard);
  };
  while (done < seeds && failure === undefined && !enough(done)) await runSeed((first + done) % 2 ** 31);
  return { scenario: scenario.name, seeds: done, events, virtualMs, coverage, failure };
}

/** Runs one plan and explains it when it breaks something; `undefined` when nothing breaks. */
export async function replay<Action>(
  scenario: Scenario<Action>,
  plan: Plan<Action>,
  seed: number,
  options: { readonly shrink?: boolean } = {},
): Promise<{ readonly result: RunResult; readonly failure: SimulationFailure | undefined }> {
  const guard = postGuard();
  try {
    const result = await runPlan(scenario, plan, seed, { guard, keepTrace: true });
    const { violation } = result;
    if (violation === undefined) return { result, failure: undefined };
    const failure = await explain(scenario, plan, seed, violation, options.shrink ?? false, guard);
    return { result, failure };
  } finally {
    guard.release();
  }
}

async function explain<Action>(
  scenario: Scenario<Action>,
  plan: Plan<Action>,
  seed: number,
  found: Violation,
  wanted: boolean,
  guard: Guard,
): Promise<SimulationFailure> {
  const fails = async (smaller: Plan<Action>, under: number): Promise<boolean> =>
    (await runPlan(scenario, smaller, under, { guard })).violation?.invariant === found.invariant;
  const cut = wanted ? await shrink({ plan, seed, fails }) : wholeOf(plan, seed);
  const least = applyCut(plan, cut);
  const { trace, lines, violation = found } = await runPlan(scenario, least, cut.under, { guard, keepTrace: true });
  return {
    scenario: scenario.name,
    seed,
    seedText: seedText(scenario, seed),
    violation,
    cut,
    plan: least,
    trace: lines(),
    hash: trace.hash(),
  };
}
