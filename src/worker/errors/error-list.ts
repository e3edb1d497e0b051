/**
 * The errors of all workers as this one has read them: the newest, in the order of the stream. Owns what is kept of the
 * stream, here and by trimming on the log, and how it is looked through.
 */
import type { ErrorPage, ErrorQuery, KeptError, ReportedError } from '../../actors/rpc/index.ts';
import type { TailRecord } from '../../transport/log/index.ts';
import { decodeError } from './record.ts';

/** What is kept: so many, and none that is older. */
const mostKept = 5_000;
const keptMs = 7 * 24 * 60 * 60_000;
/** Records that are let go of together. */
const letGoAtOnce = 500;

export class ErrorList {
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #kept: KeptError[] = [];
  readonly #ids = new Set<string>();
  #next = 0;
  #trimmed = 0;

  /** @param now wall clock, in milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Offset of the first record that was not read yet. */
  get next(): number {
    return this.#next;
  }

  /** Takes what was read, in order. A record that was written twice counts once. */
  take(records: readonly TailRecord[]): void {
    let heard = false;
    for (const { offset, value } of records) {
      if (offset < this.#next) continue;
      this.#next = offset + 1;
      const error = decodeError(value);
      if (error === undefined || this.#ids.has(error.id)) continue;
      this.#kept.push({ position: this.#next, ...error });
      this.#ids.add(error.id);
      heard = true;
    }
    this.#letGo();
    if (heard) for (const listener of [...this.#listeners]) listener();
  }

  /** Up to where the stream may be trimmed; undefined while that is not worth it. Counts as done. */
  toTrim(): number | undefined {
    const [oldest] = this.#kept;
    const before = oldest === undefined ? this.#next : oldest.position - 1;
    if (before - this.#trimmed < letGoAtOnce) return undefined;
    this.#trimmed = before;
    return before;
  }

  /** Newest first; `cursor` is where the next page begins. */
  page({
    limit,
    before = Number.POSITIVE_INFINITY,
    ...query
  }: ErrorQuery & { readonly before?: number | undefined }): ErrorPage {
    const fits = this.#filter(query);
    const errors: KeptError[] = [];
    for (const error of this.#kept.toReversed()) {
      if (error.position >= before || !fits(error)) continue;
      if (errors.length === limit) return { errors, next: this.#next, cursor: errors.at(-1)?.position };
      errors.push(error);
    }
    return { errors, next: this.#next, cursor: undefined };
  }

  /** What came after a position, oldest first; `next` is what to ask with the next time. */
  after(position: number, { limit, ...query }: ErrorQuery): ErrorPage {
    const fits = this.#filter(query);
    const errors = this.#kept.filter((error) => error.position > position && fits(error)).slice(0, limit);
    const last = errors.length === limit ? errors.at(-1) : undefined;
    return { errors, next: last?.position ?? this.#next, cursor: undefined };
  }

  /** Told when there is something new; gives how to end that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #filter({ worker, service, code, since = 0 }: Omit<ErrorQuery, 'limit'>): (error: ReportedError) => boolean {
    const from = Math.max(since, this.#now() - keptMs);
    return (error) =>
      error.at >= from &&
      (worker === undefined || error.worker === worker) &&
      (service === undefined || error.service === service) &&
      (code === undefined || error.code === code);
  }

  /** Not one by one: each time all that stays is moved. */
  #letGo(): void {
    const oldest = this.#now() - keptMs;
    const fresh = this.#kept.findIndex(({ at }) => at >= oldest);
    const old = fresh === -1 ? this.#kept.length : fresh;
    const many = this.#kept.length - mostKept;
    const gone = Math.max(old, many);
    if (gone < letGoAtOnce) return;
    for (const { id } of this.#kept.slice(0, gone)) this.#ids.delete(id);
    this.#kept = this.#kept.slice(gone);
  }
}
