/**
 * A claim of a shard on Kafka: commits, restore, publications and the commits that keep it alive.
 *
 * Owns the life of the claim: it is held until it is released, until a newer claim is seen (fenced), or until the
 * partition is not as it left it (broken); in the last two cases nothing is ever written again under it.
 */
import { ensureError, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger, Timer } from '../../../ports/index.ts';
import type { Claim, CommitBatch, LogLimits, LogRecord, Publication, ShardId, Term, TopicName } from '../port.ts';
import { checkBatch } from '../rules.ts';
import type { Holding } from './claiming.ts';
import { aliveRecord, publicationRecord, publishedRecord, releasedRecord, storedKey } from './own-records.ts';
import { newestOfEachKey, Publisher, type PublisherSetup } from './publisher.ts';
import type { FormerClaim } from './shard-state.ts';
import type { WireRecord } from './wire.ts';

export interface KafkaClaimSetup
  extends Pick<PublisherSetup, 'wire' | 'clock' | 'patience' | 'nameOf' | 'maxBatchBytes' | 'own'> {
  readonly shard: ShardId;
  readonly holding: Holding;
  readonly logger: Logger;
  readonly limits: LogLimits;
  /** Bytes that one record batch of the topic may have, with all that the format adds. */
  readonly maxMessageBytes: number;
  /** A commit of nothing goes out when there was none for so long. */
  readonly keepAliveMs: number;
  /** Nobody takes the shard over from an owner whose last acknowledged commit was sent less than so long ago. */
  readonly unrivalledMs: number;
  /** @throws WeirError `WEIR_LOG_TOPIC` when it is no table of as many partitions */
  readonly checkTable: (topic: TopicName, partition: number) => void;
  /** The claim holds the shard no more. */
  readonly onOver: (claim: KafkaClaim) => void;
}

/** Records of one chunk of a restore. */
const chunkRecords = 256;
/** Removals of publications that one commit takes along. */
const removalsAtOnce = 1_000;
/** What the format adds to a record at most: lengths, offset, timestamp, attributes, a key of the driver's own. */
const recordOverhead = 48;
const batchOverhead = 128;

export class KafkaClaim implements Claim {
  readonly shard: ShardId;
  readonly term: Term;
  readonly #setup: KafkaClaimSetup;
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #lostListeners: Array<() => void> = [];
  #state: 'held' | 'fenced' | 'broken' | 'released' = 'held';
  #broken: Error | undefined;
  #restored: readonly LogRecord[] | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Commits and keep-alives under way. */
  #inFlight = 0;
  #nextPublication: number;
  #published: number[] = [];
  #keepAlive: Timer | undefined;

