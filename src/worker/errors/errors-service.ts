/**
 * The service that tells of errors: writes those of this worker to the stream of all, and reads the stream for whoever
 * looks at any worker. It only looks on: nothing waits for it, and what it cannot write is counted.
 */
import type { ActorSystem, Behavior } from '../../actors/kernel/index.ts';
import type { ReportedError } from '../../actors/rpc/index.ts';
import { withDeadline } from '../../actors/shard/index.ts';
import { messageOf } from '../../errors/index.ts';
import type { Clock, Logger } from '../../ports/index.ts';
import type { Log } from '../../transport/log/index.ts';
import { logNeed, type ServiceDescriptor } from '../service.ts';
import { deadLetterBursts } from './dead-letter-bursts.ts';
import type { ErrorList } from './error-list.ts';
import type { ErrorReporter } from './error-reporter.ts';
import type { Inheritance } from './process-marks.ts';
import { errorAccess, errorTopic, errorTopicSpec, recordOf } from './record.ts';
import { sightingOfError } from './sighting.ts';

export interface ErrorsServiceSetup {
  readonly reporter: ErrorReporter;
  readonly list: ErrorList;
  readonly system: ActorSystem;
  readonly inherited?: readonly Inheritance[];
}

interface ErrorsMessage {
  readonly type: 'due';
}

/** What is reported within this time is written together. */
const gatherMs = 100;
/** Records of one append, so that it stays far below what a log takes at once. */
const recordsAtOnce = 32;
/** A log that stands still must not hold up the end of the worker. */
const lastWordsMs = 2_000;

export function errorsService({ reporter, list, system, inherited = [] }: ErrorsServiceSetup): ServiceDescriptor {
  let reported: () => void = () => undefined;
  reporter.onReport(() => reported());
  system.onDeadLetter(
    deadLetterBursts(system.clock, (error) => reporter.report(sightingOfError('warning', 'worker', error), error.code)),
  );
  let toInherit = inherited;
  return {
    name: 'errors',
    needs: [logNeed],
    uses: [],
    topics: errorAccess,
    creates: [errorTopicSpec],
    secrets: [],
    edge: true,
    drainsLast: true,
    start: ({ log, clock, logger, onDrain }) => {
      const behavior: Behavior<ErrorsMessage> = (context) => {
        const writer = new Writer(log, reporter);
        const tail = log.tail(errorTopic, 0, list.next, (records) => {
          list.take(records);
          trim(log, list, context.log);
          return undefined;
        });
        context.signal.addEventListener('abort', () => tail.close(), { once: true });
        let armedAt = Number.POSITIVE_INFINITY;
        // In the midst of whatever went wrong, and not by message: a mailbox may be full.
        reported = () => {
          const now = clock.monotonic();
          // Errors that keep coming must not put their own writing off.
          if (armedAt <= now + gatherMs) return;
          const dueInMs = reporter.dueInMs();
          if (dueInMs === undefined || now + dueInMs >= armedAt) return;
          const delayMs = Math.max(gatherMs, dueInMs);
          armedAt = now + delayMs;
          context.startTimer('due', { type: 'due' }, delayMs);
        };
        reported();
        for (const one of toInherit) void inherit(writer, one);
        toInherit = [];
        onDrain('errors', () => lastWords(writer, { clock, logger }));

        return {
          message() {
            armedAt = Number.POSITIVE_INFINITY;
            // Not awaited: a log that waits for its brokers may take for ever. Its end looks for what came meanwhile.
            if (!writer.busy) void writer.flush('due').then(reported);
          },
          ended() {
            reported = () => undefined;
          },
        };
      };
      return behavior;
    },
    inspect: () => ({ next: list.next }),
  };
}

async function inherit(writer: Writer, { errors, told }: Inheritance): Promise<void> {
  if (await writer.write(errors)) told();
}

async function lastWords(writer: Writer, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
  await withDeadline(clock, writer.flush('all'), lastWordsMs, 'the last errors').catch((error: unknown) => {
    logger.debug({ error: messageOf(error) }, 'the last errors were not written');
  });
}

function trim(log: Log, list: ErrorList, logger: Logger): void {
  const before = list.toTrim();
  if (before === undefined) return;
  log.trim(errorTopic, 0, before).catch((error: unknown) => {
    // Only space is at stake, and the next trim covers this one.
    logger.debug({ error: messageOf(error) }, 'the errors were not trimmed');
  });
}

/** Writes what the reporter has, one batch at a time; what comes meanwhile waits there, folded. */
class Writer {
  readonly #log: Log;
  readonly #reporter: ErrorReporter;
  #running: Promise<void> | undefined;

  constructor(log: Log, reporter: ErrorReporter) {
    this.#log = log;
    this.#reporter = reporter;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  async flush(which: 'due' | 'all'): Promise<void> {
    await this.#running;
    this.#running ??= this.write(this.#reporter.take(which)).then(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Resolves whether all of them are durable. */
  async write(errors: readonly ReportedError[]): Promise<boolean> {
    for (let start = 0; start < errors.length; start += recordsAtOnce) {
      try {
        await this.#log.append(errorTopic, 0, errors.slice(start, start + recordsAtOnce).map(recordOf));
      } catch {
        // The log is closed, or refuses: saying so in the log would be the next error to write.
        this.#reporter.lost(errors.slice(start));
        return false;
      }
    }
    return true;
  }
}
