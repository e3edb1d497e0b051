/**
 * The branches of a running stage: which have begun, which are to be resumed and in which order, how they end together.
 * Owns the rules of nesting: a branch ends after those that it began; who loses is cancelled, leaf first.
 */
import { Branch, type BranchOutcome, type BranchResume, type Join, type Parked } from './branch.ts';
import { FlowError, platformFault } from './faults.ts';
import type { BranchOp, Operation, StageRequest } from './operation.ts';

interface Ready {
  readonly branch: Branch;
  readonly resume: BranchResume;
}

export interface BranchOwner {
  /** A branch never began: what its operation promised is not due. */
  discharge(operation: object): void;
  /** A branch is cancelled, and waits for this operation no more. */
  withdraw(parked: Parked): void;
  /** The stage's own code, and every branch of it, has ended. */
  ended(outcome: BranchOutcome): void;
}

/** What flow code holds of a branch that it has spawned. */
class TaskOf {
  readonly #tree: BranchTree;
  readonly #branch: Branch;

  constructor(tree: BranchTree, branch: Branch) {
    this.#tree = tree;
    this.#branch = branch;
  }

  /** Its branch, if it is one of this tree. */
  branchIn(tree: BranchTree): Branch | undefined {
    return this.#tree === tree ? this.#branch : undefined;
  }
}

export class BranchTree {
  readonly root: Branch;
  readonly #owner: BranchOwner;
  /** Branches to be resumed, in order. */
  #ready: Ready[] = [];

  constructor(generator: Generator<StageRequest, unknown, unknown>, owner: BranchOwner) {
    this.#owner = owner;
    this.root = new Branch(generator, undefined);
    this.#ready.push({ branch: this.root, resume: begin });
  }

  /** Whether a branch is to be resumed. */
  get busy(): boolean {
    return this.#ready.length > 0;
  }

  /** The next branch to be resumed. */
  next(): Ready | undefined {
    return this.#ready.shift();
  }

  /** A branch goes on before all others. */
  goOn(branch: Branch, resume: BranchResume): void {
    this.#ready.unshift({ branch, resume });
  }

  /** A branch asks for others, or for something of one that it has begun. */
  request(branch: Branch, op: BranchOp): void {
    switch (op.kind) {
      case 'all':
      case 'race':
        this.#fork(branch, op.kind, op.branches, op.kind === 'all' ? op.concurrency : op.branches.length);
        return;
      case 'spawn': {
        const child = new Branch(op.branch, branch);
        child.unjoined = true;
        const task = new TaskOf(this, child);
        this.#ready.push({ branch: child, resume: begin }, { branch, resume: { type: 'value', value: task } });
        return;
      }
      case 'join':
      case 'cancel': {
        const child = op.task instanceof TaskOf ? op.task.branchIn(this) : undefined;
        if (child === undefined) {
          this.#ready.push({
            branch,
            resume: { type: 'throw', error: new TypeError('the task is not of this visit') },
          });
          return;
        }
        child.unjoined = false;
        child.parent?.hear(child);
        if (child.outcome !== undefined) {
          this.#ready.push({ branch, resume: answerOf(op.kind, child.outcome) });
          return;
        }
        child.waiters.push({ branch, kind: op.kind });
        branch.waitsFor = child;
        if (op.kind === 'cancel') this.cancel(child);
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
  ending(branch: Branch, outcome: BranchOutcome): void {
    branch.ending = outcome;
    for (const child of [...branch.children]) this.cancel(child);
    if (branch.children.size === 0) this.#ended(branch);
  }

  #ended(branch: Branch): void {
    const own = branch.ending ?? cancelled;
    const [unheard] = branch.unheard;
    // A failure that nobody asked for is told where the one ends that began it: it must not get lost.
    const outcome = own.type === 'value' && unheard?.outcome !== undefined ? unheard.outcome : own;
    branch.outcome = outcome;
    const { parent } = branch;
    if (parent === undefined) {
      this.#owner.ended(outcome);
      return;
    }
    parent.lose(branch, branch.unjoined && outcome.type === 'throw');
    for (const { branch: waiter, kind } of branch.waiters) {
      waiter.waitsFor = undefined;
      this.#ready.push({ branch: waiter, resume: answerOf(kind, outcome) });
    }
    if (parent.join?.running.has(branch) === true) this.#told(parent, parent.join, branch, outcome);
    if (parent.children.size > 0) return;
    if (parent.ending !== undefined) this.#ended(parent);
    else if (parent.returning) {
      parent.returning = false;
      parent.join = undefined;
      this.#ready.push({ branch: parent, resume: { type: 'return' } });
    }
  }

  /** A branch that its parent waits for has ended. */
  #told(parent: Branch, join: Join, branch: Branch, outcome: BranchOutcome): void {
    const place = join.running.get(branch) ?? 0;
    join.running.delete(branch);
    if (outcome.type === 'value' && join.mode === 'all') join.results[place] = outcome.value;
    else if (outcome.type === 'throw' && join.decided?.outcome.type !== 'throw') join.decided = { place, outcome };
    else if (outcome.type === 'value') join.decided ??= { place, outcome };
    if (parent.returning || parent.ending !== undefined) return;
    if (join.decided === undefined) this.#beginNext(parent, join);
    else {
      for (const operation of join.queue.splice(0)) this.#owner.discharge(operation);
      for (const loser of [...join.running.keys()]) this.cancel(loser);
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
  cancel(branch: Branch): void {
    if (branch.cancelled || branch.outcome !== undefined) return;
    branch.cancelled = true;
    const begun = !this.#ready.some(({ branch: other, resume }) => other === branch && resume === begin);
    this.#ready = this.#ready.filter(({ branch: other }) => other !== branch);
    if (!begun) this.#owner.discharge(branch.generator);
    for (const operation of branch.join?.queue.splice(0) ?? []) this.#owner.discharge(operation);
    for (const child of [...branch.children]) this.cancel(child);
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
      this.#owner.withdraw(parked);
    }
    if (branch.ending !== undefined) return;
    if (branch.children.size > 0) branch.returning = true;
    else this.#ready.push({ branch, resume: { type: 'return' } });
  }
}

const begin: BranchResume = { type: 'value', value: undefined };
export const cancelled: BranchOutcome = { type: 'cancelled' };

/** What somebody who waits for a task is told of its end. */
function answerOf(kind: 'join' | 'cancel', outcome: BranchOutcome): BranchResume {
  if (kind === 'cancel') return { type: 'value', value: undefined };
  if (outcome.type !== 'cancelled') return outcome;
  return { type: 'throw', error: new FlowError(platformFault('WEIR_FLOW_BRANCH_CANCELLED', {})) };
}
