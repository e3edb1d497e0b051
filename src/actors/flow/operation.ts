/**
 * Operations: what a stage yields to the engine. An operation is data; the engine performs it, journals its outcome,
 * and at replay gives back what the journal holds.
 */
import type { Protocol } from './session-protocol.ts';
import type { RetryTimes, StepBody } from './step.ts';

/** The result of a context function; run it with `yield*`. */
export type Operation<T> = Generator<StageRequest, T, unknown>;

export type Op =
  | {
      readonly op: 'step';
      readonly label: string;
      readonly body: StepBody<unknown>;
      readonly retry: RetryTimes;
      /** Longest time of one attempt; undefined for the node's own limit. */
      readonly timeoutMs: number | undefined;
      /** Longest time of all attempts together; undefined for any. */
      readonly deadlineMs: number | undefined;
    }
  | { readonly op: 'sleep'; readonly label: string; readonly ms: number }
  | { readonly op: 'now'; readonly label: '' }
  /** A subflow begins: what it opens bears the scope that this gives. */
  | { readonly op: 'enter'; readonly label: string }
  | {
      readonly op: 'leave';
      readonly label: string;
      readonly scope: string;
      readonly kind: 'close' | 'error';
      readonly reason: string;
    }
  | {
      readonly op: 'open';
      readonly label: string;
      readonly peerName: string;
      readonly peerGroup: string;
      readonly protocol: Protocol;
      readonly name: string;
    }
  | {
      readonly op: 'send';
      readonly label: string;
      readonly session: string;
      readonly type: string;
      readonly body: Uint8Array;
    }
  | { readonly op: 'receive'; readonly label: string; readonly session: string; readonly withinMs: number | undefined }
  | {
      readonly op: 'signal';
      readonly label: string;
      /** Those that it waits for; empty for any. */
      readonly names: readonly string[];
      readonly withinMs: number | undefined;
    }
  | { readonly op: 'progress'; readonly label: string; readonly details: Uint8Array }
  | { readonly op: 'close'; readonly label: string; readonly session: string }
  | {
      readonly op: 'ask' | 'tell';
      readonly label: string;
      readonly actor: string;
      readonly key: string;
      readonly type: string;
      readonly body: Uint8Array;
    };

/** What the context's operations yield; anything else that a stage yields is a mistake. */
export class OperationRequest {
  readonly op: Op;

  constructor(op: Op) {
    this.op = op;
  }
}

/** One operation as a generator, so that `yield*` gives its result with its type. */
export function* perform<T>(op: Op): Operation<T> {
  // The engine resumes with what it journalled for this very operation.
  return (yield new OperationRequest(op)) as T;
}

/** What a stage wants of the engine's scheduler: branches to be run beside each other. Nothing of it is journalled. */
export type BranchOp =
  | {
      readonly kind: 'all';
      readonly branches: ReadonlyArray<Operation<unknown>>;
      /** Branches that run at the same time. */
      readonly concurrency: number;
    }
  | { readonly kind: 'race'; readonly branches: ReadonlyArray<Operation<unknown>> }
  | { readonly kind: 'spawn'; readonly branch: Operation<unknown> }
  | { readonly kind: 'join' | 'cancel'; readonly task: object };

export class BranchRequest {
  readonly op: BranchOp;

  constructor(op: BranchOp) {
    this.op = op;
  }
}

/** What a stage may yield. */
export type StageRequest = OperationRequest | BranchRequest;
