/**
 * One visit of a stage while it is in memory: the deterministic scheduler of its branches.
 *
 * Code runs in an order that depends on the journal alone: branches that were begun or told something come first, in that
 * order; then outcomes, in the order in which they were recorded; only when there is neither is the next operation
 * performed. A replay is the same loop over a journal that holds outcomes already, so it comes by the same way.
 */
import { types } from 'node:util';
import { WeirError } from '../../errors/index.ts';
import type { JournalEntry } from '../../persistence/index.ts';
import { Asked } from './asked.ts';
import { Branch, type BranchOutcome, type BranchResume, type Join, type Parked } from './branch.ts';
import type { Duties } from './duties.ts';
import { entryAt, orderOf, outcomeOf, type Resume } from './entries.ts';
import { FlowError, platformFault } from './faults.ts';
import { BranchRequest, type Op, type Operation, OperationRequest, type StageRequest } from './operation.ts';
import { opText } from './place.ts';

/** What the run asks of its owner. */
export interface StageDriver {
  /** Performs an operation, or performs it again. Undefined: it waits, and `parked.wait` says on what. */
  perform(parked: Parked): Resume | undefined;
  /** Whether the advance has done enough for now. */
  exhausted(): boolean;
  /** An operation was withdrawn: nobody waits for it any more. */
  withdrawn(parked: Parked): void;
}

export type StageEnd =
  /** Nothing more can be done until something happens. */
  | { readonly type: 'suspended' }
  /** There is more to do; the run goes on from here. */
  | { readonly type: 'brokenOff' }
  /** The driver has put an end to it: the flow is STUCK. */
  | { readonly type: 'halted' }
  | { readonly type: 'returned'; readonly value: unknown }
  | { readonly type: 'cancelled' }
  | { readonly type: 'threw'; readonly error: unknown }
  /** The code does not fit its journal, or asks for something that there is not. */
  | { readonly type: 'mistake'; readonly error: WeirError };

export interface StageRunSetup {
  readonly flow: string;
  readonly stage: string;
  readonly journal: ReadonlyArray<JournalEntry | undefined>;
  readonly duties: Duties;
}

interface Ready {
  readonly branch: Branch;
  readonly resume: BranchResume;
}

interface Due {
  readonly index: number;
  /** As it was given; else it is read from the journal. */
  readonly resume: Resume | undefined;
}

/** Place and journal position of an error that was thrown into flow code. */
export interface Thrown {
  /** Its place in the journal. */
  readonly entry: number;
  /** Operations from here on came after it. */
  readonly next: number;
}

export class StageRun {
  readonly #setup: StageRunSetup;
  /** What its code has begun and must not forget. */
  readonly duties: Duties;
  readonly #root: Branch;
  readonly #tasks = new WeakMap<object, Branch>();
  /** Branches to be resumed, in order. */
  #ready: Ready[] = [];
  /** Outcomes to be given, in the order in which they were recorded. */
  #due: Due[] = [];
  readonly #parked = new Map<number, Parked>();
  /** Operations to be performed, or performed again. */
  #toPerform: Parked[] = [];
  /** Places of operations whose branch was cancelled before they had an outcome. */
  readonly #withdrawn = new Set<number>();
  readonly #thrown = new WeakMap<object, Thrown>();
  /** All that was asked for, if somebody watches. */
  readonly asked = new Asked();
  #replayed: number;
  #cancelAt: number | undefined;
  #end: StageEnd | undefined;
  /** Index of the next operation. */
  next = 0;
  /** Code of the stage is running; else whatever it does is done by the body of a step. */
  executing = false;
  /** The operation whose code ran last, to say where a mistake was made. */
  latest: Op | undefined;

  /** @param cancelAt the cancellation of the flow comes before the outcome of this order */
  constructor(
    generator: Generator<StageRequest, unknown, unknown>,
    setup: StageRunSetup,
    cancelAt: number | undefined,
  ) {
    this.#setup = setup;
    this.duties = setup.duties;
    this.#root = new Branch(generator, undefined);
    this.#ready.push({ branch: this.#root, resume: { type: 'value', value: undefined } });
    this.#due = inOrder(setup.journal);
    this.#replayed = this.#due.length;
    this.#cancelAt = cancelAt;
  }

  /** Whether code runs for the first time, not in replay. */
  get live(): boolean {
    return this.#replayed === 0 && this.next >= this.#setup.journal.length;
  }

  /** What it waits on, by place in the journal. */
  get parked(): Iterable<Parked> {
    return this.#parked.values();
  }

  /** Whether something is left to be given or performed without anything happening. */
  get unfinished(): boolean {
    return this.#ready.length > 0 || this.#due.length > 0;
  }

  /** Whether an operation's branch was cancelled: its outcome is of no use. */
  isWithdrawn(index: number): boolean {
    return this.#withdrawn.has(index);
  }

