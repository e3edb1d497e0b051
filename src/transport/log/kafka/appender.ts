/**
 * Appends to one partition of an `events` topic, or of a table without an owner, in the order of the calls.
 *
 * Owns the queue: one batch in flight, which keeps the order when it has to be sent again, and what comes meanwhile
 * shares the next one. Anyone appends there, without a producer id, so a lost answer means that records may be there
 * twice; receivers number what they take.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock } from '../../../ports/index.ts';
import type { LogRecord, TopicName } from '../port.ts';
import type { Patience } from './patience.ts';
import { isDenied, nameOf, passes } from './refusals.ts';
import { type KafkaWire, kafkaError, type WireRecord } from './wire.ts';

interface AppenderSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly patience: Patience;
  /** Name with the prefix. */
  readonly topic: TopicName;
  readonly partition: number;
  readonly maxBatchBytes: number;
}

interface Waiting {
  readonly records: readonly WireRecord[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const maxBatchRecords = 10_000;

export class Appender {
  readonly #setup: AppenderSetup;
  readonly #queue: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(setup: AppenderSetup) {
    this.#setup = setup;
  }

  /** @throws WeirError `WEIR_LOG_CLOSED`: the outcome is unknown; `WEIR_LOG_REFUSED`: nothing was written */
  append(records: readonly LogRecord[]): Promise<void> {
    const copies = records.map(({ key, value }) => ({ key, value: value === null ? null : Uint8Array.from(value) }));
    const bytes = copies.reduce((sum, { key, value }) => sum + key.length + (value?.byteLength ?? 0), 0);
    return new Promise((resolve, reject) => {
      this.#queue.push({ records: copies, bytes, resolve, reject });
      // What is appended in this turn shares one batch.
      this.#running ??= Promise.resolve().then(() => this.#run());
    });
  }

  /** Resolves when nothing waits. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#take();
      try {
        await this.#write(batch.flatMap(({ records }) => records));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = undefined;
  }

  #take(): Waiting[] {
    let bytes = 0;
    let records = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      records += waiting.records.length;
      if (count > 0 && (bytes > this.#setup.maxBatchBytes || records > maxBatchRecords)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #write(records: readonly WireRecord[]): Promise<void> {
    const { wire, clock, patience, topic, partition } = this.#setup;
    if (records.length === 0) return;
    await patience.until(`an append to ${topic}/${partition}`, async () => {
      const { error } = await wire.produce({ topic, partition, records, timestampMs: clock.now() });
      if (error === kafkaError.none) return { done: undefined };
      if (passes(error) || isDenied(error) || error === kafkaError.invalidTimestamp) return { again: nameOf(error) };
      throw new WeirError('WEIR_LOG_REFUSED', { what: `an append to ${topic}/${partition}`, why: nameOf(error) });
    });
  }
}

/** The appenders of a log, each made when it is needed first. */
export class Appenders {
  readonly #setup: Omit<AppenderSetup, 'topic' | 'partition'>;
  readonly #appenders = new Map<string, Appender>();

  constructor(setup: Omit<AppenderSetup, 'topic' | 'partition'>) {
    this.#setup = setup;
  }

  /** @param topic with the prefix */
  to(topic: TopicName, partition: number): Appender {
    const key = `${topic}/${partition}`;
    const appender = this.#appenders.get(key) ?? new Appender({ ...this.#setup, topic, partition });
    this.#appenders.set(key, appender);
    return appender;
  }

  /** Resolves when nothing waits anywhere. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#appenders.values()].map((appender) => appender.settle()));
  }
}
