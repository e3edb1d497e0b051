/**
 * When a piece of work has to stop: at its deadline, at its caller's signal, or when the database closes, whichever
 * comes first. Owns the moment and the error that tells of it; stopping is the connection's.
 */
import { type ErrorCode, type ErrorContext, WeirError } from '../../errors/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { Outcome } from './failures.ts';

export interface StopSettings {
  readonly clock: Clock;
  /** For the message: `a statement`. */
  readonly what: string;
  /** No deadline when absent. */
  readonly withinMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Stop {
  readonly #controller = new AbortController();
  readonly #dispose: () => void;
  #why: { readonly code: ErrorCode; readonly context: ErrorContext; readonly cause?: unknown } | undefined;

  constructor({ clock, what, withinMs, signal }: StopSettings) {
    const late = (): void => this.#stop('WEIR_SQL_DEADLINE', { what, withinMs, limit: `${withinMs} ms` });
    const timer = withinMs === undefined ? undefined : clock.after(withinMs, late);
    const cancel = (): void => this.#stop('WEIR_SQL_CANCELLED', { what }, signal?.reason);
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    this.#dispose = () => {
      timer?.cancel();
      signal?.removeEventListener('abort', cancel);
    };
  }

  /** Aborts when it is time to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops now, because the database closes. */
  close(): void {
    this.#stop('WEIR_SQL_CLOSED', {});
  }

  /** Why it was stopped, for the caller. */
  failure(outcome: Outcome): WeirError {
    const { code, context, cause } = this.#why ?? { code: 'WEIR_SQL_CLOSED' as const, context: {} };
    return new WeirError(code, { ...context, outcome }, cause);
  }

  /** Rejects when it is time to stop; for work that does not know of it. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const stopped = (): void => reject(this.failure('none'));
      if (this.signal.aborted) stopped();
      this.signal.addEventListener('abort', stopped, { once: true });
      work.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', stopped));
    });
  }

  dispose(): void {
    this.#dispose();
  }

  #stop(code: ErrorCode, context: ErrorContext, cause?: unknown): void {
    if (this.#why !== undefined) return;
    this.#why = { code, context, cause };
    this.#controller.abort();
  }
}
