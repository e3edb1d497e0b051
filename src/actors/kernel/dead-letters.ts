/**
 * Messages that nobody takes: counted, told to listeners, and logged, but never so often that the log drowns (AK8).
 */
import type { Clock, Logger } from '../../ports/index.ts';
import type { Events } from './events.ts';
import { kindOf } from './kind.ts';
import type { DeadLetter } from './types.ts';

/** Lines within one period; what comes beyond them is only counted, and the next period's first line says how many. */
const linesPerPeriod = 10;
const periodMs = 60_000;

/** Running totals of the whole system; see `MessageCounts`. */
export interface Totals {
  accepted: number;
  handled: number;
  deadLettered: number;
  refused: number;
  timedOut: number;
}

export class DeadLetters {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #totals: Totals;
  readonly #events: Events;
  readonly #listeners: ((letter: DeadLetter) => void)[] = [];
  #periodStart = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #suppressed = 0;
  #telling = false;

  constructor(clock: Clock, logger: Logger, totals: Totals, events: Events) {
    this.#clock = clock;
    this.#events = events;
    this.#logger = logger;
    this.#totals = totals;
  }

  listen(listener: (letter: DeadLetter) => void): void {
    this.#listeners.push(listener);
  }

  /** A message that came for nobody: the system takes it, and it ends here. */
  undeliverable(path: string, reason: DeadLetter['reason'], message: unknown): void {
    this.#totals.accepted += 1;
    this.dropped(path, reason, message);
  }

  /** A message that was accepted before, and cannot be handled any more. */
  dropped(path: string, reason: DeadLetter['reason'], message: unknown): void {
    this.#totals.deadLettered += 1;
    this.#publish({ path, reason, message });
  }

  /** A message that its sender was told is refused: it was never accepted. */
  refused(path: string, message: unknown): void {
    this.#totals.refused += 1;
    this.#publish({ path, reason: 'full', message });
  }

  #publish(letter: DeadLetter): void {
    this.#events.publish('dead-letter', letter.path, undefined, `${letter.reason}: ${kindOf(letter.message)}`);
    // A listener may tell somebody who is dead as well; telling it of that letter would never end.
    if (!this.#telling) {
      this.#telling = true;
      for (const listener of this.#listeners) this.#tell(listener, letter);
      this.#telling = false;
    }
    this.#log(letter);
  }

  #tell(listener: (letter: DeadLetter) => void, letter: DeadLetter): void {
    try {
      listener(letter);
    } catch (thrown) {
      // A listener only looks on; its failure must not reach whoever sent the message.
      this.#logger.error({ err: thrown }, 'a listener for dead letters failed');
    }
  }

  #log({ path, reason, message }: DeadLetter): void {
    const now = this.#clock.monotonic();
    if (now - this.#periodStart >= periodMs) {
      if (this.#suppressed > 0) {
        this.#logger.warn({ suppressed: this.#suppressed }, 'more dead letters than lines');
      }
      this.#periodStart = now;
      this.#lines = 0;
      this.#suppressed = 0;
    }
    if (this.#lines >= linesPerPeriod) {
      this.#suppressed += 1;
      return;
    }
    this.#lines += 1;
    this.#logger.warn({ actor: path, reason, kind: kindOf(message) }, 'dead letter');
  }
}
