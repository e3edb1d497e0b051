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
import type { Containment } from '../../ports/index.ts';
import { Asked } from './asked.ts';
import type { Branch, BranchOutcome, BranchResume, Parked } from './branch.ts';
import { type BranchOwner, BranchTree, cancelled } from './branch-tree.ts';
import type { Duties } from './duties.ts';
import { entryAt, orderOf, outcomeOf, type Resume } from './entries.ts';
import { Few } from './few.ts';
import { BranchRequest, type Op, OperationRequest, type StageRequest } from './operation.ts';
import { opText } from './place.ts';

/** What the run asks of its owner. */
export interface StageDriver {
  /** Performs an operation, or performs it again. Undefined: it waits, and `parked.wait` says on what. */
  perform(parked: Parked): Resume | undefined;
  /** Whether the advance has done enough for now. */
  exhausted(): boolean;
  /** An operation was withdrawn: nobody waits for it any more. */
  withdrawn(parked: Parked): void;
  /** Stops code that keeps the processor. Absent: it may. */
  readonly containment?: Containment | undefined;
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

export class StageRun implements BranchOwner {
  readonly #setup: StageRunSetup;
  /** What its code has begun and must not forget. */
  readonly duties: Duties;
  readonly #tree: BranchTree;
  /** Outcomes to be given, in the order in which they were recorded. */
  #due: Due[] = [];
  readonly #parked = new Few<number, Parked>();
  /** Operations to be performed, or performed again. */
  #toPerform: Parked[] = [];
  /** Places of operations whose branch was cancelled before they had an outcome. */
  #withdrawn: Set<number> | undefined;
  /** Errors that were thrown into the code. */
  #thrown: Map<unknown, Thrown> | undefined;
  #asked: Asked | undefined;
  #replayed: number;
  #driver: StageDriver | undefined;
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
    this.#tree = new BranchTree(generator, this);
    this.#due = inOrder(setup.journal);
    this.#replayed = this.#due.length;
    this.#cancelAt = cancelAt;
  }

  /** All that was asked for, if somebody watches. */
  get asked(): Asked {
    this.#asked ??= new Asked();
    return this.#asked;
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
    return this.#tree.busy || this.#due.length > 0;
  }

  /** Whether an operation's branch was cancelled: its outcome is of no use. */
  isWithdrawn(index: number): boolean {
    return this.#withdrawn?.has(index) === true;
  }

  /** Where an error that reached the top, or what caused it, was thrown into flow code. */
  thrownAt(error: unknown): Thrown | undefined {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      const thrown = this.#thrown?.get(cause);
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
    this.#driver = driver;
    try {
      return this.#run(driver);
    } finally {
      // It knows of what the advance has changed, and of who was told: a flow may wait for days.
      this.#driver = undefined;
    }
  }

  #run(driver: StageDriver): StageEnd {
    for (;;) {
      const ended = this.#end;
      if (ended !== undefined) return ended;
      if (driver.exhausted()) return { type: 'brokenOff' };
      const ready = this.#tree.next();
      if (ready !== undefined) {
        this.#resume(ready.branch, ready.resume, driver);
        continue;
      }
      if (this.#cancelIsDue()) {
        this.#cancelAt = undefined;
        this.#tree.cancel(this.#tree.root);
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
      if (this.#withdrawn?.has(index) !== true) this.#diverged(index, 'what is recorded was never asked for');
      return;
    }
    const entry = this.#setup.journal[index];
    const outcome = resume ?? (entry === undefined ? undefined : outcomeOf(entry));
    if (outcome === undefined) return;
    this.#unpark(parked);
    if (outcome.type === 'throw') {
      this.#thrown ??= new Map();
      this.#thrown.set(outcome.error, { entry: index, next: this.next });
    }
    this.latest = parked.op;
    this.#resume(parked.branch, outcome, driver);
  }

  #unpark(parked: Parked): void {
    this.#parked.delete(parked.index);
    parked.branch.parked = undefined;
  }

  // --- what the tree of branches tells

  discharge(operation: object): void {
    this.duties.discharge(operation);
  }

  withdraw(parked: Parked): void {
    this.#unpark(parked);
    this.#withdrawn ??= new Set();
    this.#withdrawn.add(parked.index);
    this.#driver?.withdrawn(parked);
  }

  ended(outcome: BranchOutcome): void {
    this.#end = endOf(outcome);
  }

  // --- code

  #resume(branch: Branch, resume: BranchResume, driver: StageDriver): void {
    if (branch.outcome !== undefined || branch.ending !== undefined) return;
    let result: IteratorResult<StageRequest, unknown>;
    const { containment } = driver;
    this.executing = true;
    try {
      result = containment === undefined ? enter(branch, resume) : containment.run(() => enter(branch, resume));
    } catch (error) {
      if (WeirError.is(error, 'WEIR_CODE_RUNAWAY')) this.#end = { type: 'mistake', error };
      else this.#tree.ending(branch, { type: 'throw', error });
      return;
    } finally {
      this.executing = false;
    }
    if (result.done === true) {
      const outcome = branch.cancelled ? cancelled : { type: 'value' as const, value: result.value };
      this.#tree.ending(branch, outcome);
      return;
    }
    const request: unknown = result.value;
    if (request instanceof OperationRequest) this.#park(branch, request.op, driver);
    else if (request instanceof BranchRequest) this.#tree.request(branch, request.op);
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
      } else if (this.#setup.journal[index] === undefined) this.#tree.goOn(branch, resume);
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

/** Lets the code of a branch run to where it asks for something. */
function enter({ generator }: Branch, resume: BranchResume): IteratorResult<StageRequest, unknown> {
  if (resume.type === 'value') return generator.next(resume.value);
  return resume.type === 'throw' ? generator.throw(resume.error) : generator.return(undefined);
}

function endOf(outcome: BranchOutcome): StageEnd {
  if (outcome.type === 'value') return { type: 'returned', value: outcome.value };
  return outcome.type === 'throw' ? { type: 'threw', error: outcome.error } : { type: 'cancelled' };
}

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

/** What flow code yielded in place of an operation, as its developer would call it. */
export function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (types.isGeneratorObject(value)) return 'an operation without "*"';
  if (types.isPromise(value)) return 'a promise';
  if (Array.isArray(value)) return 'a list';
  return typeof value;
}
