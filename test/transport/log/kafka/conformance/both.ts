/**
 * The model and a real broker side by side: every step is done on both, and the answers must be the same.
 *
 * Ids are given out by each side, so they are translated; everything else is compared as it is.
 */
import { expect } from 'vitest';
import {
  type FetchRequest,
  type KafkaWire,
  kafkaError,
  type NewTopic,
  type ProducerIdentity,
  type WireRecord,
} from '../../../../../src/transport/log/kafka/wire.ts';

/** A producer on both sides: the same epoch, and an id of each. */
export interface Producer {
  readonly real: string;
  readonly model: string;
  readonly epoch: number;
}

export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly WireRecord[];
  readonly timestampMs: number;
  readonly producer?: Producer & { readonly sequence: number };
}

export class Both {
  readonly real: KafkaWire;
  readonly model: KafkaWire;
  /** Ids of the model by those of the broker. */
  readonly #producerIds = new Map<string, string>();

  constructor(real: KafkaWire, model: KafkaWire) {
    this.real = real;
    this.model = model;
  }

  async createTopic(topic: NewTopic): Promise<void> {
    const created = await this.real.createTopics([topic]);
    expect(created.map(({ name, error }) => ({ name, error }))).toEqual(await this.model.createTopics([topic]));
    // Metadata reaches brokers a moment after the answer.
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      await until(async () => {
        this.real.refresh();
        return (await this.real.offset(topic.name, partition, 'latest')).error === kafkaError.none;
      });
    }
  }

  async claim(transactionalId: string): Promise<Producer> {
    const real = await this.real.initProducerId(transactionalId);
    const model = await this.model.initProducerId(transactionalId);
    expect({ error: real.error, epoch: real.epoch }).toEqual({ error: model.error, epoch: model.epoch });
    expect(this.#producerIds.get(real.producerId) ?? model.producerId).toBe(model.producerId);
    this.#producerIds.set(real.producerId, model.producerId);
    return { real: real.producerId, model: model.producerId, epoch: real.epoch };
  }

  async produce({ producer, ...batch }: Batch): Promise<{ readonly error: number; readonly baseOffset: number }> {
    const as = (side: 'real' | 'model'): { producer?: ProducerIdentity & { sequence: number } } =>
      producer === undefined
        ? {}
        : { producer: { producerId: producer[side], epoch: producer.epoch, sequence: producer.sequence } };
    const real = await this.real.produce({ ...batch, ...as('real') });
    const model = await this.model.produce({ ...batch, ...as('model') });
    expect(real, 'produce').toEqual(model);
    return real;
  }

  async fetch(request: FetchRequest): Promise<void> {
    const { real, model } = await this.fetched(request);
    expect(real, 'fetch').toEqual(model);
  }

  /** What both answer, in the model's producer ids. */
  async fetched(request: FetchRequest) {
    const real = await this.real.fetch(request);
    const model = await this.model.fetch(request);
    const batches = real.batches.map((batch) => ({
      ...batch,
      records: batch.records.map(({ key, value, valueLength, offset }) => ({ key, value, valueLength, offset })),
      producer: batch.producer && {
        ...batch.producer,
        producerId: this.#producerIds.get(batch.producer.producerId) ?? 'unknown',
      },
    }));
    return { real: { ...real, batches }, model };
  }

  async same<T>(what: string, ask: (wire: KafkaWire) => Promise<T>): Promise<T> {
    const real = await ask(this.real);
    expect(real, what).toEqual(await ask(this.model));
    return real;
  }
}

const patienceMs = 30_000;

/** Asks again and again, for what brokers do in their own time. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`what was waited for did not come about within ${patienceMs} ms`);
  }
}
