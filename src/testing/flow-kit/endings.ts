/** How a test of a flow ends: what is checked of the flow then, and that restarts make no difference to it. */
import type { output, ZodType } from 'zod';
import type { ActorMessageTypes, PersistentActor } from '../../actors/flow/index.ts';
import { brief, type CallSite, callSite, difference, type Expected, lineDifference, meets } from '../expectation.ts';
import { reportOf, restartReport, standing } from './report.ts';
import { Run } from './run.ts';
import { actorName, type Box, type Ending, type Script, type WaitsOn } from './script.ts';

/** What a test got to see of a flow. */
export interface FlowOutcome {
  readonly status: 'RUNNING' | 'STUCK' | 'COMPLETED' | 'FAILED' | 'KILLED';
  /** The stage that it is in, or was in when it ended. */
  readonly stage: string;
  /** What it did to the world, one line each: `step "charge"`, `send paid to SELLER { receipt: 'r' }`. */
  readonly effects: readonly string[];
  /** The same with everything that it was given, stage by stage. */
  readonly history: readonly string[];
  /** The state of a persistent actor that ran for real. */
  actor<State extends ZodType, Messages extends ActorMessageTypes>(
    definition: PersistentActor<State, Messages>,
    key: string,
  ): output<State>;
  /** What its worker was killed at and started again, in the run with restarts. */
  readonly restarts: readonly string[];
}

/** Ends of a test; each plays it, twice, and resolves when the flow did what was said and no more. */
export interface Endings<Result> {
  /** Says all that the flow did to the world, in order, as `FlowOutcome.effects` has it. */
  effects(...effects: readonly string[]): Endings<Result>;
  /** It has COMPLETED, with this result if one is given. @throws ExpectationError */
  completed(result?: Expected<Result>): Promise<FlowOutcome>;
  /** It has FAILED, with this code and these details if they are given. @throws ExpectationError */
  failed(code?: string, details?: Expected<unknown>): Promise<FlowOutcome>;
  /** It is STUCK: an operator has to act. @throws ExpectationError */
  stuck(code?: string): Promise<FlowOutcome>;
  /** It went on in this stage, with this state if one is given; the test ends there. @throws ExpectationError */
  becomes(stage: string, state?: Expected<unknown>): Promise<FlowOutcome>;
  /** It waits, on this if it is given: `message`, `sleep`, `step`, `retry`, ... @throws ExpectationError */
  waits(on?: WaitsOn): Promise<FlowOutcome>;
}

export function endings<Result>(script: Script, effects?: readonly string[]): Endings<Result> {
  const boxed = (values: readonly unknown[]): Box | undefined =>
    values.length === 0 ? undefined : { value: values[0] };
  /** Whoever awaits a test without an end is told so: it would pass without having run. */
  const noEnd = (_resolve: unknown, reject: (error: Error) => void): void =>
    reject(callSite(noEnd).error(`a test of flow "${script.flow.name}" has no end: say .then.completed() or another`));
  const made: Endings<Result> = Object.assign(noEnd, {
    effects: (...all) => endings<Result>(script, all),
    completed: (...result) =>
      play(script, { type: 'completed', site: callSite(made.completed), effects, result: boxed(result) }),
    failed: (code, ...details) =>
      play(script, { type: 'failed', site: callSite(made.failed), effects, code, details: boxed(details) }),
    stuck: (code) => play(script, { type: 'stuck', site: callSite(made.stuck), effects, code, details: undefined }),
    becomes: (stage, ...state) =>
      play(script, { type: 'becomes', site: callSite(made.becomes), effects, stage, state: boxed(state) }),
    waits: (on) => play(script, { type: 'waits', site: callSite(made.waits), effects, on }),
  } satisfies Endings<Result>);
  return made;
}

/** Plays a script twice, in peace and with restarts. */
async function play(script: Script, ending: Ending): Promise<FlowOutcome> {
  check(script, ending.site);
  const { flow } = script;
  const hold = ending.type === 'becomes';
  const straight = new Run({ script, hold, answers: undefined });
  const restarted = new Run({ script, hold, answers: straight.answers });
  try {
    const fault = (await straight.play()) ?? (await missed(straight, ending));
    if (fault !== undefined) {
      throw (fault.site ?? ending.site).error(await reportOf(flow.name, straight, fault.why));
    }
    await anotherMoment();
    const other = (await restarted.play()) ?? (await missed(restarted, ending));
    const report = await comparison(flow.name, straight, restarted);
    if (report !== undefined) throw ending.site.error(report);
    if (other !== undefined)
      throw ending.site.error(await reportOf(flow.name, restarted, `after a restart: ${other.why}`));
    const { view } = await straight.view();
    return {
      status: view.status,
      stage: view.stage,
      effects: straight.history.effects(),
      history: straight.history.lines(),
      actor: (definition, key) => actorState(script, straight, definition, key),
      restarts: restarted.suspensions,
    };
  } finally {
    straight.end();
    restarted.end();
  }
}

