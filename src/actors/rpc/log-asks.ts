/**
 * Asks shards that run on another worker, or nowhere just now: the request goes through the log of the shard, and the
 * answer comes back on a topic that each worker reads one partition of. A request is sent again until it is answered;
 * whoever has the shard by then does it once (`LogAnswers`), and not at all once it has expired.
 */
import { ensureError, messageOf, WeirError } from '../../errors/index.ts';
import type { Clock, Logger, Random, Timer } from '../../ports/index.ts';
import type { Log, Tail, TailRecord } from '../../transport/log/index.ts';
import {
  type Answer,
  answerPartitions,
  decodeAnswer,
  encodeAsk,
  type FlowRequest,
  flowTopics,
  type LoggedAnswer,
  type RemoteRequest,
  serviceKinds,
} from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import { decodeRouted, partitionOf, type RoutedMessage } from '../shard/index.ts';

export interface LogAsksSetup {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly route: (partition: number, message: RoutedMessage) => void;
}

/** Makes the question, once it is known where its answer goes. */
export type Question<T> = (replyTo: Ref<Answer<T>>) => FlowRequest;

/** A request is sent again after this time. */
const retryMs = 1_000;
/** Requests that may wait at one time, and their bytes. */
const maxWaiting = 10_000;
const maxWaitingBytes = 64 * 1024 * 1024;
/** What a record carries beside the request. */
const envelopeBytes = 1_024;
/** Answers that have been read are forgotten so many at a time, and as many are left for others who read them, too. */
const trimEvery = 200;

/** Where answers for this incarnation arrive. */
interface Door {
  /** Begins the ids of its requests. */
  readonly name: string;
  readonly partition: number;
  readonly tail: Tail;
}

interface Waiting {
  readonly bytes: number;
  timer: Timer | undefined;
  readonly settle: (answer: LoggedAnswer['answer']) => void;
}

export class LogAsks {
  readonly #setup: LogAsksSetup;
  readonly #waiting = new Map<string, Waiting>();
  #door: Door | undefined;
  #number = 0;
  #bytes = 0;
  #trimmed = 0;
  #trimming = false;
  #over = false;

  constructor(setup: LogAsksSetup) {
    this.#setup = setup;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** What the shard answers; `WEIR_ASK_TIMEOUT` leaves open whether an act was done. Never rejects. */
  ask<T>(partition: number, question: Question<T>, withinMs: number): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const refuse = (error: WeirError): void => resolve({ type: 'error', error });
      try {
        this.#ask(partition, question, withinMs, resolve);
      } catch (thrown) {
        refuse(WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, ensureError(thrown)));
      }
    });
  }

  /** Whoever waits is told that nobody is here any more who could hear the answer. */
  end(): void {
    this.#over = true;
    this.#door?.tail.close();
    const error = new WeirError('WEIR_NODE_NOT_READY', { waitsOn: 'rpc is stopping' });
    for (const { settle } of [...this.#waiting.values()]) settle(() => ({ type: 'error', error }));
  }

  #ask<T>(partition: number, question: Question<T>, withinMs: number, resolve: (answer: Answer<T>) => void): void {
    const { clock, log, route } = this.#setup;
    const request = question({ path: '/$log', uid: 0, tell: () => 'dead' });
    if (this.#over || !isRemote(request)) throw new WeirError('WEIR_SHARD_UNAVAILABLE', { partition });
    if (this.#waiting.size >= maxWaiting || this.#bytes >= maxWaitingBytes) {
      throw new WeirError('WEIR_SHARD_BUSY', { partition });
    }
    this.#door ??= this.#open();
    const { name, partition: answers } = this.#door;
    const id = `${name}.${++this.#number}`;
    const end = clock.monotonic() + withinMs;
    const bytes = encodeAsk({ id, answers, expires: clock.now() + withinMs }, request);
    const limit = log.limits.maxRecordBytes - envelopeBytes;
    if (bytes.length > limit) {
      throw new WeirError('WEIR_FLOW_TOO_LARGE', { what: 'the request', flow: id, bytes: bytes.length, limit });
    }
    const waiting: Waiting = {
      bytes: bytes.length,
      timer: undefined,
      settle: (answer) => {
        waiting.timer?.cancel();
        this.#waiting.delete(id);
        this.#bytes -= bytes.length;
        resolve(answer());
      },
    };
    const send = (): void => {
      const left = end - clock.monotonic();
      if (left <= 0) {
        const error = new WeirError('WEIR_ASK_TIMEOUT', { path: `shard ${partition}`, withinMs });
        waiting.settle(() => ({ type: 'error', error }));
        return;
      }
      route(partition, { type: 'service', kind: serviceKinds.ask, bytes });
      waiting.timer = clock.after(Math.min(retryMs, left), send);
    };
    this.#waiting.set(id, waiting);
    this.#bytes += bytes.length;
    send();
  }

  /** Only when somebody asks: on most nodes of one worker nobody ever does. */
  #open(): Door {
    const { log, random } = this.#setup;
    const name = Buffer.from(random.bytes(12)).toString('hex');
    const partition = partitionOf(name, answerPartitions);
    const tail = log.tail(flowTopics.answers, partition, 0, (records) => {
      for (const record of records) this.#heard(record);
      this.#trim(partition, (records.at(-1)?.offset ?? 0) - trimEvery);
      return undefined;
    });
    return { name, partition, tail };
  }

  #heard({ value, offset }: TailRecord): void {
    try {
      const routed = decodeRouted(value);
      if (routed.type !== 'service' || routed.kind !== serviceKinds.answer) return;
      const { id, answer } = decodeAnswer(routed.bytes);
      // Those of other workers, and of requests that were answered before, are nobody's here.
      this.#waiting.get(id)?.settle(answer);
    } catch (error) {
      // Of a newer version: whoever waits for it is told when its time is over.
      this.#setup.logger.warn({ offset, error: messageOf(error) }, 'an answer of another worker cannot be read');
    }
  }

  #trim(partition: number, before: number): void {
    if (this.#trimming || before - this.#trimmed < trimEvery) return;
    const { log, logger } = this.#setup;
    this.#trimming = true;
    this.#trimmed = before;
    log
      .trim(flowTopics.answers, partition, before)
      .catch((error: unknown) => {
        // Only space is at stake, and the next trim covers this one.
        logger.debug({ error: messageOf(error) }, 'the answers were not trimmed');
      })
      .finally(() => {
        this.#trimming = false;
      });
  }
}

function isRemote(request: FlowRequest): request is RemoteRequest {
  return request.type !== 'start' && request.type !== 'waiting' && request.type !== 'auditHead';
}
