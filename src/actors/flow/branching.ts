/** Branches as flow code sees them: several operations beside each other, on the engine's deterministic scheduler. */
import { types } from 'node:util';
import type { Duties } from './duties.ts';
import { type BranchOp, BranchRequest, type Operation } from './operation.ts';

/** Operations to be run beside each other: a list, or an object whose keys name them. */
export type Branches = ReadonlyArray<Operation<unknown>> | Readonly<Record<string, Operation<unknown>>>;

type ResultOf<O> = O extends Operation<infer T> ? T : never;

/** What `all` gives: the results in the shape in which the branches were given. */
export type AllResults<B extends Branches> = { -readonly [Key in keyof B]: ResultOf<B[Key]> };

/** What `race` gives: of a list the winner's result; of an object its key as `type`, and its result as `value`. */
export type RaceResult<B extends Branches> =
  B extends ReadonlyArray<infer O>
    ? ResultOf<O>
    : { [Key in keyof B & string]: { readonly type: Key; readonly value: ResultOf<B[Key]> } }[keyof B & string];

export interface AllOptions {
  /** Branches that run at the same time; the next one begins when one has ended. Default: all of them. */
  readonly concurrency?: number;
}

/** A branch that runs on by itself. */
export interface Task<T> {
  /**
   * Waits for its end.
   * @throws what the branch threw; FlowError `WEIR_FLOW_BRANCH_CANCELLED` when it was cancelled
   */
  join(): Operation<T>;
  /** Withdraws what it waits on, runs its cleanup (`finally`), and waits for that. */
  cancel(): Operation<void>;
}

/** The part of a flow's context that begins branches. */
export interface BranchContext {
  /**
   * Runs operations beside each other and gives all their results. At the first error the other branches are cancelled,
   * their cleanup runs, and the error is thrown.
   */
  all<const B extends Branches>(branches: B, options?: AllOptions): Operation<AllResults<B>>;
  /**
   * Runs operations beside each other until the first of them ends; the others are cancelled: a receive takes no message,
   * a late answer changes nothing, their cleanup (`finally`) has run before this goes on.
   */
  race<const B extends Branches>(branches: B): Operation<RaceResult<B>>;
  /**
   * Begins a branch that runs on beside the flow's own code. It ends with the code that began it at the latest: a branch
   * that is still running there is cancelled, one that has failed and was not joined fails that code.
   */
  spawn<T>(branch: Operation<T>): Operation<Task<T>>;
}

export function branching(duties: Duties): BranchContext {
  return {
    all: <const B extends Branches>(branches: B, { concurrency }: AllOptions = {}): Operation<AllResults<B>> => {
      const given = listed('all', branches);
      if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0)) {
        throw new TypeError(`concurrency is ${String(concurrency)}, not a whole number from 1 on`);
      }
      const op = { kind: 'all', branches: given, concurrency: concurrency ?? given.length } as const;
      return duties.made('all', () => resultsOf(op, branches));
    },
    race: <const B extends Branches>(branches: B): Operation<RaceResult<B>> => {
      const given = listed('race', branches);
      if (given.length === 0) throw new TypeError('a race needs at least one branch: it would never end');
      return duties.made('race', () => winnerOf({ kind: 'race', branches: given }, branches));
    },
    spawn: <T>(branch: Operation<T>): Operation<Task<T>> => {
      listed('spawn', [branch]);
      return duties.made('spawn', () => taskOf({ kind: 'spawn', branch }, duties));
    },
  };
}

// No closures, for the reason that `context.ts` gives.

function* resultsOf<const B extends Branches>(op: BranchOp, branches: B): Operation<AllResults<B>> {
  return shaped(branches, yield* request<unknown[]>(op)) as AllResults<B>;
}

function* winnerOf<const B extends Branches>(op: BranchOp, branches: B): Operation<RaceResult<B>> {
  const [place, value] = yield* request<[number, unknown]>(op);
  const won = Array.isArray(branches) ? value : { type: Object.keys(branches)[place], value };
  return won as RaceResult<B>;
}

function* taskOf<T>(op: BranchOp, duties: Duties): Operation<Task<T>> {
  const task = yield* request<object>(op);
  return {
    join: () => duties.made('join', () => request<T>({ kind: 'join', task })),
    cancel: () => duties.made('cancel', () => request<void>({ kind: 'cancel', task })),
  };
}

function* request<T>(op: BranchOp): Operation<T> {
  // The scheduler resumes with what this very request gives.
  return (yield new BranchRequest(op)) as T;
}

function listed(what: string, branches: Branches): ReadonlyArray<Operation<unknown>> {
  if (typeof branches !== 'object' || branches === null) throw new TypeError(`${what} takes a list or an object`);
  const list: Array<Operation<unknown>> = [];
  for (const [name, branch] of Object.entries(branches)) {
    if (!types.isGeneratorObject(branch)) {
      const found = types.isPromise(branch) ? 'a promise: put what awaits into a step' : typeof branch;
      throw new TypeError(`branch ${name} of ${what} is ${found}; give operations: ${what}([step(...), sleep(...)])`);
    }
    if (list.includes(branch)) throw new TypeError(`branch ${name} of ${what} is given twice`);
    list.push(branch);
  }
  return list;
}

function shaped(branches: Branches, results: readonly unknown[]): unknown {
  if (Array.isArray(branches)) return results;
  return Object.fromEntries(Object.keys(branches).map((key, place) => [key, results[place]]));
}
