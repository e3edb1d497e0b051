/** Makes a flow's stage ready to run: its generator, the context that it is given, and the journal that it replays. */
import { types } from 'node:util';
import { WeirError } from '../../errors/index.ts';
import { decodeValue } from '../../persistence/index.ts';
import type { Logger } from '../../ports/index.ts';
import { flowContext } from './context.ts';
import type { AnyFlow, UntypedStage } from './definition.ts';
import { Duties } from './duties.ts';
import type { FlowInstance } from './instance.ts';
import { StageRun } from './stage-run.ts';

export interface StageSetup {
  readonly flow: FlowInstance;
  readonly definition: AnyFlow;
  readonly code: UntypedStage;
  /** Made when the code asks for it: most does not, and a logger is dear. */
  readonly logger: () => Logger;
  /** Keeps what was asked for, and on which line: for whoever compares two runs. */
  readonly watched: boolean;
}

/** @throws what the code throws when its parameters are taken apart, and WeirError `WEIR_FLOW_DEFINITION` */
export function stageRun({ flow, definition, code, logger, watched }: StageSetup): StageRun {
  const { head, journal } = flow;
  const duties = new Duties(watched);
  let run: StageRun | undefined;
  const context = flowContext({
    flow,
    definition,
    live: () => run?.live === true,
    place: () => (run === undefined ? '' : `${run.executing ? '' : 'body '}${run.next}`),
    duties,
    logger,
  });
  const generator: unknown = code(decodeValue(head.state), context);
  if (!types.isGeneratorObject(generator)) {
    const why = `the stage "${head.stage}" is not a generator: write "*${head.stage}(...)"`;
    throw new WeirError('WEIR_FLOW_DEFINITION', { name: head.flow, why });
  }
  const setup = { flow: head.flow, stage: head.stage, journal, duties };
  run = new StageRun(generator as ReturnType<UntypedStage>, setup, head.cancel?.order);
  return run;
}
