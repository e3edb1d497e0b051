/** A worker's log with an observer: whatever the driver is, trace and invariants hear of the same things. */
import { WeirError } from '../../errors/index.ts';
import {
  type Claim,
  forwardingClaim,
  forwardingLog,
  type Log,
  type LogRecord,
  type ShardId,
  type StatePreview,
  type Table,
  type TopicName,
} from '../../transport/log/index.ts';
import { contentsOf } from './commit-contents.ts';
import type { Happening } from './events.ts';
import { ObservedPreview } from './observed-preview.ts';

export function observedLog(log: Log, observe: (happening: Happening) => void): Log {
  const previews = new WeakMap<StatePreview, ObservedPreview>();
  return forwardingLog(log, {
    async claim(shard, given) {
      observe({ type: 'claiming', shard: { ...shard } });
      const preview = given === undefined ? undefined : previews.get(given);
      const claim = await log.claim(shard, preview ?? given).catch((error: unknown) => {
        if (WeirError.is(error, 'WEIR_LOG_LOST')) {
          observe({ type: 'condemned', shard: { ...shard }, why: String(error.context.why) });
        }
        throw error;
      });
      observe({ type: 'claimed', shard: claim.shard, term: claim.term });
      return observedClaim(claim, preview, observe);
    },
    join(group, partitions, listener, state) {
      const coming = (partition: number): StatePreview | undefined => {
        const inner = listener.coming?.(partition);
        if (inner === undefined) return undefined;
        const shard = { topic: state ?? group, partition };
        const preview = new ObservedPreview(inner, (records) => observe({ type: 'ahead', shard, records }));
        previews.set(inner, preview);
        return preview;
      };
      return log.join(group, partitions, { ...listener, coming }, state);
    },
    condemn(shard, why) {
      observe({ type: 'condemned', shard, why });
      return log.condemn(shard, why);
    },
    append(topic, partition, records) {
      observe({ type: 'append', topic, partition, records });
      return log.append(topic, partition, records);
    },
    table: (topic) => observedTable(log, topic, observe),
  });
}

function observedClaim(
  claim: Claim,
  preview: ObservedPreview | undefined,
  observe: (happening: Happening) => void,
): Claim {
  const { shard, term } = claim;
  let sequence = 0;
  return forwardingClaim(claim, {
    restore: () => observedRestore(claim, preview, observe),
    async commit(batch) {
      sequence += 1;
      const mine = sequence;
      observe({ type: 'commit', shard, term, sequence, batch, contents: contentsOf(batch) });
      try {
        await claim.commit(batch);
      } catch (error) {
        observe({ type: 'refused', shard, term, code: WeirError.is(error) ? error.code : String(error) });
        throw error;
      }
      observe({ type: 'durable', shard, term, sequence: mine });
    },
    onLost: (listener) =>
      claim.onLost(() => {
        observe({ type: 'fenced', shard, term });
        listener();
      }),
    release() {
      observe({ type: 'released', shard, term });
      return claim.release();
    },
  });
}

async function* observedRestore(
  { shard, term, restore }: { shard: ShardId; term: Claim['term']; restore: Claim['restore'] },
  preview: ObservedPreview | undefined,
  observe: (happening: Happening) => void,
): AsyncIterable<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const chunk of restore()) {
    records.push(...chunk);
    yield chunk;
  }
  const ahead = preview?.useWith(records) ?? 'nothing was read';
  observe({ type: 'restored', shard, term, records: preview?.with(records) ?? records, ahead });
}

async function observedTable(log: Log, topic: TopicName, observe: (happening: Happening) => void): Promise<Table> {
  const table = await log.table(topic);
  observe({ type: 'snapshot', topic, entries: new Map(table.entries()) });
  table.onChange((key, value) => observe({ type: 'published', topic, key, value }));
  return new ObservedTable(table, () => observe({ type: 'closed', topic }));
}

/** A class: an object that is given a getter of its own has a shape of its own, which keeps it in memory for long. */
class ObservedTable implements Table {
  readonly #table: Table;
  readonly #onClose: () => void;

  constructor(table: Table, onClose: () => void) {
    this.#table = table;
    this.#onClose = onClose;
  }

  get(key: string): Uint8Array | undefined {
    return this.#table.get(key);
  }

  entries(): ReturnType<Table['entries']> {
    return this.#table.entries();
  }

  get size(): number {
    return this.#table.size;
  }

  handOver(): ReturnType<Table['handOver']> {
    return this.#table.handOver();
  }

  isBehind(partition: number): boolean {
    return this.#table.isBehind(partition);
  }

  onChange(listener: Parameters<Table['onChange']>[0]): ReturnType<Table['onChange']> {
    return this.#table.onChange(listener);
  }

  close(): void {
    this.#onClose();
    this.#table.close();
  }
}
