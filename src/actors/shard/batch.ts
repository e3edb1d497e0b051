/**
 * The batch that a commit writes. Change sets join it whole; the last value of a key wins.
 * When one more set would pass the log's limit, a new batch is begun behind it.
 */
import type { CommitBatch, LogRecord, Publication } from '../../transport/log/index.ts';
import type { ChangeSet } from './change-set.ts';

export class Batch {
  readonly number: number;
  readonly #records = new Map<string, LogRecord>();
  readonly #last = new Map<string, () => Uint8Array>();
  readonly publications: Publication[] = [];
  readonly afterCommit: Array<() => void> = [];
  readonly ifLost: Array<() => void> = [];
  /** Newest outbox number per receiver that becomes durable with this batch. */
  readonly sent = new Map<number, number>();
  /** Newest number taken per sender that becomes durable with this batch. */
  readonly taken = new Map<number, number>();
  bytes = 0;
  /** Somebody waits for it to be durable; else it leaves with what comes next, or after a while. */
  awaited = false;

  constructor(number: number) {
    this.number = number;
  }

  get empty(): boolean {
    return (
      this.#records.size === 0 &&
      this.#last.size === 0 &&
      this.publications.length === 0 &&
      this.afterCommit.length === 0
    );
  }

  add(changes: ChangeSet): void {
    for (const record of changes.records) this.put(record);
    for (const { key, value } of changes.last) this.#last.set(key, value);
    for (const publication of changes.publications) this.publications.push(publication);
    for (const run of changes.afterCommit) this.afterCommit.push(run);
    for (const run of changes.ifLost) this.ifLost.push(run);
    this.bytes += changes.bytes;
  }

  put(record: LogRecord): void {
    this.#records.set(record.key, record);
  }

  seal(): CommitBatch {
    for (const [key, value] of this.#last) this.put({ key, value: value() });
    return { records: [...this.#records.values()], publications: this.publications };
  }
}