function actorState<State extends ZodType, Messages extends ActorMessageTypes>(
  { given }: Script,
  { actors }: Run,
  definition: PersistentActor<State, Messages>,
  key: string,
): output<State> {
  const name = actorName(definition, key);
  if (actors.has(name)) return definition.state.parse(actors.get(name));
  const begun = given.find((one) => actorName(one.definition, one.key) === name);
  return definition.state.parse(begun === undefined ? definition.initial(key) : begun.state);
}

/** What of the ending has not come about; undefined when all has. */
async function missed(
  run: Run,
  ending: Ending,
): Promise<{ readonly site: CallSite; readonly why: string } | undefined> {
  const { view, on } = await run.view();
  const { site } = ending;
  const wrong = (why: string): { site: CallSite; why: string } => ({ site, why });
  const [missing] = run.missing;
  switch (ending.type) {
    case 'becomes': {
      const entered = run.held ? run.history.visits.at(-1) : undefined;
      if (entered === undefined) return wrong(`it was to go on in stage ${ending.stage}, and did not`);
      if (entered.stage !== ending.stage)
        return wrong(`it was to go on in stage ${ending.stage}, and went on in ${entered.stage}`);
      if (ending.state !== undefined && !meets(ending.state.value, entered.state)) {
        return wrong(
          `the state of stage ${ending.stage} is another one\n${difference(ending.state.value, entered.state)}`,
        );
      }
      break;
    }
    case 'waits':
      if (view.status !== 'RUNNING') return wrong(`it was to wait, and is ${view.status}`);
      if (ending.on !== undefined && on !== ending.on) return wrong(`it was to wait on ${ending.on}`);
      break;
    case 'completed':
      if (view.status !== 'COMPLETED') return wrong('it was to complete, and has not');
      if (ending.result !== undefined && !meets(ending.result.value, view.result)) {
        return wrong(`its result is another one\n${difference(ending.result.value, view.result)}`);
      }
      break;
    default: {
      const wanted = ending.type === 'failed' ? 'FAILED' : 'STUCK';
      const { code, details } = view.error ?? {};
      if (view.status !== wanted) return wrong(`it was to be ${wanted}, and is ${view.status}`);
      if (ending.code !== undefined && code !== ending.code) {
        return wrong(`it was to be ${wanted} with ${ending.code}, and is so with ${code}`);
      }
      if (ending.details !== undefined && !meets(ending.details.value, details)) {
        return wrong(`its details are others\n${difference(ending.details.value, details)}`);
      }
    }
  }
  if (missing !== undefined) return { site: missing.site, why: `expected, and missing: ${missing.text}` };
  const effects = run.history.effects();
  if (ending.effects === undefined || brief(effects) === brief(ending.effects)) return undefined;
  return wrong(`its effects are others\n- expected  + done\n${lineDifference(ending.effects, effects).join('\n')}`);
}

/** What a restart has changed, if it has changed anything. */
async function comparison(flow: string, straight: Run, restarted: Run): Promise<string | undefined> {
  const { divergence } = restarted;
  const [first, second] = await Promise.all(
    [straight, restarted].map(async (run) => [
      ...run.history.lines(),
      ...[...run.actors].map(([name, state]) => `  actor ${name} has ${brief(state)}`).sort(),
      ...(await standing(run)).slice(0, 1),
    ]),
  );
  if (divergence !== undefined) {
    const { before, after } = divergence;
    return restartReport(flow, after.after, [before.text], [after.text]);
  }
  if (first === undefined || second === undefined || first.join('\n') === second.join('\n')) return undefined;
  return restartReport(flow, firstDifference(straight, restarted), first, second);
}

/** What the worker was killed at before the first operation that is another one. */
function firstDifference(straight: Run, restarted: Run): string | undefined {
  const before = straight.history.ops();
  const different = restarted.history.ops().find((op, index) => {
    const other = before[index];
    return other === undefined || other.text !== op.text || other.outcome !== op.outcome;
  });
  return different?.after ?? restarted.suspensions.at(-1);
}

/** A script that cannot be played is a mistake of the test. */
function check({ flow, begin, stage }: Script, site: CallSite): void {
  if (stage !== undefined && flow.states[stage.name] === undefined) {
    throw site.error(`flow "${flow.name}" has no stage "${stage.name}": it has ${Object.keys(flow.states).join(', ')}`);
  }
  const parsed = stage === undefined ? undefined : flow.states[stage.name]?.safeParse(stage.state);
  if (parsed?.success === false) {
    throw site.error(`the state given for stage "${stage?.name}" does not fit it:\n${parsed.error.message}`);
  }
  if (flow.responds !== undefined && begin?.type !== 'opened') {
    throw site.error(`flow "${flow.name}" answers ${flow.responds.name}: begin with .openedBy('PEER', protocol)`);
  }
  if (flow.responds === undefined && begin === undefined && stage === undefined) {
    throw site.error(`say what flow "${flow.name}" is started with: .input({ ... })`);
  }
}

/** The machine's time goes on by a millisecond, so that what reads it reads another time in the second run. */
async function anotherMoment(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await new Promise<void>((resolve) => void setImmediate(resolve));
}