  constructor(setup: KafkaClaimSetup) {
    const { holding, shard } = setup;
    this.#setup = setup;
    this.#clock = setup.clock;
    this.shard = shard;
    this.term = holding.term;
    this.#restored = holding.state.changes();
    this.#publisher = new Publisher({
      ...setup,
      ...holding,
      partition: shard.partition,
      term: () => this.#termText(),
      proof: () => this.#proof(),
      ended: () => this.#endOf(),
      onPublished: (numbers) => this.#published.push(...numbers),
      onFailed: (error) => this.#failed(error),
    });
    const left = holding.state.publications();
    holding.state.clear();
    this.#nextPublication = (left.at(-1)?.[0] ?? 0) + 1;
    const newest = newestOfEachKey(left);
    const sent = new Set(newest.map(([number]) => number));
    this.#published = left.map(([number]) => number).filter((number) => !sent.has(number));
    this.#publisher.send(newest);
    this.#armKeepAlive();
  }

  /** What a later claim of this worker must find. */
  get former(): FormerClaim {
    const { term, producer, writer } = this.#setup.holding;
    return {
      ...{ term, producer },
      // The last commit of a claim that is over may still be acknowledged.
      get end() {
        return writer.end ?? 0;
      },
      get cut() {
        return writer.cut;
      },
    };
  }

  async *restore(): AsyncIterable<readonly LogRecord[]> {
    this.#assertHeld();
    const records = this.#restored;
    if (records === undefined) throw new Error('a shard is restored once, before its first commit');
    // Its first commit may be long in coming, and they hold all that was read.
    this.#restored = undefined;
    for (let start = 0; start < records.length; start += chunkRecords) {
      yield records.slice(start, start + chunkRecords);
      this.#assertHeld();
    }
  }

  async commit(batch: CommitBatch): Promise<void> {
    this.#assertHeld();
    const { limits, checkTable, shard } = this.#setup;
    checkBatch(batch, limits);
    for (const { topic } of batch.publications) checkTable(topic, shard.partition);
    this.#restored = undefined;
    const records: WireRecord[] = batch.records.map(({ key, value }) => ({ key: storedKey(key), value: copy(value) }));
    let number = this.#nextPublication;
    const publications: Array<[number, Publication]> = batch.publications.map((publication) => [
      number++,
      { ...publication, value: copy(publication.value) },
    ]);
    for (const [at, publication] of publications) records.push(publicationRecord(at, publication));
    this.#checkSize(records);
    this.#nextPublication = number;
    await this.#publisher.room();
    await this.#write(records);
    this.#publisher.send(publications);
  }

  onLost(listener: () => void): void {
    this.#lostListeners.push(listener);
    if (this.#state === 'fenced') this.#tellLost();
  }

  async release(): Promise<void> {
    if (this.#state !== 'held') return;
    this.#state = 'released';
    this.#keepAlive?.cancel();
    this.#lostListeners.length = 0;
    this.#publisher.release();
    // Whoever waits for the shard hears of it by the log at once; when that fails, by the group.
    await this.#write([releasedRecord()]).catch(() => undefined);
    this.#setup.onOver(this);
  }

  /** A newer claim is known: nothing will be written under this one. */
  fence(): void {
    if (this.#state === 'broken' || this.#state === 'fenced') return;
    const told = this.#state === 'held';
    this.#end('fenced');
    if (told) this.#tellLost();
  }

  /** Commits nothing, unless something is in flight: an answer shows whether the claim is held. */
  prove(): void {
    if (this.#inFlight > 0 || this.#state !== 'held') return;
    // A refusal ends the claim and tells its holder; there is nobody else to tell.
    this.#write([]).catch((error: unknown) => {
      this.#setup.logger.warn({ ...this.shard, error }, 'a commit that keeps the claim alive failed');
    });
  }

  /**
   * The publications of a claim are not counted as its commits are, and a fence in their table may be forgotten sooner than
   * a process that stood still goes on: so nothing is published that no recent commit shows to be an owner's still.
   */
  #proof(): Promise<void> | undefined {
    const { unrivalledMs, holding } = this.#setup;
    if (holding.lease.age < unrivalledMs || this.#endOf() !== undefined) return undefined;
    // There is no commit after its last one: the next owner sends what is left.
    if (this.#state === 'released') throw this.#error();
    return this.#inFlight > 0 ? this.#writing : this.#write([]);
  }

  /** Sends what it has made durable for a partition and was in no hurry with; resolves when it is there. */
  async published(topic: TopicName, partition: number): Promise<void> {
    if (partition === this.shard.partition) await this.#publisher.flush(topic);
  }

  /** Resolves when nothing is in flight. */
  async settle(): Promise<void> {
    await this.#writing;
    await this.#publisher.settle();
  }

  /** The log is closed: commits under way end as they may, nothing new begins. */
  close(): void {
    this.#keepAlive?.cancel();
    this.#publisher.end();
  }

  /** One batch in flight; keep-alives wait for commits and commits for keep-alives. */
  #write(records: WireRecord[]): Promise<void> {
    this.#inFlight += 1;
    const written = this.#writing.then(async () => {
      try {
        const removed = this.#published.slice(0, removalsAtOnce);
        const all = [...records, ...removed.map(publishedRecord)];
        await this.#setup.holding.writer.write(all.length === 0 ? [aliveRecord()] : all);
        this.#published.splice(0, removed.length);
      } catch (error) {
        this.#failed(error);
        throw error;
      } finally {
        this.#inFlight -= 1;
      }
      this.#armKeepAlive();
    });
    this.#writing = written.catch(() => undefined);
    return written;
  }

  #armKeepAlive(): void {
    this.#keepAlive?.cancel();
    if (this.#state !== 'held') return;
    this.#keepAlive = this.#clock.after(this.#setup.keepAliveMs, () => this.prove());
  }

  #failed(error: unknown): void {
    if (WeirError.is(error, 'WEIR_LOG_FENCED')) this.fence();
    else if (!WeirError.is(error, 'WEIR_LOG_TOO_LARGE') && !WeirError.is(error, 'WEIR_LOG_CLOSED')) this.#break(error);
  }

  /** The partition is not as this claim left it: whoever holds it claims again and restores. */
  #break(error: unknown): void {
    if (this.#state === 'fenced' || this.#state === 'broken') return;
    this.#broken = ensureError(error);
    this.#setup.logger.error({ ...this.shard, term: this.#termText(), error }, 'the claim of a shard is broken');
    this.#end('broken');
  }

  #end(state: 'fenced' | 'broken'): void {
    this.#state = state;
    this.#restored = undefined;
    this.#keepAlive?.cancel();
    this.#publisher.end();
    this.#setup.onOver(this);
  }

  #tellLost(): void {
    this.#clock.soon(() => {
      for (const listener of this.#lostListeners.splice(0)) listener();
    });
  }

  /** A released claim still sends what it has made durable; a newer claim sends it again and fences it out. */
  #endOf(): Error | undefined {
    return this.#state === 'held' || this.#state === 'released' ? undefined : this.#error();
  }

  #assertHeld(): void {
    if (this.#state !== 'held') throw this.#error();
  }

  #error(): Error {
    return this.#broken ?? new WeirError('WEIR_LOG_FENCED', { ...this.shard, term: this.#termText() });
  }

  #checkSize(records: readonly WireRecord[]): void {
    const { maxMessageBytes } = this.#setup;
    let bytes = batchOverhead + removalsAtOnce * recordOverhead;
    for (const { key, value } of records) {
      bytes += recordOverhead + Buffer.byteLength(key ?? '') + (value?.byteLength ?? 0);
    }
    if (bytes > maxMessageBytes) {
      throw new WeirError('WEIR_LOG_TOO_LARGE', { what: 'a batch', bytes, limit: maxMessageBytes });
    }
  }

  #termText(): string {
    return `${this.term.incarnation}.${this.term.counter}`;
  }
}

/** The caller may use its buffers again once the call returns. */
function copy(value: Uint8Array | null): Uint8Array | null {
  return value === null ? null : Uint8Array.from(value);
}
