/**
 * Group commit: all that waits is written as one atomic, synced batch, while the next group fills.
 *
 * Owns the order of operations, the chain of group records, the durable mark, and what happens when a write fails: the
 * store is opened again and the same group written again until it succeeds. Callers only see a slow commit; `health`
 * says why.
 */
import { ensureError, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger } from '../../../ports/index.ts';
import type { LogHealth } from '../port.ts';
import { digestOf, encodeGroup, groupKey, hashGroup, noHash, Operations } from './codec.ts';
import type { Compaction } from './compaction.ts';
import { isDiskFull } from './disk-full.ts';
import type { MarkWriter } from './durable-mark.ts';
import { type DurableMark, type Inspection, inspectStore } from './inspect.ts';
import type { Reserve } from './reserve.ts';
import type { StoreHandle } from './store-handle.ts';

const maxGroupBytes = 8 * 1_048_576;
const maxGroupOperations = 20_000;
const firstRetryMs = 100;
const longestRetryMs = 5_000;

export interface GroupWriterSetup {
  readonly directory: string;
  readonly location: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: StoreHandle;
  readonly reserve: Reserve;
  readonly mark: MarkWriter;
  readonly compaction: Compaction;
  /** Where the store stood when it was opened. */
  readonly found: Inspection;
  /** Operations that may join any group but need none of their own. */
  readonly extras: (group: Operations) => void;
}

interface Entry {
  readonly operations: Operations;
  readonly durable: () => void;
  readonly reject: (error: Error) => void;
}

export class GroupWriter {
  readonly #setup: GroupWriterSetup;
  readonly #healthListeners: Array<(health: LogHealth) => void> = [];
  #queue: Entry[] = [];
  #running: Promise<void> | undefined;
  #number: number;
  #previous: Uint8Array;
  #sequence: number;
  #health: LogHealth = { state: 'ok' };
  #closing = false;
  #wake: () => void = () => undefined;

  constructor(setup: GroupWriterSetup) {
    this.#setup = setup;
    this.#number = setup.found.group;
    this.#previous = setup.found.hash ?? noHash;
    this.#sequence = setup.found.sequence;
  }

  get health(): LogHealth {
    return this.#health;
  }

  onHealth(listener: (health: LogHealth) => void): void {
    this.#healthListeners.push(listener);
  }

