/**
 * The fenced writer: one producer id and epoch on one partition, one batch in flight.
 *
 * Owns sequence, expected offset, and what each answer of the broker means. A batch is sent again with the same records
 * and the same sequence until its outcome is known; the sequence of a batch whose outcome is unknown is never used for
 * anything else, since the broker would acknowledge the new records and keep the old ones. Whatever leaves the outcome
 * open ends the writer: its owner claims again and reads what came of it.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock } from '../../../ports/index.ts';
import type { TopicName } from '../port.ts';
import type { Lease } from './lease.ts';
import type { Attempt, Patience } from './patience.ts';
import { isDenied, nameOf, passes } from './refusals.ts';
import { type KafkaWire, kafkaError, type ProducerIdentity, type WireRecord } from './wire.ts';

export interface FencedWriterSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly patience: Patience;
  /** Name with the prefix. */
  readonly topic: TopicName;
  readonly partition: number;
  readonly producer: ProducerIdentity;
  readonly lease: Lease;
  /** Acknowledgements of this partition renew the lease; true for the shard's state alone. */
  readonly renews: boolean;
  /** Text of the term, for errors. */
  readonly term: () => string;
  /** What has to be awaited before anything is sent; asked again after that. Default: nothing. */
  readonly proof?: () => Promise<void> | undefined;
  /** Ends the attempts from outside: the claim that this belongs to was given up. */
  readonly ended?: () => Error | undefined;
}

interface Acknowledged {
  readonly baseOffset: number;
  /** By both clocks. */
  readonly sent: ReturnType<Lease['now']>;
}

/** Sequences are 31 bits wide and begin again at 0. */
const sequences = 2 ** 31;

export class FencedWriter {
  readonly #setup: FencedWriterSetup;
  #sequence = 0;
  #expected: number | undefined;
  #over: Error | undefined;
  /** Where a batch landed below what was acknowledged: that is gone. */
  cut: number | undefined;

  constructor(setup: FencedWriterSetup) {
    this.#setup = setup;
  }

  /** Everything below this offset has been acknowledged; undefined before the first batch. */
  get end(): number | undefined {
    return this.#expected;
  }

  /** The next batch must land at this offset; anything else means another writer, or data lost. */
  expect(offset: number): void {
    this.#expected = offset;
  }

  /**
   * Appends the records as one batch; resolves with its offset when it is durable. One call at a time.
   * @throws WeirError `WEIR_LOG_FENCED`, `WEIR_LOG_OUT_OF_STEP` and `WEIR_LOG_CLOSED` end the writer, with the outcome
   *   unknown; `WEIR_LOG_TOO_LARGE` wrote nothing, and the writer goes on.
   */
  async write(records: readonly WireRecord[]): Promise<number> {
    if (this.#over !== undefined) throw this.#over;
    const { patience, topic, partition, lease, renews } = this.#setup;
    let unknown = false;
    try {
      const { baseOffset, sent } = await patience.until(`a write to ${topic}/${partition}`, async () => {
        const attempt = await this.#attempt(records, unknown).catch((error: unknown) => {
          unknown = true;
          throw error;
        });
        if ('again' in attempt) unknown = true;
        return attempt;
      });
      this.#sequence = (this.#sequence + records.length) % sequences;
      if (this.#expected !== undefined && baseOffset !== this.#expected) {
        if (baseOffset < this.#expected) this.cut = baseOffset;
        throw this.#outOfStep(`a batch landed at offset ${baseOffset} instead of ${this.#expected}`);
      }
      this.#expected = baseOffset + records.length;
      // Only now: one that landed elsewhere shows that somebody else owns the partition.
      if (renews) lease.renew(sent);
      return baseOffset;
    } catch (error) {
      if (!WeirError.is(error, 'WEIR_LOG_TOO_LARGE')) this.#over = error instanceof Error ? error : undefined;
      throw error;
    }
  }

  async #attempt(records: readonly WireRecord[], unknown: boolean): Promise<Attempt<Acknowledged>> {
    const { wire, clock, topic, partition, producer, lease, proof, ended } = this.#setup;
    for (let awaited = proof?.(); awaited !== undefined; awaited = proof?.()) await awaited;
    const end = ended?.();
    if (end !== undefined) throw end;
    if (lease.over)
      throw this.#outOfStep('nothing was acknowledged for so long that brokers may have forgotten the fence');
    const sent = lease.now();
    const { error, baseOffset } = await wire.produce({
      topic,
      partition,
      records,
      // Of this attempt, not of the first one: brokers refuse old timestamps even of a batch that they have.
      timestampMs: clock.now(),
      producer: { ...producer, sequence: this.#sequence },
    });
    if (error === kafkaError.none) return { done: { baseOffset, sent } };
    return this.#refused(error, records, unknown);
  }

  #refused(error: number, records: readonly WireRecord[], unknown: boolean): Attempt<never> {
    const { topic, partition, term } = this.#setup;
    if (error === kafkaError.invalidProducerEpoch) {
      throw new WeirError('WEIR_LOG_FENCED', { topic, partition, term: term() });
    }
    // The clocks of host and broker differ, or a right is missing: an operator can mend both while the batch waits.
    if (passes(error) || isDenied(error) || error === kafkaError.invalidTimestamp) return { again: nameOf(error) };
    const tooLarge = error === kafkaError.messageTooLarge || error === kafkaError.recordListTooLarge;
    if (tooLarge && !unknown) {
      const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.byteLength ?? 0), 0);
      throw new WeirError('WEIR_LOG_TOO_LARGE', { what: 'a batch', bytes, limit: `less (${nameOf(error)})` });
    }
    throw this.#outOfStep(`the broker answered ${nameOf(error)}`);
  }

  #outOfStep(why: string): WeirError {
    const { topic, partition } = this.#setup;
    return new WeirError('WEIR_LOG_OUT_OF_STEP', { topic, partition, why });
  }
}
