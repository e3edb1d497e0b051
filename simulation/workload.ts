/**
 * Workloads: what clients do to a simulated world, and what must hold for it. A scenario is a world with one or several
 * of them.
 *
 * Owns how workloads are put together: whose action it is, which flows and actors each node gets.
 */
import { type AnyActor, type AnyFlow, type NodeSettings, WeirError } from 'weir';
import type { Invariant, Plan, PlannedNode, Scenario, Timed, World } from 'weir/testing';
import type { output, ZodType } from 'zod';
import { Draw } from './draw.ts';
import { nowRuns } from './running.ts';

export interface WorkloadRoom {
  readonly nodes: readonly PlannedNode[];
  readonly members: readonly string[];
  /** About so many flows. */
  readonly flows: number;
  /** Its actions fall into this time, in virtual milliseconds. */
  readonly withinMs: number;
}

export interface PreparedWorkload<Act> {
  /** The flows that a worker of a node is started with. */
  flows(node: PlannedNode): readonly AnyFlow[];
  /** Further settings of a node, asked at each start of a worker; of one workload of a scenario. Default: none. */
  settings?(node: PlannedNode): Pick<NodeSettings, 'maxHotFlows'>;
  readonly actors: readonly AnyActor[];
  perform(act: Act, world: World): void | Promise<void>;
  describe(act: Act): string;
  readonly invariants: readonly Invariant[];
}

export interface WorkloadSpec<Schema extends ZodType> {
  readonly name: string;
  /** An action of its plans: they are plain data, and may come from a file. */
  readonly act: Schema;
  draw(draw: Draw, room: WorkloadRoom): Array<Timed<output<Schema>>>;
  /** Called anew for each run; its flows ask `theWorld`. */
  prepare(plan: Plan<unknown>): PreparedWorkload<output<Schema>>;
}

/** A workload whose actions are data of a plan. */
export type Workload = Omit<WorkloadSpec<ZodType>, 'act'>;

/** An action of a plan: whose it is, and what it is. */
export interface Act {
  readonly of: string;
  readonly act: unknown;
}

export interface ScenarioSpec {
  readonly name: string;
  readonly version: number;
  readonly about: string;
  /** Draws everything but the actions, and the time that they fall into where that differs from world to world. */
  readonly world: (draw: Draw) => Omit<Plan, 'actions'> & { readonly withinMs?: number };
  readonly workloads: ReadonlyArray<{ readonly of: Workload; readonly flows: number }>;
  /** Its actions fall into this time, in virtual milliseconds, unless a world says otherwise. */
  readonly withinMs: number;
  readonly settleMs?: number;
}

export function workload<Schema extends ZodType>({ act: schema, ...spec }: WorkloadSpec<Schema>): Workload {
  return {
    ...spec,
    prepare(plan) {
      const { perform, describe, ...prepared } = spec.prepare(plan);
      return {
        ...prepared,
        perform: (act, at) => perform(schema.parse(act), at),
        describe: (act) => describe(schema.parse(act)),
      };
    },
  };
}

/** A world and what is done to it. Workloads share its time, its nodes and its faults, and nothing else. */
export function scenarioOf({
  name,
  version,
  about,
  world,
  workloads,
  withinMs,
  settleMs,
}: ScenarioSpec): Scenario<Act> {
  const find = (of: string): Workload => {
    const found = workloads.find((one) => one.of.name === of);
    if (found !== undefined) return found.of;
    throw new WeirError('WEIR_SIMULATION_SCENARIO', { scenario: name, why: `it has no workload "${of}"` });
  };
  return {
    name,
    version,
    about,
    plan(random) {
      const draw = new Draw(random);
      const { withinMs: ownMs = withinMs, ...shape } = world(draw);
      const members = shape.nodes.flatMap((node) => node.members);
      const actions = workloads.flatMap(({ of, flows }) =>
        of
          .draw(draw, { nodes: shape.nodes, members, flows, withinMs: ownMs })
          .map(({ at, what }) => ({ at, what: { of: of.name, act: what } })),
      );
      return { ...shape, actions: actions.sort((a, b) => a.at - b.at) };
    },
    prepare(plan) {
      nowRuns(undefined);
      for (const { what } of plan.actions) find(what.of);
      const prepared = new Map(workloads.map(({ of }) => [of.name, of.prepare(plan)]));
      const loads = [...prepared.values()];
      const of = (act: Act): PreparedWorkload<unknown> => {
        const load = prepared.get(act.of);
        if (load === undefined) throw new Error(`no workload ${act.of}`);
        return load;
      };
      return {
        settings(node, at) {
          nowRuns(at);
          return {
            members: Object.fromEntries(node.members.map((member) => [member, {}])),
            flows: loads.flatMap((load) => load.flows(node)),
            actors: loads.flatMap(({ actors }) => actors),
            ...loads.find(({ settings }) => settings !== undefined)?.settings?.(node),
          };
        },
        perform: (action, at) => of(action).perform(action.act, at),
        describe: (action) => of(action).describe(action.act),
        invariants: loads.flatMap(({ invariants }) => invariants),
        ...(settleMs === undefined ? {} : { settleMs }),
      };
    },
  };
}
