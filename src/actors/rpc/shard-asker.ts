/** Asks shards, each question with a deadline: by mailbox one that runs on this worker, through the log any other. */
import { type ErrorCode, ensureError, WeirError } from '../../errors/index.ts';
import type { Answer, Asked, FlowRequest, ReplyTo } from '../flow/protocol.ts';
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

/** Shards that are tried for what any of them may do. */
const mostAsked = 4;
/** What is said of a request that the shard's next owner can be asked in the same words. */
export const leftBehind: ReadonlySet<string> = new Set<ErrorCode>(['WEIR_SHARD_UNAVAILABLE', 'WEIR_ACTOR_DEAD']);
/** What says that a shard has not even looked at what it was asked. */
const notDone: ReadonlySet<string> = new Set<ErrorCode>([
  'WEIR_SHARD_UNAVAILABLE',
  'WEIR_SHARD_BUSY',
  'WEIR_ACTOR_DEAD',
  'WEIR_MAILBOX_FULL',
]);

export class ShardAsker {
  readonly #setup: ShardAskerSetup;
  #turn = 0;

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
    return this.#ask(this.partitionOf(key), key, question, withinMs);
  }

  /** What a shard answers, wherever it runs. Never rejects. */
  async #ask<T>(
    partition: number,
    place: string,
    question: Question<T>,
    withinMs = this.#setup.withinMs,
  ): Promise<Answer<T>> {
    const { elsewhere } = this.#setup;
    const named = elsewhere.named(withinMs);
    if (!this.runsHere(partition)) return elsewhere.ask(partition, question, named);
    const asked: Asked = { id: named.id, place, expires: named.expires };
    const answer = await this.askHere<T>(partition, (replyTo) => question(known(replyTo, asked)), withinMs);
    // It is on its way elsewhere; or it has ended, and nobody here hears what became of what it had taken in.
    if (!isError(answer, leftBehind)) return answer;
    const again = await elsewhere.ask(partition, question, named);
    if (!isError(again, notDone)) return again;
    return { type: 'error', error: new WeirError('WEIR_ASK_TIMEOUT', { path: `shard ${partition}`, withinMs }) };
  }

  /**
   * What the first shard answers that can: for an act that any of them may do. Those of this worker come first, and each
   * time another one. A shard that is silent may have done it all the same: no other one is asked then, or it might be
   * done twice. Never rejects.
   * @param key what the act is about
   */
  async askAny<T>(key: string, question: Question<T>): Promise<Answer<T>> {
    const { partitions } = this.#setup;
    this.#turn += 1;
    const all = Array.from({ length: partitions }, (_, partition) => (partition + this.#turn) % partitions);
    const ordered = all.toSorted((a, b) => Number(this.runsHere(b)) - Number(this.runsHere(a)));
    let answer: Answer<T> = { type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition: 0 }) };
    for (const partition of ordered.slice(0, mostAsked)) {
      answer = await this.#ask(partition, key, question);
      if (!isError(answer, notDone)) return answer;
    }
    return answer;
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

function isError<T>(answer: Answer<T>, codes: ReadonlySet<string>): boolean {
  return answer.type === 'error' && codes.has(answer.error.code);
}

/** The reference, with what the request is known by. */
function known<T>({ path, uid, tell }: Ref<Answer<T>>, asked: Asked): ReplyTo<T> {
  return { path, uid, tell, asked };
}
