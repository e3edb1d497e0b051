/**
 * What a partition knows of the producers that write to it: epoch and the last five batches of each.
 *
 * Owns the judgement over an idempotent batch (append it, it is a repeat, refuse it), as `ProducerAppendInfo` and
 * `ProducerStateEntry` of Apache Kafka have it.
 */
import { kafkaError, type ProducerIdentity, type WireBatch } from '../wire.ts';

/** Batches of a producer whose repeats are known as such. */
const remembered = 5;
const sequences = 2 ** 31;

interface KnownBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

interface State {
  epoch: number;
  /** Of the last batch, by its own clock. */
  timestampMs: number;
  /** Oldest first; never empty. */
  batches: KnownBatch[];
}

export type Judgement =
  | { readonly type: 'append' }
  | { readonly type: 'repeat'; readonly baseOffset: number; readonly lastOffset: number }
  | { readonly type: 'refuse'; readonly error: number };

const append: Judgement = { type: 'append' };

export class ProducerStates {
  readonly #states = new Map<string, State>();

  judge(producer: ProducerIdentity & { readonly sequence: number }, records: number): Judgement {
    const state = this.#states.get(producer.producerId);
    // Where nothing is known of a producer, any epoch and any sequence is taken.
    if (state === undefined) return append;
    if (producer.epoch === state.epoch) {
      const last = lastSequence(producer.sequence, records);
      const same = state.batches.find((one) => one.firstSequence === producer.sequence && one.lastSequence === last);
      if (same !== undefined) return { type: 'repeat', baseOffset: same.baseOffset, lastOffset: same.lastOffset };
      const next = ((state.batches.at(-1)?.lastSequence ?? -1) + 1) % sequences;
      return producer.sequence === next ? append : { type: 'refuse', error: kafkaError.outOfOrderSequence };
    }
    if (producer.epoch < state.epoch) return { type: 'refuse', error: kafkaError.invalidProducerEpoch };
    return producer.sequence === 0 ? append : { type: 'refuse', error: kafkaError.outOfOrderSequence };
  }

  add({ producer, baseOffset, lastOffset, timestampMs }: WireBatch): void {
    if (producer === undefined) return;
    const batch: KnownBatch = {
      firstSequence: producer.baseSequence,
      lastSequence: lastSequence(producer.baseSequence, lastOffset - baseOffset + 1),
      ...{ baseOffset, lastOffset },
    };
    const state = this.#states.get(producer.producerId);
    if (state === undefined || state.epoch !== producer.epoch) {
      this.#states.set(producer.producerId, { epoch: producer.epoch, timestampMs, batches: [batch] });
      return;
    }
    if (state.batches.length === remembered) state.batches.shift();
    state.batches.push(batch);
    state.timestampMs = timestampMs;
  }

  /** Forgets producers whose last batch is `afterMs` old by its own timestamp. */
  expire(now: number, afterMs: number): void {
    for (const [id, state] of this.#states) if (now - state.timestampMs >= afterMs) this.#states.delete(id);
  }

  /** The last offset that each known producer wrote: its batch is never cleaned away. */
  lastOffsets(): ReadonlyMap<string, number> {
    return new Map([...this.#states].map(([id, { batches }]) => [id, batches.at(-1)?.lastOffset ?? -1]));
  }

  /** Knows what the log holds and nothing else, as after a truncation. */
  rebuild(batches: Iterable<WireBatch>): void {
    this.#states.clear();
    for (const batch of batches) this.add(batch);
  }

  /** Keeps one batch of each producer, as the snapshot of a restarted broker does. */
  keepLastBatches(): void {
    for (const state of this.#states.values()) state.batches = state.batches.slice(-1);
  }
}

/** Sequences go round: after 2^31 - 1 comes 0. */
function lastSequence(first: number, records: number): number {
  return (first + records - 1) % sequences;
}
