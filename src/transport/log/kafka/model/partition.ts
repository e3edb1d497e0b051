/**
 * One partition of the model: its log, what it knows of producers, its high watermark and who leads it.
 *
 * Owns the semantics of append, read, trimming, compaction and loss. What happens to requests on their way is `client`'s.
 */
import type { Clock } from '../../../../ports/index.ts';
import { type FetchAnswer, kafkaError, type ProduceAnswer, type ProduceRequest } from '../wire.ts';
import { clean } from './cleaner.ts';
import { ProducerStates } from './producer-states.ts';
import type { ModelSettings, TopicSettings } from './settings.ts';
import { batchBytes, type StoredBatch, storedBatch } from './stored-batch.ts';

/**
 * - `in-sync`: acknowledged means replicated;
 * - `short`: too few replicas are in sync, and appends are refused (19);
 * - `lagging`: appends reach the leader alone and are answered with 20; they count once replicas are back in sync.
 */
export type Replication = 'in-sync' | 'short' | 'lagging';

export interface Appended extends ProduceAnswer {
  readonly repeat: boolean;
}

/** What a deposed leader that does not know it yet still answers with. */
export interface StaleView {
  readonly leaderVersion: number;
  readonly highWatermark: number;
}

export class Partition {
  readonly #clock: Clock;
  readonly #settings: ModelSettings;
  readonly #topic: TopicSettings;
  readonly #producers = new ProducerStates();
  readonly #waiters = new Set<() => void>();
  #batches: StoredBatch[] = [];
  #end = 0;
  #highWatermark = 0;
  #logStart = 0;
  #replication: Replication = 'in-sync';
  #leaderVersion = 1;
  #led = true;
  #stale: StaleView | undefined;
  #producersCheckedAt: number;

  constructor(clock: Clock, settings: ModelSettings, topic: TopicSettings) {
    this.#clock = clock;
    this.#settings = settings;
    this.#topic = topic;
    this.#producersCheckedAt = clock.now();
  }

  /** Grows with each change of leader; clients that know an older one ask the wrong broker. */
  get leaderVersion(): number {
    return this.#leaderVersion;
  }

  get led(): boolean {
    return this.#led;
  }

