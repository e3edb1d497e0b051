/**
 * What a stage returns beside a result. Both bear a mark that no value of a developer can bear, so that a result with a
 * field of the same name is a result.
 */
const mark: unique symbol = Symbol('weir.outcome');

/** The flow goes on in another stage: a snapshot is taken, the journal of this one is dropped. */
export interface Become {
  readonly [mark]: 'become';
  readonly stage: string;
  readonly state: unknown;
}

/** The flow ends as FAILED. */
export interface Failed {
  readonly [mark]: 'failed';
  readonly code: string;
  readonly details: unknown;
}

export function becoming(stage: string, state: unknown): Become {
  return { [mark]: 'become', stage, state };
}

export function failing(code: string, details: unknown): Failed {
  return { [mark]: 'failed', code, details };
}

export function isBecome(value: unknown): value is Become {
  return typeof value === 'object' && value !== null && mark in value && value[mark] === 'become';
}

export function isFailed(value: unknown): value is Failed {
  return typeof value === 'object' && value !== null && mark in value && value[mark] === 'failed';
}
