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
  type Asked,
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

/** A request by name, and until when it is waited for (monotonic milliseconds). */
export interface Named extends Pick<Asked, 'id' | 'expires'> {
  readonly withinMs: number;
  readonly until: number;
}

/** Where answers for this incarnation arrive. */
interface Door {
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
  /** Begins the ids of its requests. */
  readonly #name: string;
  #door: Door | undefined;
  #number = 0;
  #bytes = 0;
  #trimmed = 0;
  #trimming = false;
  #over = false;

  constructor(setup: LogAsksSetup) {
    this.#setup = setup;
    this.#name = Buffer.from(setup.random.bytes(12)).toString('hex');
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Names a request, which may be asked here first: by its name the next owner of its shard knows it again. */
  named(withinMs: number): Named {
    const { clock } = this.#setup;
    const id = `${this.#name}.${++this.#number}`;
    return { id, withinMs, expires: clock.now() + withinMs, until: clock.monotonic() + withinMs };
  }

  /** What the shard answers; `WEIR_ASK_TIMEOUT` leaves open whether an act was done. Never rejects. */
  ask<T>(partition: number, question: Question<T>, named: Named): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const refuse = (error: WeirError): void => resolve({ type: 'error', error });
      try {
        this.#ask(partition, question, named, resolve);
      } catch (thrown) {
        refuse(WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, ensureError(thrown)));
      }
    });
  }

  /** Whoever waits is told that nobody is here any more who could hear the answer. */
  end(): void {
    this.#over = true;
    this.#door?.tail.close();
    if (this.#waiting.size === 0) return;
    const error = new WeirError('WEIR_NODE_NOT_READY', { waitsOn: 'rpc is stopping' });
    for (const { settle } of [...this.#waiting.values()]) settle(() => ({ type: 'error', error }));
  }

  #ask<T>(
    partition: number,
    question: Question<T>,
    { id, expires, until, withinMs }: Named,
    resolve: (answer: Answer<T>) => void,
  ): void {
    const { clock, log, route } = this.#setup;
    const request = question({ path: '/$log', uid: 0, tell: () => 'dead' });
    if (this.#over || !isRemote(request)) throw new WeirError('WEIR_SHARD_UNAVAILABLE', { partition });
    if (this.#waiting.size >= maxWaiting || this.#bytes >= maxWaitingBytes) {
      throw new WeirError('WEIR_SHARD_BUSY', { partition });
    }
    this.#door ??= this.#open();
    const bytes = encodeAsk({ id, answers: this.#door.partition, expires }, request);
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
      const left = until - clock.monotonic();
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
    const { log } = this.#setup;
    const partition = partitionOf(this.#name, answerPartitions);
    const tail = log.tail(flowTopics.answers, partition, 0, (records) => {
      for (const record of records) this.#heard(record);
      this.#trim(partition, (records.at(-1)?.offset ?? 0) - trimEvery);
      return undefined;
    });
    return { partition, tail };
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
