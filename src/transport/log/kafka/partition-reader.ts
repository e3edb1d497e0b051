/**
 * Reads the batches of a partition in order, from an offset on.
 *
 * Owns the position, which moves by whole batches: compaction leaves gaps and empty batches, and those must be passed
 * like any other. What a batch means is the reader's owner's.
 */
import type { TopicName } from '../port.ts';
import type { Patience } from './patience.ts';
import { isDenied, nameOf, passes } from './refusals.ts';
import { type FetchAnswer, type KafkaWire, kafkaError, type WireBatch } from './wire.ts';

export interface PartitionReaderSetup {
  readonly wire: KafkaWire;
  readonly patience: Patience;
  /** Name with the prefix. */
  readonly topic: TopicName;
  readonly partition: number;
  readonly from: number;
  readonly maxBytes: number;
  /** Asked before each attempt; true ends the reading, with nothing more read. It may throw instead. */
  readonly ended: () => boolean;
  /** The position is not on the partition: it goes on from the oldest record that is kept. */
  readonly onGap: (position: number, oldest: number) => void;
}

/** What is below an end that a broker named can be read at once; this only keeps a reader from spinning. */
const endWaitMs = 500;
const nothing: readonly WireBatch[] = [];

/** What was asked for before anybody wanted it. */
interface Ahead {
  readonly position: number;
  readonly answer: Promise<FetchAnswer>;
}

export class PartitionReader {
  readonly #setup: PartitionReaderSetup;
  #ahead: Ahead | undefined;
  /** Offset of the next batch. */
  position: number;
  /** Where the partition ended when it was read last; undefined before that. */
  lastEnd: number | undefined;

  constructor(setup: PartitionReaderSetup) {
    this.#setup = setup;
    this.position = setup.from;
  }

  /**
   * The next batches; none when nothing has come within `waitMs`. The first may hold records below the position that
   * the reading began at. What comes behind them, up to before offset `end`, is under way while they are looked at:
   * default, nothing is.
   */
  async next(waitMs: number, end = 0): Promise<readonly WireBatch[]> {
    const { patience, topic, partition, ended } = this.#setup;
    let missed = 0;
    let maxWaitMs = waitMs;
    const batches = await patience.until(`reading ${topic}/${partition}`, async () => {
      if (ended()) return { done: nothing };
      const answering = this.#takeAhead() ?? this.#fetch(maxWaitMs);
      // What is asked again does not wait for records: health says at once that the brokers answer.
      maxWaitMs = 0;
      const answer = await answering;
      if (ended()) return { done: nothing };
      switch (answer.error) {
        case kafkaError.none:
          this.lastEnd = answer.highWatermark;
          return { done: answer.batches };
        case kafkaError.offsetOutOfRange:
          missed += 1;
          // A broker that does not know yet that it leads no more says so too: the leader is asked before it is believed.
          return missed === 1 ? { again: nameOf(answer.error) } : this.#skip();
        default:
          if (passes(answer.error) || isDenied(answer.error)) return { again: nameOf(answer.error) };
          throw new Error(`the broker refused to read ${topic}/${partition}: ${nameOf(answer.error)}`);
      }
    });
    const last = batches.at(-1);
    if (last !== undefined) this.position = Math.max(this.position, last.lastOffset + 1);
    if (last !== undefined && this.position < end) this.#readAhead(waitMs);
    return batches;
  }

  #readAhead(waitMs: number): void {
    const answer = this.#fetch(waitMs);
    // Whoever asks for it hears of it; if nobody does, it was not needed.
    answer.catch(() => undefined);
    this.#ahead = { position: this.position, answer };
  }

  #takeAhead(): Promise<FetchAnswer> | undefined {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.position === this.position ? ahead.answer : undefined;
  }

  /** Reads up to where the partition ends by now. */
  async toEnd(take: (batches: readonly WireBatch[]) => void): Promise<void> {
    for (let end = await this.end(); this.position < end; ) {
      const batches = await this.next(endWaitMs, end);
      take(batches);
      // The leader that named the end was deposed meanwhile, or the reading has ended.
      if (batches.length === 0) end = this.#setup.ended() ? 0 : await this.end();
    }
  }

  /** The offset behind the last record, by now; 0 when the reading has ended. */
  end(): Promise<number> {
    const { wire, patience, topic, partition, ended } = this.#setup;
    return patience.until(`the end of ${topic}/${partition}`, async () => {
      if (ended()) return { done: 0 };
      const { error, offset } = await wire.offset(topic, partition, 'latest');
      if (error === kafkaError.none) return { done: offset };
      if (passes(error) || isDenied(error)) return { again: nameOf(error) };
      throw new Error(`the broker refused to read ${topic}/${partition}: ${nameOf(error)}`);
    });
  }

  #fetch(maxWaitMs: number): Promise<FetchAnswer> {
    const { wire, topic, partition, maxBytes } = this.#setup;
    return wire.fetch({ topic, partition, offset: this.position, maxBytes, maxWaitMs });
  }

  async #skip(): Promise<{ readonly done: readonly WireBatch[] } | { readonly again: string }> {
    const { wire, topic, partition, onGap } = this.#setup;
    const oldest = await wire.offset(topic, partition, 'earliest');
    if (oldest.error !== kafkaError.none) return { again: nameOf(oldest.error) };
    if (oldest.offset === this.position) return { again: 'the offset is not readable yet' };
    onGap(this.position, oldest.offset);
    this.position = oldest.offset;
    return { done: nothing };
  }
}
