/**
 * Batches that set out for one broker at the same time travel in one request: what a request costs, here and there, is
 * more than what a small batch does.
 *
 * Owns what sets out together. Each batch keeps its own answer; all of them share what happens to the request, so a
 * large one goes alone.
 */
import type { Clock } from '../../../../ports/index.ts';
import { type ProduceAnswer, type ProduceRequest, WireFailure } from '../wire.ts';
import type { Address } from './lane.ts';

export interface GatheredProducesSetup {
  readonly clock: Clock;
  /** Answers in the order of the batches; calls `leaving` right before they leave, and does not send them when it throws. */
  readonly send: (
    at: Address,
    batches: readonly ProduceRequest[],
    leaving: () => void,
  ) => Promise<readonly ProduceAnswer[]>;
}

interface Waiting {
  readonly batch: ProduceRequest;
  readonly madeAt: number;
  readonly resolve: (answer: ProduceAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Gathering {
  readonly at: Address;
  /** By topic and partition: no request may have two batches of one. */
  readonly waiting: Map<string, Waiting>;
  bytes: number;
}

/** Bytes of keys and values that travel together. */
const maxBytes = 256 * 1024;
/** Less than any session: whoever wrote a batch so long ago has to see whether it may still send it. */
const freshMs = 5_000;

export class GatheredProduces {
  readonly #setup: GatheredProducesSetup;
  /** By broker. */
  readonly #gatherings = new Map<string, Gathering>();

  constructor(setup: GatheredProducesSetup) {
    this.#setup = setup;
  }

  /** @param madeAt when somebody decided that it may be sent */
  produce(at: Address, batch: ProduceRequest, madeAt: number): Promise<ProduceAnswer> {
    const broker = `${at.host}:${at.port}`;
    const place = `${batch.topic}/${batch.partition}`;
    const bytes = bytesOf(batch);
    let gathering = this.#gatherings.get(broker);
    if (gathering !== undefined && (gathering.bytes + bytes > maxBytes || gathering.waiting.has(place))) {
      this.#leave(broker, gathering);
      gathering = undefined;
    }
    const joined = gathering ?? this.#begin(broker, at);
    joined.bytes += bytes;
    return new Promise((resolve, reject) => void joined.waiting.set(place, { batch, madeAt, resolve, reject }));
  }

  /** It leaves when all that this phase of the event loop has brought has had its chance to set out, too. */
  #begin(broker: string, at: Address): Gathering {
    const gathering: Gathering = { at, waiting: new Map(), bytes: 0 };
    this.#gatherings.set(broker, gathering);
    this.#setup.clock.soon(() => {
      if (this.#gatherings.get(broker) === gathering) this.#leave(broker, gathering);
    });
    return gathering;
  }

  #leave(broker: string, { at, waiting }: Gathering): void {
    this.#gatherings.delete(broker);
    const all = [...waiting.values()];
    const batches = all.map(({ batch }) => batch);
    const oldest = Math.min(...all.map(({ madeAt }) => madeAt));
    this.#setup
      .send(at, batches, () => this.#checkFresh(oldest))
      .then(
        (answers) => {
          for (const [index, { resolve }] of all.entries()) {
            const answer = answers[index];
            if (answer !== undefined) resolve(answer);
          }
        },
        (error: unknown) => {
          for (const { reject } of all) reject(error);
        },
      );
  }

  /** A process may have stood still between the making of a batch and this moment; nothing was sent then. */
  #checkFresh(madeAt: number): void {
    if (this.#setup.clock.now() - madeAt > freshMs) throw new WireFailure('it was not sent for too long');
  }
}

function bytesOf({ records }: ProduceRequest): number {
  let bytes = 0;
  for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.byteLength ?? 0);
  return bytes;
}
