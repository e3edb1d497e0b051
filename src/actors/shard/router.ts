/**
 * Routes messages to shards: by mailbox to a shard that runs on this worker, else through `events[p]`.
 * A route may lose what it carries (a full mailbox, a shard that moves): numbers and resends above it heal that.
 */
import { messageOf } from '../../errors/index.ts';
import type { Logger } from '../../ports/index.ts';
import type { Log, LogRecord } from '../../transport/log/index.ts';
import type { Ref } from '../kernel/index.ts';
import { encodeRouted, type RoutedMessage, type ShardMessage } from './protocol.ts';

export interface RouterSetup {
  readonly log: Log;
  readonly logger: Logger;
  readonly eventsTopic: string;
  /** Sends everything through the log, as if no shard were local; for tests. Default false. */
  readonly forceLog?: boolean | undefined;
}

/** What may wait to be appended to one partition; beyond it new messages are dropped. */
const maxQueued = 10_000;
const maxQueuedBytes = 64 * 1024 * 1024;

/** What waits to be appended to one partition, oldest first. */
interface Queue {
  readonly records: LogRecord[];
  bytes: number;
}

export class Router<Local> {
  readonly #setup: RouterSetup;
  readonly #local = new Map<number, Ref<ShardMessage<Local>>>();
  readonly #queues = new Map<number, Queue>();
  readonly #appending = new Set<number>();
  dropped = 0;

  constructor(setup: RouterSetup) {
    this.#setup = setup;
  }

  opened(partition: number, ref: Ref<ShardMessage<Local>>): void {
    this.#local.set(partition, ref);
  }

  closed(partition: number): void {
    this.#local.delete(partition);
  }

  /** The shard, when it runs on this worker. */
  local(partition: number): Ref<ShardMessage<Local>> | undefined {
    return this.#local.get(partition);
  }

  route(partition: number, message: RoutedMessage): void {
    const ref = this.#setup.forceLog === true ? undefined : this.#local.get(partition);
    if (ref !== undefined) {
      if (ref.tell(message) !== 'accepted') this.dropped++;
      return;
    }
    const queue = this.#queues.get(partition) ?? { records: [], bytes: 0 };
    if (queue.records.length >= maxQueued || queue.bytes >= maxQueuedBytes) {
      this.dropped++;
      return;
    }
    const value = encodeRouted(message);
    queue.records.push({ key: message.type, value });
    queue.bytes += value.length;
    this.#queues.set(partition, queue);
    if (!this.#appending.has(partition)) void this.#append(partition);
  }

  /** One append at a time for each partition keeps the order; what gathers meanwhile goes in the next one. */
  async #append(partition: number): Promise<void> {
    const { log, logger, eventsTopic } = this.#setup;
    this.#appending.add(partition);
    for (let batch = this.#take(partition); batch.length > 0; batch = this.#take(partition)) {
      try {
        await log.append(eventsTopic, partition, batch);
      } catch (error) {
        // Lost like any other message of the network: its sender sends it again. What waits behind it goes on.
        this.dropped += batch.length;
        logger.debug({ partition, error: messageOf(error) }, 'could not append routed messages');
      }
    }
    this.#appending.delete(partition);
  }

  /** The next messages for a partition, as many as one append may carry. */
  #take(partition: number): LogRecord[] {
    const queue = this.#queues.get(partition);
    if (queue === undefined) return [];
    const most = this.#setup.log.limits.maxBatchBytes / 2;
    let count = 0;
    let bytes = 0;
    for (const { value } of queue.records) {
      const size = value?.length ?? 0;
      if (count > 0 && bytes + size > most) break;
      count++;
      bytes += size;
    }
    queue.bytes -= bytes;
    if (count === queue.records.length) this.#queues.delete(partition);
    return queue.records.splice(0, count);
  }
}
