/**
 * Puts the state of a service's shards into another number of partitions, offline.
 *
 * Owns what is a shard's own in it: streams between shards begin anew, with what their receivers have not taken; numbers
 * of commits go on above those of all shards, since ids are made of them; parked inputs keep their place by number. Where
 * everything else belongs is the service's to say.
 */
import { WeirError } from '../../errors/index.ts';
import { type ShardRecord, shardRecord } from '../../persistence/index.ts';
import type { LogRecord } from '../../transport/log/index.ts';
import { positionIn } from './copy.ts';
import { decodeCount } from './count.ts';
import { outboxKey } from './outbox.ts';
import { decodeRouted } from './protocol.ts';

/** What a service knows of its records, for a new number of partitions. */
export interface ServiceRelocation {
  /**
   * Where a record of the state goes; `shard` when it is its shard's, whatever its number is worth; undefined when this
   * version does not know its key.
   */
  state(record: LogRecord): number | 'shard' | undefined;
  /** The shards that a message between shards is sent by and taken by. */
  message(bytes: Uint8Array): { readonly sender: number; readonly receiver: number };
  /** Where a message goes that was sent to the service itself. */
  event(kind: string, bytes: Uint8Array): number;
  /** Where a record of one of its tables goes; undefined as for `state`. */
  table(topic: string, key: string): number | undefined;
}

/** A record, and the partition that it goes to. */
export interface Relocated {
  readonly partition: number;
  readonly record: LogRecord;
}

const streamEntry = /^o\/(\d+)\/(\d+)$/;
const restingKey = /^r\/(\d+)\/(.*)$/;

export class ShardRelocation {
  readonly #partitions: number;
  readonly #service: ServiceRelocation;
  /** Last number that a shard has taken of a sender, by receiver and sender. */
  readonly #taken = new Map<string, number>();
  readonly #positions = new Map<number, number>();
  /** Last number given in each new stream, by sender and receiver. */
  readonly #given = new Map<string, number>();
  #commit = 0;
  #released = true;

  constructor(partitions: number, service: ServiceRelocation) {
    this.#partitions = partitions;
    this.#service = service;
  }

  /** Everything is shown once, before anything is moved: what one shard keeps depends on what others have taken. */
  survey(shard: number, record: LogRecord): void {
    const { key, value } = record;
    if (value === null) return;
    const position = positionIn(record);
    if (position !== undefined) this.#positions.set(shard, position);
    else if (key === 'shard') {
      const { commit, released }: ShardRecord = shardRecord.decode(value);
      this.#commit = Math.max(this.#commit, commit);
      this.#released &&= released;
    } else if (key.startsWith('w/')) this.#taken.set(`${shard}/${key.slice(2)}`, decodeCount(value));
  }

  /** From where on a shard has not taken its events. */
  position(shard: number): number {
    return this.#positions.get(shard) ?? 0;
  }

  /**
   * What becomes of a record of a shard; a stream's entry is put into `streams`, since its order counts.
   * @throws WeirError `WEIR_RECORD_UNREADABLE` for a key that this version does not know
   */
  move(shard: number, record: LogRecord, streams: LogRecord[]): Relocated | undefined {
    const { key } = record;
    if (key === 'shard' || key.startsWith('w/') || key.startsWith('u/')) return undefined;
    if (streamEntry.test(key)) {
      streams.push(record);
      return undefined;
    }
    if (key.startsWith('d/')) {
      return { partition: shard % this.#partitions, record: { ...record, key: `d/${shard}/${key.slice(2)}` } };
    }
    const [, rested, own] = restingKey.exec(key) ?? [];
    if (rested !== undefined && own !== undefined) return this.#ofShard(Number(rested), { ...record, key: own });
    const partition = this.#service.state(record);
    if (partition === undefined) throw unknown(key);
    return partition === 'shard' ? this.#ofShard(shard, record) : { partition, record };
  }

  /** What is a shard's own rests in another one while there are too few, and goes on when there are enough again. */
  #ofShard(shard: number, record: LogRecord): Relocated {
    if (shard < this.#partitions) return { partition: shard, record };
    return { partition: shard % this.#partitions, record: { ...record, key: `r/${shard}/${record.key}` } };
  }

  /** The entries of a shard's streams that nobody has taken, numbered anew in the streams that they belong to now. */
  *entries(shard: number, streams: readonly LogRecord[]): Generator<Relocated> {
    const sorted = streams
      .map(({ key, value }) => {
        const [, receiver, number] = streamEntry.exec(key) ?? [];
        return { receiver: Number(receiver), number: Number(number), value: value ?? new Uint8Array() };
      })
      .sort((a, b) => a.receiver - b.receiver || a.number - b.number);
    for (const { receiver: old, number, value } of sorted) {
      if (number <= (this.#taken.get(`${old}/${shard}`) ?? 0)) continue;
      const { sender, receiver } = this.#service.message(value);
      const stream = `${sender}/${receiver}`;
      const next = (this.#given.get(stream) ?? 0) + 1;
      this.#given.set(stream, next);
      yield { partition: sender, record: { key: outboxKey(receiver, next), value } };
    }
  }

  /**
   * What becomes of an event of a shard. Entries of streams are with their senders, who send them again; one that nobody
   * can read goes where it is parked like others of its shard.
   */
  event(shard: number, record: LogRecord): Relocated | undefined {
    try {
      const message = decodeRouted(record.value ?? new Uint8Array());
      if (message.type !== 'service') return undefined;
      return { partition: this.#service.event(message.kind, message.bytes), record };
    } catch (error) {
      if (!WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) throw error;
      return { partition: shard % this.#partitions, record };
    }
  }

  /** @throws WeirError `WEIR_RECORD_UNREADABLE` for a table or a key that this version does not know */
  table(topic: string, record: LogRecord): Relocated {
    const partition = this.#service.table(topic, record.key);
    if (partition === undefined) throw unknown(`${topic} ${record.key}`);
    return { partition, record };
  }

  /** What each of the new shards begins with. */
  *ends(): Generator<Relocated> {
    const value = shardRecord.encode({
      ...{ partitions: this.#partitions, commit: this.#commit },
      ...{ released: this.#released, claim: 0 },
    });
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      yield { partition, record: { key: 'shard', value } };
    }
  }
}

function unknown(what: string): WeirError {
  return new WeirError('WEIR_RECORD_UNREADABLE', { what, why: 'this version does not know where it belongs' });
}
