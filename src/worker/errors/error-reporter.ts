/**
 * What one worker has to tell of its errors: repeats folded into one record with a count, and no more kinds of them at a
 * time than anybody could read. Owns what waits to be written; it holds little, however long the log stands still (W7).
 */
import type { ErrorSeverity, ReportedError } from '../../actors/rpc/index.ts';
import { WeirError } from '../../errors/index.ts';
import type { Clock, LogFields } from '../../ports/index.ts';
import type { SilentWorker } from '../cluster/index.ts';
import { errorIn, type Sighting, sightingOf, sightingOfError } from './sighting.ts';

export interface ErrorReporterSetup {
  readonly clock: Clock;
  /** Name of this worker. */
  readonly worker: string;
  /** Tells records of this process from those of any other. */
  readonly instance: string;
}

/** Repeats are told of once in so long, with how often they happened. */
const foldMs = 60_000;
/** Kinds of errors that are told apart at one time. */
const mostKinds = 500;
/** Kinds that may begin at once, and how many more each second. */
const burstKinds = 100;
const kindsPerSecond = 2;
/** What was left out is told by kind, of the first so many. */
const mostDroppedKinds = 20;
/** Layers that tell of the same error, one after the other, do so within this time. */
const sameErrorMs = 1_000;

/** One kind of error, and how often it has happened since it was last told. */
interface Kind {
  sighting: Sighting;
  count: number;
  since: number;
  at: number;
  /** On the clock that never steps back; undefined before it was told the first time. */
  toldAt: number | undefined;
}

/** What was left out since that was last told, by kind. */
interface Dropped {
  count: number;
  readonly since: number;
  at: number;
  readonly kinds: Map<string, number>;
}

export class ErrorReporter {
  readonly #setup: ErrorReporterSetup;
  readonly #kinds = new Map<string, Kind>();
  readonly #seen = new WeakMap<Error, number>();
  readonly #listeners: Array<() => void> = [];
  #dropped: Dropped | undefined;
  #droppedToldAt = Number.NEGATIVE_INFINITY;
  #room = burstKinds;
  #roomAt: number;
  #records = 0;

  constructor(setup: ErrorReporterSetup) {
    this.#setup = setup;
    this.#roomAt = setup.clock.monotonic();
  }

  /** A line of the log that tells of an error. Never throws, whatever its fields are. */
  readonly line = (severity: ErrorSeverity, fields: LogFields, sentence: string): void => {
    try {
      const error = errorIn(fields);
      if (error !== undefined && this.#isKnown(error)) return;
      this.report(sightingOf(severity, fields, sentence));
    } catch {
      // Something in the fields throws when it is looked at. The line is in the log; here only its number is.
      this.#drop('WEIR_INTERNAL', 1);
    }
  };

  /** @param kind errors of one kind are counted together. Default: those of one service, code, flow and message. */
  report(sighting: Sighting, kind = kindOf(sighting)): void {
    const { clock } = this.#setup;
    const now = clock.now();
    const known = this.#kinds.get(kind);
    if (known !== undefined) {
      if (known.count === 0) known.since = now;
      known.sighting = sighting;
      known.count += 1;
      known.at = now;
    } else if (this.#admits()) {
      this.#kinds.set(kind, { sighting, count: 1, since: now, at: now, toldAt: undefined });
    } else {
      this.#drop(`${sighting.service} ${sighting.code}`, 1);
    }
    for (const listener of this.#listeners) listener();
  }

  /** Another worker is not heard of any more. Whoever notices says so; those who read take it as one. */
  silent({ worker, instance, lastBeatAt }: SilentWorker): void {
    const error = new WeirError('WEIR_WORKER_SILENT', { worker, since: new Date(lastBeatAt).toISOString() });
    const id = `silent/${worker}/${instance}/${lastBeatAt}`;
    this.report({ ...sightingOfError('error', 'worker', error), worker, id });
  }

  /** Records that could not be written. */
  lost(records: readonly ReportedError[]): void {
    for (const { service, code, count } of records) this.#drop(`${service} ${code}`, count);
  }

  /** Called after each report: something will be due. */
  onReport(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The records that are due, or all that wait; from then on they count as told. */
  take(which: 'due' | 'all' = 'due'): ReportedError[] {
    const now = this.#setup.clock.monotonic();
    this.#forget(now);
    const records: ReportedError[] = [];
    for (const kind of this.#kinds.values()) {
      const { sighting, count, since, at, toldAt } = kind;
      const due = which === 'all' || toldAt === undefined || now - toldAt >= foldMs;
      if (count === 0 || !due) continue;
      records.push(this.#record(sighting, { count, since, at }));
      kind.count = 0;
      kind.toldAt = now;
    }
    if (this.#dropped !== undefined && (which === 'all' || now - this.#droppedToldAt >= foldMs)) {
      records.push(this.#recordOfDropped(this.#dropped));
      this.#dropped = undefined;
      this.#droppedToldAt = now;
    }
    return records;
  }

  /** Milliseconds until something is due; undefined when nothing waits. */
  dueInMs(): number | undefined {
    const waiting = [...this.#kinds.values()].flatMap(({ count, toldAt }) =>
      count === 0 ? [] : [toldAt ?? Number.NEGATIVE_INFINITY],
    );
    if (this.#dropped !== undefined) waiting.push(this.#droppedToldAt);
    if (waiting.length === 0) return undefined;
    return Math.max(0, Math.min(...waiting) + foldMs - this.#setup.clock.monotonic());
  }

  #isKnown(error: Error): boolean {
    const now = this.#setup.clock.monotonic();
    const before = this.#seen.get(error);
    this.#seen.set(error, now);
    return before !== undefined && now - before < sameErrorMs;
  }

  #admits(): boolean {
    const now = this.#setup.clock.monotonic();
    this.#room = Math.min(burstKinds, this.#room + ((now - this.#roomAt) / 1_000) * kindsPerSecond);
    this.#roomAt = now;
    if (this.#kinds.size >= mostKinds) this.#forget(now);
    if (this.#room < 1 || this.#kinds.size >= mostKinds) return false;
    this.#room -= 1;
    return true;
  }

  /** Kinds that have not happened again since they were told. */
  #forget(now: number): void {
    for (const [key, { count, toldAt }] of this.#kinds) {
      if (count === 0 && toldAt !== undefined && now - toldAt >= foldMs) this.#kinds.delete(key);
    }
  }

  #drop(kind: string, count: number): void {
    const now = this.#setup.clock.now();
    this.#dropped ??= { count: 0, since: now, at: now, kinds: new Map() };
    const { kinds } = this.#dropped;
    this.#dropped.count += count;
    this.#dropped.at = now;
    if (kinds.has(kind) || kinds.size < mostDroppedKinds) kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  }

  #recordOfDropped({ count, since, at, kinds }: Dropped): ReportedError {
    const [[most] = ['']] = [...kinds].sort(([, a], [, b]) => b - a);
    const error = new WeirError('WEIR_ERRORS_DROPPED', { count, most });
    const sighting = { ...sightingOfError('warning', 'errors', error), details: Object.fromEntries(kinds) };
    return this.#record(sighting, { count, since, at });
  }

  #record(sighting: Sighting, counted: Pick<ReportedError, 'count' | 'since' | 'at'>): ReportedError {
    const { worker, instance } = this.#setup;
    this.#records += 1;
    return { id: `${instance}/${this.#records}`, worker, ...sighting, ...counted };
  }
}

function kindOf({ worker = '', service, code, flowId = '', message }: Sighting): string {
  return [worker, service, code, flowId, message].join('\n');
}
