/** A deadline for something that is awaited; every await in a shutdown or takeover has one. */
import { WeirError } from '../../errors/index.ts';
import type { Clock } from '../../ports/index.ts';

/**
 * The promise's outcome, or `WEIR_DEADLINE` when `withinMs` pass first. The work itself is not stopped.
 */
export function withDeadline<T>(clock: Clock, work: Promise<T>, withinMs: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(withinMs, () => reject(new WeirError('WEIR_DEADLINE', { what, withinMs })));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
