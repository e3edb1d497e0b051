/**
 * What code would do with an unfinished flow, before it is deployed: the choice that the engine would make, and then a dry
 * run of the visit on the code chosen. Nothing is performed, and nothing is written.
 */
import { ensureError, WeirError } from '../../errors/index.ts';
import type { AnyFlow } from './definition.ts';
import { type Checkpoint, dryRun, type Mismatch, mismatch, type StageStart } from './dry-run.ts';
import { verdictOn } from './faults.ts';
import { retried } from './hospital.ts';
import { codeFor, codeWanted } from './versions.ts';

/**
 * `continues`: the version that began its visit is the newest · `migrates`: it is at a seam, its state is lifted ·
 * `previous`: its visit ends on the code that began it, among `previous` · `replays`: the newest version asks for all that
 * is recorded · `waits`: for a worker that has its code · `stuck`: it would be STUCK as soon as it runs.
 */
export type CompatVerdict = 'continues' | 'migrates' | 'previous' | 'replays' | 'waits' | 'stuck';

/** Why a flow cannot go on. */
export interface Obstacle {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** The first operation of the visit that is another one; undefined when it is no operation. */
  readonly at: Mismatch | undefined;
}

export interface Compat {
  readonly verdict: CompatVerdict;
  /** Version that the visit would go on with; undefined when there is none. */
  readonly version: number | undefined;
  /** The code that it would wait for. */
  readonly wanted: string | undefined;
  /** Whether that is newer than what there is; else the code has no such flow, or no such stage. */
  readonly newer: boolean;
  readonly obstacle: Obstacle | undefined;
}

const verdicts = { same: 'continues', previous: 'previous', lifted: 'migrates', replays: 'replays' } as const;

/** @param newest the newest version of its flow in that code; undefined when there is no such flow */
export function compatOf(kept: Checkpoint, newest: AnyFlow | undefined): Compat {
  // Whoever is in the hospital runs when somebody lets it try again.
  const checkpoint = kept.head.status === 'STUCK' ? retried(kept) : kept;
  const blank = { version: undefined, wanted: undefined, newer: false, obstacle: undefined };
  const choice = codeFor(checkpoint, newest);
  if (choice.type === 'waits') {
    return { ...blank, verdict: 'waits', wanted: codeWanted(checkpoint.head), newer: choice.newer };
  }
  const { error, version } =
    choice.type === 'stuck'
      ? { error: choice.error, version: newest?.version }
      : { error: trial(checkpoint, choice.start), version: choice.start.definition.version };
  if (error !== undefined) return { ...blank, verdict: 'stuck', version, obstacle: obstacleOf(error) };
  return choice.type === 'stuck'
    ? { ...blank, verdict: 'stuck' }
    : { ...blank, verdict: verdicts[choice.type], version };
}

/** What puts the flow into the hospital when it runs on the code, up to the end of its record; undefined when nothing does. */
function trial(checkpoint: Checkpoint, start: StageStart): Error | undefined {
  try {
    const dry = dryRun(checkpoint, start);
    const wrong = mismatch(checkpoint, dry);
    const { flow } = checkpoint.head;
    if (wrong !== undefined) return new WeirError('WEIR_FLOW_DIVERGED', { flow, ...wrong });
    const { end } = dry;
    return end.type === 'threw' && verdictOn(end.error) !== 'FAILED' ? ensureError(end.error) : undefined;
  } catch (thrown) {
    // Parameters are taken apart when a generator is made; and a state may be unreadable.
    return ensureError(thrown);
  }
}

function obstacleOf(error: Error): Obstacle {
  if (!WeirError.is(error)) {
    return { code: error.name, message: error.message, remedy: 'mend the code of the stage', at: undefined };
  }
  const { code, message, context } = error;
  const { index, found, expected } = context;
  const at =
    index === undefined ? undefined : { index: Number(index), found: String(found), expected: String(expected) };
  return { code, message, remedy: remedyOf(error), at };
}

/** Nothing is STUCK yet, so there is nothing to retry. */
function remedyOf({ code, remedy, context: { from, to } }: WeirError): string {
  const alike = 'let the stage do the same as before up to there';
  if (code === 'WEIR_FLOW_INCOMPATIBLE') {
    return `put the definition of version ${from} into "previous" of version ${to}, or ${alike}`;
  }
  if (code === 'WEIR_FLOW_NOT_LIFTED') {
    return `let migrate(from, stage, state) of version ${to} give a stage and a state that fit`;
  }
  if (code !== 'WEIR_FLOW_DIVERGED') return remedy;
  // What was changed bears the version of what began the visit.
  return `give the changed code a version of its own and put what began the visit into its "previous", or ${alike}`;
}
