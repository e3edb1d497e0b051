/** Tells of workers that have died on behalf of them: who watches them knows how they ended, and reads what they left. */
import type { Clock } from '../../ports/index.ts';
import type { LogRecord, TopicName } from '../../transport/log/index.ts';
import type { DeadWorker } from '../parent/index.ts';
import { errorsOfDeath, markOf, settleMark } from './process-marks.ts';
import { errorTopic, recordOf } from './record.ts';

export interface DeathReporterSetup {
  /** Data directory of the workers. */
  readonly data: string;
  readonly clock: Clock;
  /** Durable when it resolves. */
  readonly append: (topic: TopicName, records: readonly LogRecord[]) => Promise<void>;
}

/** What a parent of workers calls for each that has died. When it fails, the next worker to start there tells of it. */
export function deathReporter({ data, clock, append }: DeathReporterSetup): (dead: DeadWorker) => Promise<void> {
  return async ({ worker, pid = 0, how }) => {
    const now = clock.now();
    const mark = markOf(data, pid);
    // Without a mark it had not come so far as to start: then it has left no reports either.
    const startedAt = mark?.startedAt ?? now;
    const errors = errorsOfDeath({ worker, pid, startedAt, how, now }, data);
    await append(errorTopic, errors.map(recordOf));
    if (mark !== undefined) settleMark(data, mark);
  };
}
