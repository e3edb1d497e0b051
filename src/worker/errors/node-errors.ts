/** The errors of one node, put together: who tells of them, and who reads them. */
import type { ActorSystem } from '../../actors/kernel/index.ts';
import type { ErrorDesk } from '../../actors/rpc/index.ts';
import type { Clock, Logger, Random } from '../../ports/index.ts';
import type { SilentWorker } from '../cluster/index.ts';
import type { ServiceDescriptor } from '../service.ts';
import { ErrorList } from './error-list.ts';
import { ErrorReporter } from './error-reporter.ts';
import { errorsService } from './errors-service.ts';
import type { Inheritance } from './process-marks.ts';
import { reportingLogger } from './reporting-logger.ts';

export interface NodeErrorsSetup {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Name of this worker. */
  readonly worker: string;
}

export interface NodeErrors {
  /** Writes lines as the one that was given, and tells of the errors in them. */
  readonly logger: Logger;
  readonly desk: ErrorDesk;
  /** Another worker is not heard of any more. */
  readonly silent: (silent: SilentWorker) => void;
  service(parts: { readonly system: ActorSystem }, inherited?: readonly Inheritance[]): ServiceDescriptor;
}

export function nodeErrors({ clock, random, logger, worker }: NodeErrorsSetup): NodeErrors {
  const instance = Buffer.from(random.bytes(8)).toString('hex');
  const reporter = new ErrorReporter({ clock, worker, instance });
  const list = new ErrorList(() => clock.now());
  return {
    logger: reportingLogger(logger, reporter.line),
    desk: list,
    silent: (silent) => reporter.silent(silent),
    service: ({ system }, inherited = []) => errorsService({ reporter, list, system, inherited }),
  };
}