  get stale(): StaleView | undefined {
    return this.#stale;
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  get logStart(): number {
    return this.#logStart;
  }

  /** Batches as they are kept, for tests and invariants. */
  get batches(): readonly StoredBatch[] {
    return this.#batches;
  }

  append(request: ProduceRequest): Appended {
    if (this.#replication === 'short') return refused(kafkaError.notEnoughReplicas);
    const bytes = batchBytes(request.records);
    const error = this.#invalid(request, bytes);
    if (error !== undefined) return refused(error);
    this.#forgetOldProducers();
    const judgement = request.producer && this.#producers.judge(request.producer, request.records.length);
    if (judgement?.type === 'refuse') return refused(judgement.error);
    if (judgement?.type === 'repeat') return this.#acknowledged(judgement.baseOffset, judgement.lastOffset, true);
    const at = { baseOffset: this.#end, leaderEpoch: this.#leaderVersion - 1 };
    const batch = storedBatch(request, at, bytes);
    this.#batches.push(batch);
    this.#producers.add(batch.wire);
    this.#end = batch.wire.lastOffset + 1;
    if (this.#replication === 'in-sync') this.#raiseHighWatermark();
    return this.#acknowledged(batch.wire.baseOffset, batch.wire.lastOffset, false);
  }

  /** With `highWatermark` only what is below it is read, as a deposed leader does. */
  read(offset: number, maxBytes: number, highWatermark = this.#highWatermark): FetchAnswer {
    if (offset < this.#logStart || offset > this.#end) {
      return { error: kafkaError.offsetOutOfRange, highWatermark: -1, logStart: -1, batches: [] };
    }
    const batches = [];
    let bytes = 0;
    for (let at = this.#firstFrom(offset); at < this.#batches.length; at += 1) {
      const batch = this.#batches[at];
      if (batch === undefined || batch.wire.lastOffset >= highWatermark) break;
      bytes += batch.bytes;
      if (batches.length > 0 && bytes > maxBytes) break;
      batches.push(batch.wire);
    }
    return { error: kafkaError.none, highWatermark, logStart: this.#logStart, batches };
  }

  /** Runs `wake` once, when something can be read that could not be before, or the leader changes. */
  whenChanged(wake: () => void): () => void {
    this.#waiters.add(wake);
    return () => void this.#waiters.delete(wake);
  }

  deleteRecords(given: number): number {
    if (!this.#topic.delete) return kafkaError.policyViolation;
    // -1 stands for the high watermark.
    const before = given === -1 ? this.#highWatermark : given;
    if (before < 0 || before > this.#highWatermark) return kafkaError.offsetOutOfRange;
    this.#logStart = Math.max(this.#logStart, before);
    this.#batches.splice(0, this.#firstFrom(this.#logStart));
    return kafkaError.none;
  }

  /**
   * Compacts what ends below `upTo` and is older than the lag that the topic asks for. The newest batch is never
   * cleaned: it is in the active segment. Nothing happens to a topic that is not compacted.
   */
  compact(upTo = Number.POSITIVE_INFINITY): void {
    if (!this.#topic.compact) return;
    this.#forgetOldProducers();
    const now = this.#clock.now();
    const young = this.#batches.find(({ wire }) => wire.timestampMs > now - this.#topic.minCompactionLagMs);
    const newest = this.#batches.findLast(({ wire }) => wire.lastOffset < this.#highWatermark);
    this.#batches = clean(this.#batches, {
      now,
      upTo: Math.min(upTo, young?.wire.baseOffset ?? this.#end, newest?.wire.baseOffset ?? 0),
      deleteRetentionMs: this.#topic.deleteRetentionMs,
      lastOffsets: this.#producers.lastOffsets(),
    });
  }

  setReplication(replication: Replication): void {
    this.#replication = replication;
    if (replication === 'in-sync') this.#raiseHighWatermark();
  }

  /** Nobody leads: who knows the old leader gets no answer, others hear that there is none. */
  loseLeader(): void {
    this.#led = false;
    this.#wake();
  }

  /**
   * Another replica leads. Everything below the high watermark stays; what only the old leader had is lost. With
   * `unaware` the old one goes on answering those who still ask it, from what it knew.
   */
  changeLeader({ unaware = false }: { readonly unaware?: boolean } = {}): void {
    this.#stale = unaware ? { leaderVersion: this.#leaderVersion, highWatermark: this.#highWatermark } : undefined;
    this.#leaderVersion += 1;
    this.#led = true;
    this.#truncate(this.#batches.findIndex(({ wire }) => wire.lastOffset >= this.#highWatermark));
    this.setReplication('in-sync');
    this.#wake();
  }

  /** A replica leads that lacks the last `batches`, acknowledged or not. */
  electUncleanly(batches: number): void {
    this.#truncate(Math.max(0, this.#batches.length - batches));
    this.changeLeader();
  }

  /** The deposed leader has heard of it. */
  settleLeader(): void {
    this.#stale = undefined;
  }

  /** Forgets all producers, as when their batches are older than they may be. */
  expireProducers(): void {
    this.#producers.expire(Number.POSITIVE_INFINITY, 0);
  }

  /** What a restart of the leader leaves in its memory. */
  restart(): void {
    this.#producers.keepLastBatches();
    this.#wake();
  }

  /** The topic is gone. */
  drop(): void {
    this.#wake();
  }

  #invalid({ records, timestampMs }: ProduceRequest, bytes: number): number | undefined {
    const { maxMessageBytes, segmentBytes, compact, timestampBeforeMaxMs, timestampAfterMaxMs } = this.#topic;
    if (bytes > maxMessageBytes) return kafkaError.messageTooLarge;
    if (compact && records.some(({ key }) => key === null)) return kafkaError.invalidRecord;
    const ageMs = this.#clock.now() - timestampMs;
    if (ageMs > timestampBeforeMaxMs || -ageMs > timestampAfterMaxMs) return kafkaError.invalidTimestamp;
    return bytes > segmentBytes ? kafkaError.recordListTooLarge : undefined;
  }

  #acknowledged(baseOffset: number, lastOffset: number, repeat: boolean): Appended {
    // A repeat is answered only when the original is replicated, too.
    if (lastOffset >= this.#highWatermark) return { ...refused(kafkaError.notEnoughReplicasAfterAppend), repeat };
    return { error: kafkaError.none, baseOffset, repeat };
  }

  #raiseHighWatermark(): void {
    if (this.#highWatermark === this.#end) return;
    this.#highWatermark = this.#end;
    this.#wake();
  }

  /** Drops the batches from index `from`; offsets go on from the last that is left. */
  #truncate(from: number): void {
    if (from < 0 || from >= this.#batches.length) return;
    this.#batches.splice(from);
    this.#end = Math.max((this.#batches.at(-1)?.wire.lastOffset ?? -1) + 1, this.#logStart);
    this.#highWatermark = Math.min(this.#highWatermark, this.#end);
    this.#producers.rebuild(this.#batches.map(({ wire }) => wire));
  }

  /** Brokers look at intervals, not at the moment. */
  #forgetOldProducers(): void {
    const now = this.#clock.now();
    if (now - this.#producersCheckedAt < this.#settings.producerIdExpirationCheckMs) return;
    this.#producersCheckedAt = now;
    this.#producers.expire(now, this.#settings.producerIdExpirationMs);
  }

  /** Index of the batch that holds `offset`, or of the next one after it. */
  #firstFrom(offset: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches[middle]?.wire.lastOffset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}

function refused(error: number): Appended {
  return { error, baseOffset: -1, repeat: false };
}
