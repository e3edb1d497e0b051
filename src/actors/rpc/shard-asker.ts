/** Asks the shards of this worker, each question with a deadline; what runs on another worker is refused. */
import { ensureError, WeirError } from '../../errors/index.ts';
import type { Answer, FlowRequest } from '../flow/protocol.ts';
import type { ActorContext, Ref } from '../kernel/index.ts';
import { partitionOf, type Router } from '../shard/index.ts';

export interface ShardAskerSetup {
  readonly context: Pick<ActorContext<never>, 'ask'>;
  readonly router: Router<FlowRequest>;
  readonly partitions: number;
  /** How long a shard may take to answer. */
  readonly withinMs: number;
}

/** Makes the question, once it is known where its answer goes. */
export type Question<T> = (replyTo: Ref<Answer<T>>) => FlowRequest;

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
  askFor<T>(key: string, question: Question<T>): Promise<Answer<T>> {
    return this.ask(this.partitionOf(key), question);
  }

  /** What a shard answers. Never rejects. */
  async ask<T>(partition: number, question: Question<T>): Promise<Answer<T>> {
    const { context, router, withinMs } = this.#setup;
    const shard = router.local(partition);
    if (shard === undefined) return { type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition }) };
    try {
      return await context.ask(
        shard,
        (reply: Ref<Answer<T>>) => ({ type: 'local' as const, message: question(reply) }),
        { withinMs },
      );
    } catch (thrown) {
      const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, ensureError(thrown));
      return { type: 'error', error };
    }
  }
}
