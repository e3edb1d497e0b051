/**
 * One client that follows flows over WebSocket. It only translates: what is told is the RPC service's to say. A page is
 * asked for when the one before it is on its way, so a client that reads slowly holds one page here and no more (W7).
 */
import type { RawData, WebSocket } from 'ws';
import { WeirError } from '../../../../errors/index.ts';
import type { Clock, Logger, Timer } from '../../../../ports/index.ts';
import type { FeedCursor, FeedQuery } from '../../protocol.ts';
import type { Edge } from '../edge.ts';
import { problemJson } from '../problem.ts';
import { parsed } from '../requests.ts';
import { type FeedMessage, messagesOf, type Subscription, subscribeMessage } from './messages.ts';

/** Close codes, by RFC 6455 and the registry of IANA. */
const closed = { ended: 1_000, restarts: 1_012, later: 1_013, refused: 4_000 } as const;

/** A client that is not there any more does not say so: it answers no ping. */
const pingMs = 30_000;
/** So often it hears of its position, too, when nothing changes. */
const tellMs = 30_000;
const subscribeWithinMs = 10_000;

export interface FeedConnectionSetup {
  readonly edge: Edge;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onGone: () => void;
}

export class FeedConnection {
  readonly #setup: FeedConnectionSetup;
  readonly #socket: WebSocket;
  readonly #gone = new AbortController();
  #subscribed = false;
  #answers = true;
  #timer: Timer;

  constructor(socket: WebSocket, setup: FeedConnectionSetup) {
    this.#socket = socket;
    this.#setup = setup;
    const { clock, logger, onGone } = setup;
    socket.on('message', (data, isBinary) => this.#heard(data, isBinary));
    socket.on('pong', () => {
      this.#answers = true;
    });
    // What is wrong with its frames closes it, by the library and with the right code.
    socket.on('error', (error) => logger.debug({ error: error.message }, 'a feed was broken off'));
    socket.on('close', () => {
      this.#timer.cancel();
      this.#gone.abort();
      onGone();
    });
    this.#timer = clock.after(subscribeWithinMs, () => {
      const why = `no subscription came within ${subscribeWithinMs / 1_000} s`;
      if (!this.#subscribed) this.#refuse(new WeirError('WEIR_REQUEST_INVALID', { why }));
    });
  }

  /** The node stops: the client goes on where it was, at another worker or when the node is back. */
  release(): void {
    this.#close(closed.restarts, 'the node stops: connect again');
  }

  cut(): void {
    this.#socket.terminate();
  }

  #heard(data: RawData, isBinary: boolean): void {
    try {
      if (this.#subscribed) throw new WeirError('WEIR_REQUEST_INVALID', { why: 'a feed has one subscription' });
      this.#subscribed = true;
      const subscription = parsed(subscribeMessage, isBinary ? undefined : jsonOf(data));
      this.#timer.cancel();
      this.#ping();
      this.#follow(this.#queryOf(subscription), subscription.from).catch((thrown: unknown) => this.#refuse(thrown));
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  async #follow(query: FeedQuery, from: string | undefined): Promise<void> {
    const { signal } = this.#gone;
    let since: FeedCursor | string | undefined = from;
    for (;;) {
      const page = await this.#setup.edge.changes(query, since, tellMs, signal);
      for (const message of messagesOf(page)) await this.#send(message);
      if (signal.aborted) return;
      since = page.cursor;
      if (page.ended) {
        this.#close(closed.ended, 'the flow has ended');
        return;
      }
    }
  }

  /** Resolves when the message has left this process, or never will. */
  #send(message: FeedMessage): Promise<void> {
    return new Promise((resolve) => this.#socket.send(JSON.stringify(message), () => resolve()));
  }

  #ping(): void {
    if (!this.#answers) {
      this.cut();
      return;
    }
    this.#answers = false;
    this.#socket.ping();
    this.#timer = this.#setup.clock.after(pingMs, () => this.#ping());
  }

  #refuse(thrown: unknown): void {
    if (this.#gone.signal.aborted) return;
    const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, thrown);
    const { code, status, retryable } = error;
    if (status >= 500 && !retryable) this.#setup.logger.error({ code, error }, 'a feed failed');
    void this.#send({ type: 'refused', problem: problemJson(error) });
    this.#close(retryable ? closed.later : closed.refused + status, code);
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    // Whoever does not answer the farewell is cut off, by the ping that is not answered either.
    if (this.#subscribed) return;
    this.#timer.cancel();
    this.#timer = this.#setup.clock.after(pingMs, () => this.cut());
  }

  /** @throws WeirError `WEIR_MEMBER_UNKNOWN` */
  #queryOf({ flowId, clientRequestId, member: segment, group, status, flow }: Subscription): FeedQuery {
    if (flowId !== undefined) return { name: { flowId } };
    const member = segment === undefined ? undefined : this.#setup.edge.member(segment, group);
    if (member !== undefined && clientRequestId !== undefined) return { name: { member, clientRequestId } };
    return { member, status, flow };
  }
}

/** @throws WeirError `WEIR_REQUEST_INVALID` */
function jsonOf(data: RawData): unknown {
  try {
    return JSON.parse(data.toString());
  } catch (thrown) {
    throw new WeirError('WEIR_REQUEST_INVALID', { why: 'the message is not JSON' }, thrown);
  }
}
