/** Asks shards, each question with a deadline: by mailbox one that runs on this worker, through the log any other. */
import { ensureError, WeirError } from '../../errors/index.ts';
import type { Answer, FlowRequest } from '../flow/protocol.ts';
import type { ActorContext, Ref } from '../kernel/index.ts';
import { partitionOf, type Router, type ShardMessage } from '../shard/index.ts';
import type { LogAsks, Question } from './log-asks.ts';

export interface ShardAskerSetup {
  readonly context: Pick<ActorContext<never>, 'ask'>;
  readonly router: Router<FlowRequest>;
  readonly partitions: number;
  /** How long a shard may take to answer, unless whoever asks says otherwise. */
  readonly withinMs: number;
  readonly elsewhere: LogAsks;
}

export class ShardAsker {
  readonly #setup: ShardAskerSetup;

  constructor(setup: ShardAskerSetup) {
    this.#setup = setup;
  }

  /** The shard that a routing key belongs to, here or elsewhere. */
  partitionOf(key: string): number {
    return partitionOf(key, this.#setup.partitions);
  }

  /** Whether the shard runs on this worker. */
  runsHere(partition: number): boolean {
    return this.#setup.router.local(partition) !== undefined;
  }

  /** What the shard of a routing key answers. Never rejects. */
  askFor<T>(key: string, question: Question<T>, withinMs?: number): Promise<Answer<T>> {
    return this.ask(this.partitionOf(key), question, withinMs);
  }

  /** What a shard answers, wherever it runs. Never rejects. */
  async ask<T>(partition: number, question: Question<T>, withinMs = this.#setup.withinMs): Promise<Answer<T>> {
    const answer = await this.askHere(partition, question, withinMs);
    // It has not been asked at all: it runs elsewhere, or is on its way there.
    const absent = answer.type === 'error' && answer.error.code === 'WEIR_SHARD_UNAVAILABLE';
    return absent ? this.#setup.elsewhere.ask(partition, question, withinMs) : answer;
  }

  /** What a shard of this worker answers; `WEIR_SHARD_UNAVAILABLE` when it runs elsewhere. Never rejects. */
  async askHere<T>(partition: number, question: Question<T>, withinMs = this.#setup.withinMs): Promise<Answer<T>> {
    const { context, router } = this.#setup;
    const shard = router.local(partition);
    if (shard === undefined) return { type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition }) };
    const asking = (replyTo: Ref<Answer<T>>): ShardMessage<FlowRequest> => ({
      type: 'local',
      message: question(replyTo),
    });
    try {
      return await context.ask(shard, asking, { withinMs });
    } catch (thrown) {
      const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, ensureError(thrown));
      return { type: 'error', error };
    }
  }
}