  /** Where an error that reached the top, or what caused it, was thrown into flow code. */
  thrownAt(error: unknown): Thrown | undefined {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      const thrown = this.#thrown.get(cause);
      if (thrown !== undefined) return thrown;
    }
    return undefined;
  }

  /** An outcome was recorded from outside. */
  settled(index: number): void {
    if (this.#parked.has(index)) this.#due.push({ index, resume: undefined });
  }

  /** Something may have changed: everything it waits on is looked at again. */
  poll(): void {
    this.#toPerform = [...this.#parked.values()].filter(({ index }) => !this.#isDue(index));
  }

  /** Cancels the stage behind everything that is recorded: its cleanup runs, and it ends. */
  cancel(): void {
    this.#cancelAt = Number.POSITIVE_INFINITY;
  }

  /** Runs on as far as it gets. */
  run(driver: StageDriver): StageEnd {
    for (;;) {
      const ended = this.#end;
      if (ended !== undefined) return ended;
      if (driver.exhausted()) return { type: 'brokenOff' };
      const ready = this.#ready.shift();
      if (ready !== undefined) {
        this.#resume(ready.branch, ready.resume, driver);
        continue;
      }
      if (this.#cancelIsDue()) {
        this.#cancelAt = undefined;
        this.#cancelBranch(this.#root, driver);
        continue;
      }
      const due = this.#due.shift();
      if (due !== undefined) {
        if (this.#replayed > 0) this.#replayed--;
        this.#give(due, driver);
        continue;
      }
      const parked = this.#toPerform.shift();
      if (parked === undefined) return this.#suspended();
      if (this.#parked.get(parked.index) !== parked) continue;
      const resume = driver.perform(parked);
      if (resume !== undefined) this.#due.push({ index: parked.index, resume });
      else if (parked.wait === undefined) return { type: 'halted' };
    }
  }

  #isDue(index: number): boolean {
    return this.#due.some((due) => due.index === index);
  }

  #cancelIsDue(): boolean {
    if (this.#cancelAt === undefined) return false;
    const [due] = this.#due;
    if (due === undefined) return true;
    const entry = this.#setup.journal[due.index];
    return entry === undefined || orderOf(entry, due.index) >= this.#cancelAt;
  }

  #suspended(): StageEnd {
    if (this.#parked.size > 0) return { type: 'suspended' };
    const { flow, stage } = this.#setup;
    return { type: 'mistake', error: new WeirError('WEIR_FLOW_DEADLOCK', { flow, stage }) };
  }

  /** Gives a recorded outcome to the branch that waits for it. */
  #give({ index, resume }: Due, driver: StageDriver): void {
    const parked = this.#parked.get(index);
    if (parked === undefined) {
      if (!this.#withdrawn.has(index)) this.#diverged(index, 'what is recorded was never asked for');
      return;
    }
    const entry = this.#setup.journal[index];
    const outcome = resume ?? (entry === undefined ? undefined : outcomeOf(entry));
    if (outcome === undefined) return;
    this.#unpark(parked);
    if (outcome.type === 'throw') this.#thrown.set(outcome.error, { entry: index, next: this.next });
    this.latest = parked.op;
    this.#resume(parked.branch, outcome, driver);
  }

  #unpark(parked: Parked): void {
    this.#parked.delete(parked.index);
    parked.branch.parked = undefined;
  }

  // --- code

  #resume(branch: Branch, resume: BranchResume, driver: StageDriver): void {
    if (branch.outcome !== undefined || branch.ending !== undefined) return;
    let result: IteratorResult<StageRequest, unknown>;
    this.executing = true;
    try {
      if (resume.type === 'value') result = branch.generator.next(resume.value);
      else if (resume.type === 'throw') result = branch.generator.throw(resume.error);
      else result = branch.generator.return(undefined);
    } catch (error) {
      this.#ending(branch, { type: 'throw', error }, driver);
      return;
    } finally {
      this.executing = false;
    }
    if (result.done === true) {
      const outcome = branch.cancelled ? cancelled : { type: 'value' as const, value: result.value };
      this.#ending(branch, outcome, driver);
      return;
    }
    const request: unknown = result.value;
    if (request instanceof OperationRequest) this.#park(branch, request.op, driver);
    else if (request instanceof BranchRequest) this.#branchOp(branch, request, driver);
    else this.#mistake(request);
  }

  #park(branch: Branch, op: Op, driver: StageDriver): void {
    const index = this.next++;
    this.latest = op;
    if (this.duties.watched) this.asked.add(index, op, this.duties.site);
    const entry = this.#setup.journal[index];
    if (entry !== undefined && (entry.op !== op.op || entry.label !== op.label)) {
      this.#diverged(index, this.#found(op, index));
      return;
    }
    if (entry === undefined && index < this.#setup.journal.length && !mayBeMissing(this.#setup.journal, op)) {
      this.#diverged(index, this.#found(op, index), 'the opening of a session');
      return;
    }
    const parked: Parked = { op, index, branch, wait: undefined };
    if (op.op === 'open' && entry === undefined) {
      // It stands in the head of the flow and not in the journal, so nothing would bring it back at replay.
      const resume = driver.perform(parked);
      if (resume === undefined && parked.wait === undefined) this.#end = { type: 'halted' };
      else if (resume === undefined) {
        this.#parked.set(index, parked);
        branch.parked = parked;
      } else if (this.#setup.journal[index] === undefined) this.#ready.unshift({ branch, resume });
      else {
        this.#parked.set(index, parked);
        branch.parked = parked;
        this.#due.push({ index, resume });
      }
      return;
    }
    this.#parked.set(index, parked);
    branch.parked = parked;
    if (entry === undefined || entry.state === 'open') this.#toPerform.push(parked);
  }

  // --- branches

  #branchOp(branch: Branch, { op }: BranchRequest, driver: StageDriver): void {
    switch (op.kind) {
      case 'all':
      case 'race':
        this.#fork(branch, op.kind, op.branches, op.kind === 'all' ? op.concurrency : op.branches.length);
        return;
      case 'spawn': {
        const task = {};
        const child = new Branch(op.branch, branch);
        child.unjoined = true;
        this.#tasks.set(task, child);
        this.#ready.push({ branch: child, resume: begin }, { branch, resume: { type: 'value', value: task } });
        return;
      }
      case 'join':
      case 'cancel': {
        const child = this.#tasks.get(op.task);
        if (child === undefined) {
          this.#ready.push({
            branch,
            resume: { type: 'throw', error: new TypeError('the task is not of this visit') },
          });
          return;
        }
        child.unjoined = false;
        child.parent?.unheard.delete(child);
        if (child.outcome !== undefined) {
          this.#ready.push({ branch, resume: answerOf(op.kind, child.outcome) });
          return;
        }
        child.waiters.push({ branch, kind: op.kind });
        branch.waitsFor = child;
        if (op.kind === 'cancel') this.#cancelBranch(child, driver);
      }
    }
  }

  #fork(branch: Branch, mode: Join['mode'], branches: ReadonlyArray<Operation<unknown>>, concurrency: number): void {
    const join: Join = { mode, queue: [...branches], next: 0, running: new Map(), results: [], decided: undefined };
    branch.join = join;
    if (branches.length === 0) {
      this.#joined(branch, join);
      return;
    }
    for (let count = 0; count < concurrency && join.queue.length > 0; count++) this.#beginNext(branch, join);
  }

  #beginNext(branch: Branch, join: Join): void {
    const operation = join.queue.shift();
    if (operation === undefined) return;
    const child = new Branch(operation, branch);
    join.running.set(child, join.next++);
    this.#ready.push({ branch: child, resume: begin });
  }

  /** The code of a branch has come to its end; the branch ends with the last one that it began. */
  #ending(branch: Branch, outcome: BranchOutcome, driver: StageDriver): void {
    branch.ending = outcome;
    for (const child of [...branch.children]) this.#cancelBranch(child, driver);
    if (branch.children.size === 0) this.#ended(branch, driver);
  }

  #ended(branch: Branch, driver: StageDriver): void {
    const own = branch.ending ?? cancelled;
    const [unheard] = branch.unheard;
    // A failure that nobody asked for is told where the one ends that began it: it must not get lost.
    const outcome = own.type === 'value' && unheard?.outcome !== undefined ? unheard.outcome : own;
    branch.outcome = outcome;
    const { parent } = branch;
    if (parent === undefined) {
      this.#end =
        outcome.type === 'value'
          ? { type: 'returned', value: outcome.value }
          : outcome.type === 'throw'
            ? { type: 'threw', error: outcome.error }
            : { type: 'cancelled' };
      return;
    }
    parent.children.delete(branch);
    for (const { branch: waiter, kind } of branch.waiters) {
      waiter.waitsFor = undefined;
      this.#ready.push({ branch: waiter, resume: answerOf(kind, outcome) });
    }
    if (branch.unjoined && outcome.type === 'throw') parent.unheard.add(branch);
    if (parent.join?.running.has(branch) === true) this.#told(parent, parent.join, branch, outcome, driver);
    if (parent.children.size > 0) return;
    if (parent.ending !== undefined) this.#ended(parent, driver);
    else if (parent.returning) {
      parent.returning = false;
      parent.join = undefined;
      this.#ready.push({ branch: parent, resume: { type: 'return' } });
    }
  }

  /** A branch that its parent waits for has ended. */
  #told(parent: Branch, join: Join, branch: Branch, outcome: BranchOutcome, driver: StageDriver): void {
    const place = join.running.get(branch) ?? 0;
    join.running.delete(branch);
    if (outcome.type === 'value' && join.mode === 'all') join.results[place] = outcome.value;
    else if (outcome.type === 'throw' && join.decided?.outcome.type !== 'throw') join.decided = { place, outcome };
    else if (outcome.type === 'value') join.decided ??= { place, outcome };
    if (parent.returning || parent.ending !== undefined) return;
    if (join.decided === undefined) this.#beginNext(parent, join);
    else {
      for (const operation of join.queue.splice(0)) this.duties.discharge(operation);
      for (const loser of [...join.running.keys()]) this.#cancelBranch(loser, driver);
    }
    if (join.running.size === 0) this.#joined(parent, join);
  }

  #joined(branch: Branch, join: Join): void {
    if (branch.join !== join) return;
    branch.join = undefined;
    const { decided, mode, results } = join;
    if (decided?.outcome.type === 'throw') {
      this.#ready.push({ branch, resume: { type: 'throw', error: decided.outcome.error } });
    } else if (mode === 'all') {
      this.#ready.push({ branch, resume: { type: 'value', value: results } });
    } else {
      const value = decided?.outcome.type === 'value' ? [decided.place, decided.outcome.value] : [];
      this.#ready.push({ branch, resume: { type: 'value', value } });
    }
  }

  /** Withdraws what a branch waits on, the branches that it began first, and runs its cleanup. */
  #cancelBranch(branch: Branch, driver: StageDriver): void {
    if (branch.cancelled || branch.outcome !== undefined) return;
    branch.cancelled = true;
    const begun = !this.#ready.some(({ branch: other, resume }) => other === branch && resume === begin);
    this.#ready = this.#ready.filter(({ branch: other }) => other !== branch);
    if (!begun) this.duties.discharge(branch.generator);
    for (const operation of branch.join?.queue.splice(0) ?? []) this.duties.discharge(operation);
    for (const child of [...branch.children]) this.#cancelBranch(child, driver);
    if (branch.waitsFor !== undefined) {
      const { waiters } = branch.waitsFor;
      waiters.splice(
        waiters.findIndex((waiter) => waiter.branch === branch),
        1,
      );
      branch.waitsFor = undefined;
    }
    const { parked } = branch;
    if (parked !== undefined) {
      this.#unpark(parked);
      this.#withdrawn.add(parked.index);
      driver.withdrawn(parked);
    }
    if (branch.ending !== undefined) return;
    if (branch.children.size > 0) branch.returning = true;
    else this.#ready.push({ branch, resume: { type: 'return' } });
  }

  // --- mistakes

  #found(op: Op, index: number): string {
    return this.duties.watched ? this.asked.text(index) : opText(op);
  }

  #diverged(index: number, found: string, instead?: string): void {
    const expected = instead ?? entryAt(this.#setup.journal, index);
    const error = new WeirError('WEIR_FLOW_DIVERGED', { flow: this.#setup.flow, index, found, expected });
    this.#end = { type: 'mistake', error };
  }

  #mistake(request: unknown): void {
    const { flow, stage } = this.#setup;
    const error = new WeirError('WEIR_FLOW_OPERATION_UNKNOWN', { flow, stage, found: nameOf(request) });
    this.#end = { type: 'mistake', error };
  }
}

