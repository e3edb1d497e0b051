/**
 * Requests of other workers, which reach the shard through the log and may arrive more than once. Owns that each act is
 * done once: what was answered is kept in the commit of the act, for as long as a repeat of the request is still taken,
 * and is the answer to every repeat. What changes nothing is simply answered again. A request of this worker comes again
 * only when its owner has ended without hearing what became of it: its answer is kept for the next one.
 */
import { WeirError } from '../../errors/index.ts';
import { bytes, count, recordCodec, text } from '../../persistence/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import { encodeAnswer } from './answer-record.ts';
import { decodeAsk, type LoggedAsk } from './ask-record.ts';
import type { Answer, Asked, FlowRequest, ReplyTo } from './request.ts';

export interface LogAnswersSetup {
  readonly host: ShardHost;
  readonly handle: (request: FlowRequest) => void;
  /** Brings an answer to whoever reads this partition of the answers; it may be lost. */
  readonly send: (answers: number, bytes: Uint8Array) => void;
}

/** `q/<id>`: what was answered to a request that has changed something. */
interface KeptAnswer {
  /** Routing key of what the request was about. */
  readonly place: string;
  readonly expires: number;
  readonly answer: Uint8Array;
}

export const keptAnswer = recordCodec<KeptAnswer>(
  {
    type: 'record',
    name: 'KeptAnswer',
    namespace: 'weir.state',
    fields: [text('place'), count('expires'), bytes('answer')],
  },
  'kept answer',
);

/** Clocks of hosts differ: the next owner of the shard may still take a repeat that has expired for this one. */
const skewMs = 60_000;
/** Answers that are kept; beyond it acts wait in the log of whoever asks, who sends them again. */
const maxKept = 10_000;
const maxKeptBytes = 16 * 1024 * 1024;
/** What a record carries beside the answer. */
const envelopeBytes = 1_024;

export class LogAnswers {
  readonly #setup: LogAnswersSetup;
  /** By the id of the request, those that leave first in front. */
  #kept = new Map<string, Pick<KeptAnswer, 'expires' | 'answer'>>();
  #keptBytes = 0;
  /** Keys of answers to requests of this worker that nobody will ask for again. */
  readonly #told = new Set<string>();
  #forgets = false;
  #armed = false;
  readonly counts = { expiredAsks: 0, repeatedAsks: 0, deferredAsks: 0 };

  constructor(setup: LogAnswersSetup) {
    this.#setup = setup;
  }

  get size(): number {
    return this.#kept.size;
  }

  restore(id: string, value: Uint8Array): void {
    const { expires, answer } = keptAnswer.decode(value);
    this.#remember(id, expires, answer);
  }

  restored(): void {
    this.#kept = new Map([...this.#kept].sort(([, a], [, b]) => a.expires - b.expires));
    this.#arm();
  }

  /** @throws WeirError `WEIR_RECORD_UNREADABLE` */
  take(encoded: Uint8Array): void {
    const { host, handle } = this.#setup;
    const ask = decodeAsk(encoded);
    // What was kept for it may be forgotten by now.
    if (ask.expires <= host.clock.now()) {
      this.counts.expiredAsks++;
      return;
    }
    const known = this.#kept.get(ask.id);
    if (known !== undefined) {
      this.counts.repeatedAsks++;
      this.#setup.host.meter.count('repeatedRequest');
      // The act may not be durable yet (W3).
      this.#afterCommit(() => this.#send(ask, known.answer));
      return;
    }
    if (ask.isAct && (this.#kept.size >= maxKept || this.#keptBytes >= maxKeptBytes)) {
      this.counts.deferredAsks++;
      return;
    }
    handle(ask.request(ask.isAct ? this.#once(ask) : this.#again(ask)));
  }

  /** Keeps the answer to a request of this worker with what it tells of, until that is durable. */
  keepHere(asked: Asked, answer: Answer<unknown>, changes: ChangeSet): void {
    this.#put(asked, this.#encode(asked, answer), changes);
    // Those of before leave with it, so that an act makes no commit but its own.
    for (const key of this.#told) changes.remove(key);
    this.#told.clear();
    changes.after(() => this.#toldHere(asked));
  }

  /** The last one leaves by itself, if no other act comes. */
  #toldHere({ id }: Asked): void {
    const { host } = this.#setup;
    this.#told.add(keyOf(id));
    if (this.#forgets) return;
    this.#forgets = true;
    host.timers.at(host.clock.now() + skewMs, () => {
      this.#forgets = false;
      host.removeLazily([...this.#told]);
      this.#told.clear();
    });
  }

  /** Keeps the answer with what it tells of. */
  #once(ask: LoggedAsk): ReplyTo<unknown> {
    return {
      ...addressOf(ask),
      keep: (answer, changes) => {
        const encoded = this.#encode(ask, answer);
        this.#remember(ask.id, ask.expires, encoded);
        this.#put(ask, encoded, changes);
        this.#arm();
      },
      tell: (answer) => this.#send(ask, this.#kept.get(ask.id)?.answer ?? this.#encode(ask, answer)),
    };
  }

  #put({ id, place, expires }: Asked, answer: Uint8Array, changes: ChangeSet): void {
    changes.put(keyOf(id), keptAnswer.encode({ place, expires, answer }));
  }

  #again(ask: LoggedAsk): ReplyTo<unknown> {
    return {
      ...addressOf(ask),
      // What is told may rest on what is not durable yet, and leaves the worker (W3).
      tell: (answer) => {
        const encoded = this.#encode(ask, answer);
        this.#afterCommit(() => this.#send(ask, encoded));
        return 'accepted';
      },
    };
  }

  #send({ answers }: LoggedAsk, encoded: Uint8Array): 'accepted' {
    this.#setup.send(answers, encoded);
    return 'accepted';
  }

  #afterCommit(run: () => void): void {
    const changes = new ChangeSet();
    changes.after(run);
    this.#setup.host.add(changes);
  }

  /** Refused here: one record that no log takes would be lost with its neighbours, and nobody would hear of it. */
  #encode({ id, place }: Asked, answer: Answer<unknown>): Uint8Array {
    const limit = this.#setup.host.limits.maxRecordBytes - envelopeBytes;
    try {
      const encoded = encodeAnswer(id, answer);
      if (encoded.length <= limit) return encoded;
      const context = { what: 'the answer', flow: place, bytes: encoded.length, limit };
      return encodeAnswer(id, { type: 'error', error: new WeirError('WEIR_FLOW_TOO_LARGE', context) });
    } catch (error) {
      if (!WeirError.is(error)) throw error;
      return encodeAnswer(id, { type: 'error', error });
    }
  }

  #remember(id: string, expires: number, answer: Uint8Array): void {
    this.#kept.set(id, { expires, answer });
    this.#keptBytes += answer.length;
  }

  /** Waits for the one in front: those behind it leave at the same time or soon after. */
  #arm(): void {
    const { host } = this.#setup;
    const [first] = this.#kept.values();
    if (this.#armed || first === undefined) return;
    this.#armed = true;
    host.timers.at(first.expires + skewMs, () => {
      this.#armed = false;
      const gone: string[] = [];
      for (const [id, { expires, answer }] of this.#kept) {
        if (expires + skewMs > host.clock.now()) break;
        this.#kept.delete(id);
        this.#keptBytes -= answer.length;
        gone.push(keyOf(id));
      }
      host.removeLazily(gone);
      this.#arm();
    });
  }
}

function keyOf(id: string): string {
  return `q/${id}`;
}

function addressOf({ id }: LoggedAsk): { readonly path: string; readonly uid: number } {
  return { path: `/$log/${id}`, uid: 0 };
}
