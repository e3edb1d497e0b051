/** The transaction coordinator of the model: which producer id and epoch belongs to a transactional id. */
import { kafkaError, type ProducerIdentity } from '../wire.ts';
import type { ModelSettings } from './settings.ts';

/** The highest epoch that is given out; the next claim gets another producer id. */
const lastEpoch = 32_766;
const none = { producerId: '-1', epoch: -1 };

interface Entry {
  readonly producer: ProducerIdentity;
  /** Of the last `InitProducerId`; produces do not count. */
  readonly usedAt: number;
}

export class TransactionalIds {
  readonly #settings: ModelSettings;
  readonly #entries = new Map<string, Entry>();
  #nextProducerId = 0;
  #checkedAt: number;

  constructor(settings: ModelSettings) {
    this.#settings = settings;
    this.#checkedAt = settings.clock.now();
  }

  initProducerId(transactionalId: string): { readonly error: number } & ProducerIdentity {
    if (transactionalId === '') return { error: kafkaError.invalidRequest, ...none };
    this.#forgetUnused();
    const known = this.#entries.get(transactionalId)?.producer;
    const producer =
      known === undefined || known.epoch >= lastEpoch
        ? { producerId: this.#newProducerId(), epoch: 0 }
        : { producerId: known.producerId, epoch: known.epoch + 1 };
    this.#entries.set(transactionalId, { producer, usedAt: this.#settings.clock.now() });
    return { error: kafkaError.none, ...producer };
  }

  /** Forgets one, as when it has not been used for long. */
  expire(transactionalId: string): void {
    this.#entries.delete(transactionalId);
  }

  /** Leaves it without epochs, so that the next claim gets another producer id. */
  exhaust(transactionalId: string): void {
    const known = this.#entries.get(transactionalId);
    const producerId = known?.producer.producerId ?? this.#newProducerId();
    const usedAt = known?.usedAt ?? this.#settings.clock.now();
    this.#entries.set(transactionalId, { producer: { producerId, epoch: lastEpoch }, usedAt });
  }

  #newProducerId(): string {
    const id = String(this.#nextProducerId);
    this.#nextProducerId += 1;
    return id;
  }

  #forgetUnused(): void {
    const { clock, transactionalIdExpirationMs, transactionalIdExpirationCheckMs } = this.#settings;
    const now = clock.now();
    if (now - this.#checkedAt < transactionalIdExpirationCheckMs) return;
    this.#checkedAt = now;
    for (const [id, { usedAt }] of this.#entries) {
      if (now - usedAt >= transactionalIdExpirationMs) this.#entries.delete(id);
    }
  }
}
