/** One run of a scenario: a world from a plan, driven until everything has finished or something is broken. */
import { messageOf, type WeirError } from '../../errors/index.ts';
import type { SimEvent } from './events.ts';
import { type Guard, postGuard } from './guard.ts';
import { weirInvariants } from './invariants/index.ts';
import { Liveness } from './liveness.ts';
import type { Plan, SimFaultWord } from './plan.ts';
import type { Scenario } from './scenario.ts';
import type { Trace } from './trace.ts';
import { lineOf } from './words.ts';
import { stream, type Violation, World } from './world.ts';

export interface RunResult {
  readonly violation: Violation | undefined;
  readonly trace: Trace;
  /** Virtual milliseconds that passed. */
  readonly virtualMs: number;
  readonly events: number;
  readonly faults: ReadonlyMap<SimFaultWord, number>;
  readonly accepted: number;
  readonly world: World;
  /** The trace in words, where it was kept. */
  lines(): readonly string[];
}

export interface RunOptions {
  /** Keep the events, for a reader. Default false. */
  readonly keepTrace?: boolean;
  /** Make a hash of the trace, to compare it with another run's. Default true. */
  readonly hashTrace?: boolean;
  /** Told of every event. */
  readonly watch?: (event: SimEvent) => void;
  /** One that is posted already. Default: one of its own. */
  readonly guard?: Guard;
}

const defaultSettleMs = 24 * 60 * 60 * 1_000;
/** Faults stop this long after the last planned thing has happened. */
const afterwardsMs = 2_000;
/** When everything has finished, nothing is sent for so long; it is longer than the longest pause of those that send again. */
const quietMs = 40_000;
/** It becomes so within this time: an owner that is gone may have had a deadline to drain. */
const quietWithinMs = 200_000;
/** After a loss of commits it is seen for so long what workers do. */
const noticedWithinMs = 120_000;
/** A world that runs so many events is in a loop. */
const mostEvents = 5_000_000;

export function drawPlan<Action>(scenario: Scenario<Action>, seed: number): Plan<Action> {
  return scenario.plan(stream(seed, 'plan'));
}

/** Runs a plan under a seed. The same plan and seed give the same trace, event by event. */
export async function runPlan<Action>(
  scenario: Scenario<Action>,
  plan: Plan<Action>,
  seed: number,
  { keepTrace = false, hashTrace = true, watch, guard }: RunOptions = {},
): Promise<RunResult> {
  const prepared = scenario.prepare(plan);
  const liveness = new Liveness();
  const world: World = new World({
    seed,
    plan,
    keepTrace,
    hashTrace,
    settings: (node) => ({ shards: node.shards, ...node.settings, ...prepared.settings(node, world) }),
    invariants: [
      liveness,
      ...(watch === undefined ? [] : [{ name: 'watch', event: watch }]),
      ...weirInvariants(),
      ...(prepared.invariants ?? []),
    ],
  });
  let reached: WeirError | undefined;
  const onStray = (reason: unknown): void => world.violate('nothing is thrown past its owner', messageOf(reason));
  process.on('unhandledRejection', onStray);
  const posted = guard ?? postGuard();
  posted.guarded = {
    soon: () => {
      const lane = world.scheduler.current;
      return lane === undefined ? undefined : (run) => lane.soon(run);
    },
    onReach: (error) => {
      reached ??= error;
    },
  };
  try {
    await drive(scenario, plan, world, liveness, prepared, () => reached);
  } catch (error) {
    world.violate('nothing is thrown past its owner', messageOf(error));
  } finally {
    world.dispose();
    posted.guarded = undefined;
    // What actors leave to do at their end holds on to them until the process has looked after its own affairs.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    process.off('unhandledRejection', onStray);
    if (guard === undefined) posted.release();
  }
  if (reached !== undefined) world.violate('ports only', reached.message);
  return {
    violation: world.violation,
    trace: world.trace,
    virtualMs: world.scheduler.now,
    events: world.scheduler.events,
    faults: world.struck,
    accepted: world.clients.accepted().length,
    world,
    lines: () => world.trace.events().flatMap((event) => lineOf(event) ?? []),
  };
}

async function drive<Action>(
  scenario: Scenario<Action>,
  plan: Plan<Action>,
  world: World,
  liveness: Liveness,
  prepared: ReturnType<Scenario<Action>['prepare']>,
  reached: () => WeirError | undefined,
): Promise<void> {
  const { scheduler, outside } = world;
  let undone = plan.actions.length;
  world.start();
  for (const { at, what } of plan.actions) {
    outside.after(at, () => {
      world.observe('', '', { type: 'note', what: 'action', text: prepared.describe(what) });
      const done = (): void => {
        undone -= 1;
      };
      Promise.resolve(prepared.perform(what, world)).then(done, (error: unknown) => {
        world.violate('the scenario itself', `${scenario.name}: ${messageOf(error)}`);
      });
    });
  }
  for (const { at, what } of plan.faults) outside.after(at, () => world.strike(what));
  const broken = (): boolean => {
    if (scheduler.events > mostEvents) world.violate('liveness', `${mostEvents} events, and still busy`);
    return world.violation !== undefined || reached() !== undefined;
  };
  const lastAt = Math.max(0, ...plan.actions.map(({ at }) => at), ...plan.faults.map(({ at }) => at));
  await scheduler.run(broken, lastAt + afterwardsMs);
  if (broken()) return;
  world.heal();
  if (world.lost) {
    // Nothing has to be finished, but whatever works on where commits are gone must come to a stand.
    await scheduler.run(broken, scheduler.now + noticedWithinMs);
    if (!broken()) world.end();
    return;
  }
  const settleMs = prepared.settleMs ?? defaultSettleMs;
  const mayBeStuck = (flow: string): boolean => prepared.mayBeStuck?.(flow) === true;
  const settled = (): boolean =>
    undone === 0 && world.clients.quiet && liveness.finished(mayBeStuck) && !world.oracle.inDoubt;
  const end = await scheduler.run(() => broken() || settled(), scheduler.now + settleMs);
  if (broken()) return;
  if (end !== 'done') {
    const left = [
      ...(undone > 0 ? [`${undone} actions`] : []),
      ...(world.clients.quiet ? [] : ['requests without answer']),
      liveness.describe(),
    ];
    world.violate('liveness', `${settleMs} ms after faults stopped there are still ${left.join('; ')}`);
    return;
  }
  const quiet = (): boolean => scheduler.now - liveness.sentAt > quietMs;
  await scheduler.run(() => broken() || quiet(), scheduler.now + quietWithinMs);
  if (broken()) return;
  world.end();
}
