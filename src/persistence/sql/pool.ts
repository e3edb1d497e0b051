/**
 * The connections of one database: at most `max` of them, and at most `maxWaiting` callers who wait for one, in order.
 *
 * Owns which connection is whose, and the health that follows from opening them. A connection is opened for the pool,
 * not for the caller who made it necessary: a caller in a hurry gives up waiting, and the next one has the connection.
 */
import { ensureError, WeirError } from '../../errors/index.ts';
import type { Clock, Logger } from '../../ports/index.ts';
import type { Connection } from './connection.ts';
import type { SqlHealth } from './port.ts';
import type { Stop } from './stop.ts';

export interface PoolSetup {
  readonly clock: Clock;
  readonly logger: Logger;
  /** @throws WeirError when no connection can be had; never waits for ever */
  readonly open: () => Promise<Connection>;
  readonly max: number;
  readonly maxWaiting: number;
}

interface Waiter {
  readonly give: (connection: Connection) => void;
  readonly refuse: (error: WeirError) => void;
}

/** Pause between attempts to reach a database that is down. */
const retryMs = 1_000;

export class Pool {
  readonly #setup: PoolSetup;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #opening = new Set<Promise<void>>();
  readonly #closing = new Set<Promise<void>>();
  readonly #listeners: Array<(health: SqlHealth) => void> = [];
  #waiting: Waiter[] = [];
  #health: SqlHealth = { state: 'ok' };
  #retry: (() => void) | undefined;
  #closed = false;

  constructor(setup: PoolSetup) {
    this.#setup = setup;
  }

  get health(): SqlHealth {
    return this.#health;
  }

  onHealth(listener: (health: SqlHealth) => void): void {
    this.#listeners.push(listener);
  }

  /** @throws WeirError `WEIR_SQL_BUSY`, `WEIR_SQL_CLOSED`, whatever stops the caller, and why no connection opens */
  acquire(stop: Stop): Promise<Connection> {
    const { max, maxWaiting } = this.#setup;
    if (this.#closed) return Promise.reject(new WeirError('WEIR_SQL_CLOSED', { outcome: 'none' }));
    if (stop.signal.aborted) return Promise.reject(stop.failure('none'));
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    // Who waits for a connection that is yet to open does not count: there is room for him.
    if (this.#waiting.length >= maxWaiting + max - this.#open.size) {
      return Promise.reject(new WeirError('WEIR_SQL_BUSY', { max, waiting: maxWaiting, outcome: 'none' }));
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(stop.failure('none'));
      };
      const done = (): void => stop.signal.removeEventListener('abort', leave);
      const waiter: Waiter = {
        give: (connection) => {
          done();
          resolve(connection);
        },
        refuse: (error) => {
          done();
          reject(error);
        },
      };
      stop.signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(waiter);
      this.#grow();
    });
  }

  /** Takes a connection back, or lets it go when it is of no more use. */
  release(connection: Connection): void {
    if (!connection.usable || this.#closed) {
      this.#discard(connection);
      this.#grow();
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else next.give(connection);
  }

  /** Tries once to have a connection open; afterwards `health` is known. */
  async reach(): Promise<void> {
    if (this.#open.size > 0 || this.#closed) return;
    if (this.#opening.size === 0) this.#openOne();
    await Promise.all(this.#opening);
  }

  /** Refuses who waits, and everything from now on. */
  refuse(): void {
    this.#closed = true;
    this.#retry?.();
    for (const { refuse } of this.#waiting.splice(0)) refuse(new WeirError('WEIR_SQL_CLOSED', { outcome: 'none' }));
  }

  /** Closes all connections; those in use are not waited for. */
  async close(): Promise<void> {
    this.refuse();
    await Promise.all(this.#opening);
    for (const connection of this.#open) this.#discard(connection);
    await Promise.all(this.#closing);
  }

  /** Opens connections for those who wait and are not yet provided for. */
  #grow(): void {
    const { max } = this.#setup;
    while (!this.#closed && this.#opening.size < this.#waiting.length && this.#open.size + this.#opening.size < max) {
      this.#openOne();
    }
  }

  #openOne(): void {
    this.#retry?.();
    const opening = this.#setup.open().then(
      (connection) => {
        this.#opening.delete(opening);
        this.#opened(connection);
      },
      (error) => {
        this.#opening.delete(opening);
        this.#failed(ensureError(error));
      },
    );
    this.#opening.add(opening);
  }

  #opened(connection: Connection): void {
    this.#open.add(connection);
    connection.onLost(() => this.#lost(connection));
    this.#setHealth({ state: 'ok' });
    this.release(connection);
  }

  #failed(error: Error): void {
    const failure = WeirError.is(error)
      ? error
      : new WeirError('WEIR_SQL_FAILED', { why: 'a connection could not be opened' }, error);
    // Who waits can still be served by connections that are open; only without any is there nothing to wait for.
    if (this.#open.size > 0) return;
    this.#setHealth({ state: 'down', error: failure, since: this.#health.since ?? this.#setup.clock.now() });
    for (const { refuse } of this.#waiting.splice(0)) refuse(failure);
    if (!this.#closed) this.#retryLater();
  }

  #lost(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    // One that is in use comes back by `release`.
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#discard(connection);
    this.#setup.logger.warn({}, 'a connection to the database was lost');
    // Asked at once, so that health is known before the next caller comes.
    if (this.#open.size + this.#opening.size === 0 && !this.#closed) this.#openOne();
  }

  #retryLater(): void {
    if (this.#retry !== undefined) return;
    const timer = this.#setup.clock.after(retryMs, () => {
      this.#retry = undefined;
      if (this.#open.size + this.#opening.size === 0) this.#openOne();
    });
    this.#retry = () => {
      timer.cancel();
      this.#retry = undefined;
    };
  }

  #discard(connection: Connection): void {
    this.#open.delete(connection);
    const closing = connection.close().then(
      () => void this.#closing.delete(closing),
      (error) => {
        this.#closing.delete(closing);
        // It is gone either way, and nobody waits for it.
        this.#setup.logger.warn({ err: error }, 'a connection to the database did not close well');
      },
    );
    this.#closing.add(closing);
  }

  #setHealth(health: SqlHealth): void {
    const changed = health.state !== this.#health.state;
    this.#health = health;
    if (!changed) return;
    if (health.state === 'ok') this.#setup.logger.info({}, 'the database is reached again');
    else this.#setup.logger.error({ err: health.error }, 'the database cannot be reached');
    for (const listener of this.#listeners) listener(health);
  }
}