const begin: BranchResume = { type: 'value', value: undefined };
const cancelled: BranchOutcome = { type: 'cancelled' };

/** Places of recorded outcomes, in the order in which they were recorded. */
function inOrder(journal: ReadonlyArray<JournalEntry | undefined>): Due[] {
  const due: Array<Due & { readonly order: number }> = [];
  for (const [index, entry] of journal.entries()) {
    if (entry === undefined || entry.state === 'open') continue;
    due.push({ index, resume: undefined, order: orderOf(entry, index) });
  }
  return due.sort((a, b) => a.order - b.order);
}

/** In a journal that has branches an operation may have begun without a record: a step that is under way. */
function mayBeMissing(journal: ReadonlyArray<JournalEntry | undefined>, op: Op): boolean {
  return op.op === 'open' || journal.some((entry) => entry?.branch === true);
}

/** What somebody who waits for a task is told of its end. */
function answerOf(kind: 'join' | 'cancel', outcome: BranchOutcome): BranchResume {
  if (kind === 'cancel') return { type: 'value', value: undefined };
  if (outcome.type !== 'cancelled') return outcome;
  return { type: 'throw', error: new FlowError(platformFault('WEIR_FLOW_BRANCH_CANCELLED', {})) };
}

/** What flow code yielded in place of an operation, as its developer would call it. */
export function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (types.isGeneratorObject(value)) return 'an operation without "*"';
  if (types.isPromise(value)) return 'a promise';
  if (Array.isArray(value)) return 'a list';
  return typeof value;
}
