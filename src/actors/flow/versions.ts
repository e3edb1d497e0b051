/**
 * Versions of a flow: which code a visit runs on, and how the state of an older version is lifted.
 *
 * A visit runs on the version that began it. Where nothing of it is recorded yet is a seam: there the state is lifted to
 * the newest version. In the middle of a visit its own version goes on, if it is among `previous`; else the newest one
 * does, provided that a dry run asks for everything that is recorded.
 */
import { types } from 'node:util';
import { type ZodType, z } from 'zod';
import { messageOf, WeirError } from '../../errors/index.ts';
import { decodeValue, encodeValue, type FlowHead } from '../../persistence/index.ts';
import { issuesOf } from './context.ts';
import type { AnyFlow } from './definition.ts';
import { type Checkpoint, dryRun, mismatch, type StageStart } from './dry-run.ts';

export type CodeChoice =
  /** The version that began the visit is the newest, or one of its `previous`. */
  | { readonly type: 'same' | 'previous'; readonly start: StageStart }
  /** The visit goes on with the newest version: from its beginning, or in the middle of it. */
  | { readonly type: 'lifted' | 'replays'; readonly start: StageStart }
  /** There is no code for it here, or only an older version. */
  | { readonly type: 'waits'; readonly newer: boolean }
  /** No code here can go on. */
  | { readonly type: 'stuck'; readonly error: WeirError };

/** The code that a flow goes on with. Runs no effects, but `migrate` and stages of the newest version, if it must. */
export function codeFor(checkpoint: Checkpoint, newest: AnyFlow | undefined): CodeChoice {
  const { head } = checkpoint;
  if (newest === undefined || lacksCode(head, newest)) return waits(head, newest);
  if (head.version === newest.version) {
    const start = startOf(newest, head.stage, head.state);
    return start === undefined ? waits(head, newest) : { type: 'same', start };
  }
  try {
    const begun = checkpoint.journal.some((entry) => entry !== undefined);
    const own = begun ? newest.previous.find(({ version }) => version === head.version) : undefined;
    const start = own === undefined ? lift(head, newest) : startOf(own, head.stage, head.state);
    if (start === undefined) return waits(head, newest);
    if (own !== undefined) return { type: 'previous', start };
    if (begun) checkReplay(checkpoint, start);
    return { type: begun ? 'replays' : 'lifted', start };
  } catch (thrown) {
    return { type: 'stuck', error: WeirError.is(thrown) ? thrown : notLifted(head, newest, messageOf(thrown), thrown) };
  }
}

/** Whether a flow has to wait for a worker with other code: it is newer than what there is, or unknown here. */
export function lacksCode(
  { version, stage }: Pick<FlowHead, 'version' | 'stage'>,
  newest: AnyFlow | undefined,
): boolean {
  if (newest === undefined || version > newest.version) return true;
  return version === newest.version && !Object.hasOwn(newest.stages, stage);
}

/** The definition of a version, or of the newest that there is. */
export function versionOf(newest: AnyFlow | undefined, version: number): AnyFlow | undefined {
  return newest?.previous.find((one) => one.version === version) ?? newest;
}

/** The code that it waits for, as its developer would call it. */
export function codeWanted({ flow, version, stage }: FlowHead): string {
  return `${flow} version ${version}, stage ${stage}`;
}

function waits(head: FlowHead, newest: AnyFlow | undefined): CodeChoice {
  return { type: 'waits', newer: newest !== undefined && head.version > newest.version };
}

function startOf(definition: AnyFlow, stage: string, state: Uint8Array): StageStart | undefined {
  const code = Object.hasOwn(definition.stages, stage) ? definition.stages[stage] : undefined;
  return code === undefined ? undefined : { definition, code, stage, state };
}

/** @throws WeirError `WEIR_FLOW_NOT_LIFTED` */
function lift(head: FlowHead, newest: AnyFlow): StageStart {
  let { version: from, stage } = head;
  let state = decodeValue(head.state);
  const between = newest.previous.filter(({ version, migrate }) => version > head.version && migrate !== undefined);
  for (const to of [...between, newest]) {
    const { version, migrate } = to;
    if (migrate !== undefined) {
      const lifted: unknown = run(head, newest, () => migrate(from, stage, state));
      if (types.isPromise(lifted)) throw notLifted(head, newest, `migrate of version ${version} is asynchronous`);
      if (typeof lifted !== 'object' || lifted === null || !('state' in lifted)) {
        throw notLifted(head, newest, `migrate of version ${version} gave no state`);
      }
      stage = 'stage' in lifted && lifted.stage !== undefined ? String(lifted.stage) : stage;
      state = lifted.state;
    }
    const schema = Object.hasOwn(to.states, stage) ? to.states[stage] : undefined;
    if (schema === undefined) throw notLifted(head, newest, `version ${version} has no stage "${stage}"`);
    // What such a schema gave cannot be told from what it takes: giving it in again would change it once more.
    if (migrate === undefined && transforms(schema)) continue;
    const parsed = run(head, newest, () => schema.safeParse(state));
    if (!parsed.success) {
      const by = migrate === undefined ? 'its state' : 'what migrate gave';
      throw notLifted(head, newest, `${by} does not fit stage "${stage}": ${issuesOf(parsed.error)}`);
    }
    state = parsed.data;
    from = version;
  }
  const start = startOf(newest, stage, encodeValue(state, `the state of stage "${stage}" of flow ${head.flow}`));
  if (start === undefined) throw notLifted(head, newest, `version ${newest.version} has no stage "${stage}"`);
  return start;
}

/** What a developer wrote runs here, and what it throws is the reason why the flow cannot be lifted. */
function run<T>(head: FlowHead, newest: AnyFlow, code: () => T): T {
  try {
    return code();
  } catch (thrown) {
    throw notLifted(head, newest, messageOf(thrown), thrown);
  }
}

function notLifted({ flow, stage, version: from }: FlowHead, { version: to }: AnyFlow, why: string, cause?: unknown) {
  return new WeirError('WEIR_FLOW_NOT_LIFTED', { flow, stage, from, to, why }, cause);
}

/** @throws WeirError `WEIR_FLOW_INCOMPATIBLE` */
function checkReplay(checkpoint: Checkpoint, start: StageStart): void {
  const { flow, stage, version: from } = checkpoint.head;
  const wrong = mismatch(checkpoint, dryRun(checkpoint, start));
  if (wrong === undefined) return;
  throw new WeirError('WEIR_FLOW_INCOMPATIBLE', { flow, stage, from, to: start.definition.version, ...wrong });
}

const known = new WeakMap<ZodType, boolean>();

/** Whether a schema gives something else than it takes, so that what it gave need not fit it. */
function transforms(schema: ZodType): boolean {
  let found = known.get(schema);
  if (found !== undefined) return found;
  found = false;
  try {
    z.toJSONSchema(schema, {
      unrepresentable: 'any',
      override: ({ zodSchema: { _zod } }) => {
        const { type } = _zod.def;
        if (type === 'transform' || (type === 'pipe' && 'transform' in _zod.def)) found = true;
      },
    });
  } catch {
    // A schema that cannot be looked into might do anything.
    found = true;
  }
  known.set(schema, found);
  return found;
}
