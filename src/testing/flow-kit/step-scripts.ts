/**
 * Bodies of steps, in both runs of a test: in the first a body does what the script says, or runs; in the second it gives
 * what it gave, after the worker has been killed in the middle of it.
 */
import { ApplicationError, type StepBody, type StepInfo } from '../../actors/flow/index.ts';
import type { SeenOp } from './history.ts';
import type { StepLine } from './script.ts';

/** What the body of a step did: called, it does so again. */
export type StepOutcome = () => unknown;

export interface StepScriptsSetup {
  readonly lines: readonly StepLine[];
  /** By place and attempt, for the second run; undefined for the first. */
  readonly answers: ReadonlyMap<string, StepOutcome> | undefined;
  /** Whether the worker was killed at this place and attempt. */
  readonly reached: (key: string) => boolean;
}

export class StepScripts {
  readonly answers = new Map<string, StepOutcome>();
  readonly #setup: StepScriptsSetup;
  readonly #left: StepLine[];
  readonly #taken = new Map<string, StepLine>();
  readonly #attempts = new Map<string, number>();
  readonly #bodies = new Set<Promise<unknown>>();

  constructor(setup: StepScriptsSetup) {
    this.#setup = setup;
    this.#left = setup.answers === undefined ? [...setup.lines] : [];
  }

  /** Lines that no run of a step has met. */
  get missing(): readonly StepLine[] {
    return this.#left;
  }

  /** Whether a body is under way that will come to an end. */
  get busy(): boolean {
    return this.#bodies.size > 0;
  }

  /** Resolves when one of them has. */
  async settled(): Promise<void> {
    await Promise.race(this.#bodies);
  }

  /** The attempt that a step is at, in a run with restarts. */
  attempt(place: string): number {
    return (this.#attempts.get(place) ?? 0) + 1;
  }

  run(seen: SeenOp, name: string, info: StepInfo, body: StepBody<unknown>): unknown {
    const { answers, reached } = this.#setup;
    const key = `${seen.place}#${info.attempt}`;
    if (answers !== undefined && !reached(key)) return forever();
    if (answers !== undefined) {
      this.#attempts.set(seen.place, info.attempt);
      const answer = answers.get(key);
      if (answer !== undefined) return answer();
      throw new ApplicationError('UNEXPECTED', `step "${name}" did not run without a restart`);
    }
    const line = this.#taken.get(key) ?? this.#left.find((one) => one.name === name);
    if (line === undefined) return this.#keep(key, () => body(info));
    this.#taken.set(key, line);
    const at = this.#left.indexOf(line);
    if (at >= 0) this.#left.splice(at, 1);
    seen.verdict = 'expected';
    return this.#keep(key, () => answerOf(line, info, body));
  }

  /** Keeps what a body does, so that the other run need not do it again. */
  #keep(key: string, run: () => unknown): unknown {
    let result: unknown;
    try {
      result = run();
    } catch (thrown) {
      this.answers.set(key, () => {
        throw thrown;
      });
      throw thrown;
    }
    this.answers.set(key, () => result);
    if (!(result instanceof Promise) || result === never) return result;
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#bodies.add(settled);
    void settled.then(() => this.#bodies.delete(settled));
    return result;
  }
}

/** What hangs. One promise for all: it is told apart from bodies that settle some time. */
const never = new Promise<never>(() => undefined);

function forever(): Promise<never> {
  return never;
}

function answerOf({ act }: StepLine, info: StepInfo, body: StepBody<unknown>): unknown {
  switch (act.type) {
    case 'returns':
      return act.value;
    case 'throws':
      throw act.error;
    case 'runs':
      return body(info);
    case 'hangs':
      return forever();
  }
}
