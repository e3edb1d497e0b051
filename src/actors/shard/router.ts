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

/** Appends of one partition that may be under way or wait, in messages; beyond it new ones are dropped. */
const maxQueued = 10_000;

export class Router<Local> {
  readonly #setup: RouterSetup;
  readonly #local = new Map<number, Ref<ShardMessage<Local>>>();
  readonly #queues = new Map<number, LogRecord[]>();
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
    const queue = this.#queues.get(partition) ?? [];
    if (queue.length >= maxQueued) {
      this.dropped++;
      return;
    }
    queue.push({ key: message.type, value: encodeRouted(message) });
    this.#queues.set(partition, queue);
    if (!this.#appending.has(partition)) void this.#append(partition);
  }

  /** One append at a time for each partition keeps the order; what gathers meanwhile goes in the next one. */
  async #append(partition: number): Promise<void> {
    this.#appending.add(partition);
    try {
      for (let batch = this.#queues.get(partition); batch !== undefined; batch = this.#queues.get(partition)) {
        this.#queues.delete(partition);
        await this.#setup.log.append(this.#setup.eventsTopic, partition, batch);
      }
    } catch (error) {
      // Lost like any other message of the network: its sender sends it again.
      this.dropped++;
      this.#setup.logger.debug({ partition, error: messageOf(error) }, 'could not append a routed message');
    } finally {
      this.#appending.delete(partition);
    }
  }
}