  /**
   * Resolves when the operations are durable; `applied` is called just before, in the order of submission.
   * @throws WeirError `WEIR_LOG_CLOSED`: the outcome is unknown.
   */
  submit(operations: Operations, applied: () => void = () => undefined): Promise<void> {
    if (this.#closing) return Promise.reject(new WeirError('WEIR_LOG_CLOSED'));
    return new Promise((resolve, reject) => {
      const durable = (): void => {
        applied();
        resolve();
      };
      this.#queue.push({ operations, durable, reject });
      // A microtask, so that all that is submitted in this turn shares the first group, and no tick delays it.
      if (this.#running === undefined) this.#running = Promise.resolve().then(() => this.#run());
    });
  }

  /** Stalls until the reserve is there; for a start on a disk that is nearly full. */
  holdUntilReserved(cause: unknown): void {
    this.#stalled(cause);
    this.#running = this.#refill().then(() => this.#run());
  }

  /** Writes what waits, unless the writer is stalled: then it is rejected. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wake();
    await this.#setup.compaction.close();
    await this.#running;
    while (this.#health.state === 'ok') {
      const rest = new Operations();
      this.#setup.extras(rest);
      if (rest.keys.length === 0) break;
      await this.#write(this.#seal(rest));
    }
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const entries = this.#take();
      const group = new Operations();
      for (const { operations } of entries) group.append(operations);
      this.#setup.extras(group);
      try {
        await this.#write(this.#seal(group));
      } catch (error) {
        // Only a close ends the attempts to write; what waits hears that its outcome is unknown.
        for (const entry of [...entries, ...this.#queue.splice(0)]) entry.reject(ensureError(error));
        break;
      }
      for (const entry of entries) entry.durable();
      // What these commits have held back is submitted in microtasks from here: it shares the next group with what
      // waits already, instead of missing it and sharing only every second one.
      if (this.#queue.length > 0) await microtasks();
      if (this.#health.state === 'stalled') await this.#refill();
    }
    this.#running = undefined;
  }

  #take(): Entry[] {
    let bytes = 0;
    let operations = 0;
    let count = 0;
    for (const entry of this.#queue) {
      bytes += entry.operations.bytes;
      operations += entry.operations.keys.length;
      if (count > 0 && (bytes > maxGroupBytes || operations > maxGroupOperations)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Closes the group with its record. */
  #seal(group: Operations): Operations {
    this.#number += 1;
    const record = encodeGroup({
      number: this.#number,
      previous: this.#previous,
      digest: digestOf(group.crcs),
      operations: group.keys.length,
    });
    this.#previous = hashGroup(record);
    group.put(groupKey(this.#number), record);
    return group;
  }

  async #write(group: Operations): Promise<void> {
    try {
      await this.#setup.store.write(group);
    } catch (error) {
      await this.#writeAgain(group, error);
    }
    this.#sequence += group.keys.length;
    this.#mark();
    this.#setup.compaction.wrote(group);
  }

  #mark(): void {
    const { mark, logger, directory } = this.#setup;
    try {
      mark.write({ group: this.#number, sequence: this.#sequence });
    } catch (error) {
      // The group is durable all the same, and the mark may lag behind it.
      logger.warn({ directory, error }, 'the durable mark could not be written');
    }
  }

  async #writeAgain(group: Operations, cause: unknown): Promise<void> {
    this.#stalled(cause);
    for (let delayMs = 0; ; delayMs = Math.min(longestRetryMs, Math.max(firstRetryMs, delayMs * 2))) {
      if (delayMs > 0) await this.#pause(delayMs);
      if (this.#closing) throw new WeirError('WEIR_LOG_CLOSED', {}, cause);
      try {
        await this.#setup.store.reopen(() => this.#whileClosed());
        await this.#setup.store.write(group);
        return;
      } catch (error) {
        this.#stalled(error);
      }
    }
  }

  /** Opening moves LevelDB's log into a table, which takes the space that the reserve has held. */
  async #whileClosed(): Promise<void> {
    const { reserve, directory, location } = this.#setup;
    await reserve.free();
    const mark: DurableMark = { group: this.#number - 1, sequence: this.#sequence };
    // The tables were checked when the process began and never change; only the end of the log is in doubt.
    const found = await inspectStore({ directory, store: location, mark, tables: false });
    // LevelDB counts the operations of a failed write too.
    this.#sequence = found.sequence;
  }

  /** No further group is taken until the reserve is back, or the next failure would find none. */
  async #refill(): Promise<void> {
    for (let delayMs = 0; !this.#closing; delayMs = Math.min(longestRetryMs, Math.max(firstRetryMs, delayMs * 2))) {
      if (delayMs > 0) await this.#pause(delayMs);
      try {
        await this.#setup.reserve.fill();
        this.#setHealth({ state: 'ok' });
        return;
      } catch (error) {
        this.#stalled(error);
      }
    }
    for (const entry of this.#queue.splice(0)) entry.reject(new WeirError('WEIR_LOG_CLOSED'));
  }

  #stalled(cause: unknown): void {
    const { directory, clock, logger } = this.#setup;
    const error = isDiskFull(cause) ? new WeirError('WEIR_LOG_DISK_FULL', { directory }, cause) : ensureError(cause);
    logger.error({ directory, group: this.#number, error }, 'a commit group could not be written; commits wait');
    if (this.#health.error?.message === error.message) return;
    this.#setHealth({ state: 'stalled', error, since: this.#health.since ?? clock.now() });
  }

  #setHealth(health: LogHealth): void {
    if (this.#health.state === 'stalled' && health.state === 'ok') {
      this.#setup.logger.info({ directory: this.#setup.directory }, 'commits go on');
    }
    this.#health = health;
    for (const listener of this.#healthListeners) listener(health);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#setup.clock.after(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** Resolves when every microtask that is queued by now, or by one of these, has run. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
