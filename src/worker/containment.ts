/** Ends code that does not give way, by the one means that a process has to interrupt its own JavaScript. */
import { createContext, Script } from 'node:vm';
import { WeirError } from '../errors/index.ts';
import { type Containment, type Duration, toMs } from '../ports/index.ts';

export interface ContainmentSettings {
  /** How long code of a flow may have the processor without giving way (`yield*`, `await`). Default 10 s. */
  readonly limit?: Duration;
  /**
   * Which code is contained: of flows that were running when a worker ended, or all. Each time that contained code runs a
   * thread is started, about 0.13 ms. Default `suspects`.
   */
  readonly of?: Containment['of'];
}

const usualLimit = '10 s';
/** What the engine throws when it has interrupted a script. */
const interrupted = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/** Contains code on its own thread: what is called from a script of `node:vm` is interrupted with it. */
export function vmContainment({ limit = usualLimit, of = 'suspects' }: ContainmentSettings): Containment {
  const ms = toMs(limit);
  const script = new Script('run()', { filename: 'weir:contained' });
  const nothing = (): void => undefined;
  const globals = { run: nothing };
  const context = createContext(globals);
  return {
    of,
    run(code) {
      let outcome: { readonly result: ReturnType<typeof code> } | undefined;
      globals.run = () => {
        outcome = { result: code() };
      };
      try {
        script.runInContext(context, { timeout: ms });
      } catch (thrown) {
        throw isInterrupt(thrown) ? new WeirError('WEIR_CODE_RUNAWAY', { ms }) : thrown;
      } finally {
        // What has run would be held until the next code runs, and its flow with it.
        globals.run = nothing;
      }
      if (outcome === undefined) throw new WeirError('WEIR_CODE_RUNAWAY', { ms });
      return outcome.result;
    },
  };
}

function isInterrupt(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code === interrupted;
}
