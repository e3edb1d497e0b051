/**
 * A tail of one partition of an `events` topic: its records in order, as they come.
 *
 * Owns the loop. The broker holds the request until something is there, so nothing polls; a receiver that asks for time
 * is given nothing until it is ready.
 */
import { messageOf } from '../../../errors/index.ts';
import type { Logger } from '../../../ports/index.ts';
import type { Tail, TailReceiver, TailRecord } from '../port.ts';
import { PartitionReader, type PartitionReaderSetup } from './partition-reader.ts';
import type { WireBatch } from './wire.ts';

export interface PartitionTailSetup extends Omit<PartitionReaderSetup, 'ended' | 'onGap'> {
  readonly logger: Logger;
  /** How long a broker may hold a request when there is nothing to read. */
  readonly waitMs: number;
  /** Told when the tail closes by itself or is closed. */
  readonly onClosed: (tail: Tail) => void;
}

/** Records that a receiver is given at once. */
const chunkRecords = 256;

export interface PartitionTail extends Tail {
  /** Where the partition ends; undefined while it is not waiting there for more. */
  readonly end: number | undefined;
}

export function partitionTail(setup: PartitionTailSetup, receive: TailReceiver): PartitionTail {
  const { logger, topic, partition, from, waitMs, onClosed } = setup;
  let closed = false;
  let waits = false;
  const reader = new PartitionReader({
    ...setup,
    ended: () => closed,
    onGap: (position, oldest) => {
      // Trimmed records are passed over in silence; a position behind the end means that records were lost.
      if (oldest < position)
        logger.error({ topic, partition, position, oldest }, 'events were lost: reading them anew');
    },
  });
  const deliver = async (records: readonly TailRecord[]): Promise<void> => {
    for (let start = 0; start < records.length && !closed; start += chunkRecords) {
      try {
        const held = receive(records.slice(start, start + chunkRecords));
        if (held !== undefined) await held.catch(() => undefined);
      } catch (error) {
        // A receiver's mistake must not end the reading of others' records.
        logger.error({ topic, partition, error }, 'the receiver of a tail threw');
      }
    }
  };
  const run = async (): Promise<void> => {
    let next = from;
    while (!closed) {
      waits = true;
      const records = recordsOf(await reader.next(waitMs), next);
      waits = false;
      next = Math.max(next, reader.position);
      await deliver(records);
    }
  };
  const tail: PartitionTail = {
    get end() {
      const { lastEnd = Number.POSITIVE_INFINITY, position } = reader;
      return waits && !closed && position >= lastEnd ? position : undefined;
    },
    close: () => {
      if (closed) return;
      closed = true;
      onClosed(tail);
    },
  };
  run().catch((error: unknown) => {
    if (!closed) logger.error({ topic, partition, error: messageOf(error) }, 'a tail cannot read on');
    tail.close();
  });
  return tail;
}

/** The records from offset `from` on; the first batch may begin below it. */
function recordsOf(batches: readonly WireBatch[], from: number): TailRecord[] {
  const records: TailRecord[] = [];
  for (const { control, records: found } of batches) {
    if (control) continue;
    for (const { key, value, offset } of found) {
      if (offset >= from && key !== null && value !== null) records.push({ key, value, offset });
    }
  }
  return records;
}
