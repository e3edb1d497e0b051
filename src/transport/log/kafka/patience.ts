/**
 * Patience: a request is sent again until there is an outcome, with growing pauses, and health says what is waited for.
 *
 * Owns pauses, health and the end of all attempts at close. Whether an answer is an outcome is the caller's to say, so
 * nothing here knows what a repeat means to a partition.
 */
import { messageOf, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger, Random } from '../../../ports/index.ts';
import type { LogHealth } from '../port.ts';
import { type KafkaWire, WireFailure } from './wire.ts';

export type Attempt<Outcome> = { readonly done: Outcome } | { readonly again: string };

export interface PatienceSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const firstPauseMs = 20;
const longestPauseMs = 1_000;
/** A leader changes within this time as a rule; only what takes longer is worth an operator's look. */
const quietMs = 1_000;

export class Patience {
  readonly #setup: PatienceSetup;
  readonly #listeners: Array<(health: LogHealth) => void> = [];
  /** What waits by now, and why; one entry for each request that is being repeated. */
  readonly #stalled = new Map<symbol, { readonly since: number; readonly error: Error }>();
  readonly #pauses = new Set<() => void>();
  #health: LogHealth = { state: 'ok' };
  #closing = false;

  constructor(setup: PatienceSetup) {
    this.#setup = setup;
  }

  get health(): LogHealth {
    return this.#health;
  }

  onHealth(listener: (health: LogHealth) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Runs `attempt` until it is done. A `WireFailure` is one more reason to try again; anything else that it throws
   * ends the attempts.
   * @throws WeirError `WEIR_LOG_CLOSED` when the log closes before an attempt was done: the outcome is unknown.
   */
  async until<Outcome>(what: string, attempt: () => Promise<Attempt<Outcome>>): Promise<Outcome> {
    const { wire, clock, random } = this.#setup;
    const self = Symbol(what);
    let began: number | undefined;
    try {
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
        const result = await attempt().catch(failureAgain);
        if ('done' in result) return result.done;
        if (this.#closing) throw new WeirError('WEIR_LOG_CLOSED', {}, new Error(`${what}: ${result.again}`));
        began ??= clock.monotonic();
        if (clock.monotonic() - began >= quietMs) this.#stall(self, what, result.again);
        wire.refresh();
        await this.#pause(pauseMs * (0.75 + random.next() / 2));
      }
    } finally {
      if (this.#stalled.delete(self)) this.#report();
    }
  }

  /** From now on nothing is tried again: what fails is over. */
  close(): void {
    this.#closing = true;
    for (const end of [...this.#pauses]) end();
  }

  #stall(self: symbol, what: string, why: string): void {
    const known = this.#stalled.get(self);
    if (known?.error.cause instanceof Error && known.error.cause.message === why) return;
    const error = new WeirError('WEIR_LOG_UNREACHABLE', { what, why }, new Error(why));
    if (known === undefined) this.#setup.logger.warn({ error }, 'the log waits for its brokers');
    this.#stalled.set(self, { since: known?.since ?? this.#setup.clock.now(), error });
    this.#report();
  }

  #report(): void {
    const [oldest] = this.#stalled.values();
    if (oldest === undefined && this.#health.state === 'ok') return;
    if (oldest === undefined) this.#setup.logger.info({}, 'the brokers answer again');
    this.#health = oldest === undefined ? { state: 'ok' } : { state: 'stalled', ...oldest };
    for (const listener of this.#listeners) listener(this.#health);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const timer = this.#setup.clock.after(delayMs, end);
      this.#pauses.add(end);
    });
  }
}

function failureAgain(thrown: unknown): { readonly again: string } {
  if (thrown instanceof WireFailure) return { again: messageOf(thrown) };
  throw thrown;
}
