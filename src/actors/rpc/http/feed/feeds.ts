/** The clients that follow flows: who may, how many at one time, and how they are sent away when the node stops. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { WeirError } from '../../../../errors/index.ts';
import type { Clock, Logger } from '../../../../ports/index.ts';
import type { Edge } from '../edge.ts';
import { checkSource } from '../guard.ts';
import { rawProblem } from '../problem.ts';
import { noQuery, parsed } from '../requests.ts';
import { apiRoot, json, type Route, route, rpcErrors } from '../routing/route.ts';
import { FeedConnection } from './connection.ts';
import { feedMessage } from './messages.ts';

export interface FeedsSetup {
  readonly edge: Edge;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each answer to a request to be let in. */
  readonly onAnswered: (route: string, status: number) => void;
  /** Feeds that may be open at one time. Default 1 000. */
  readonly max?: number;
}

const path = `${apiRoot}/feed`;
/** A subscription is short. */
const maxMessageBytes = 64 * 1024;
/** How long clients may take to say farewell. */
const farewellMs = 2_000;

export const feedRoute: Route = route({
  method: 'GET',
  path,
  operation: 'openFeed',
  tag: 'flows',
  summary:
    'Flows as they are and as they change, over WebSocket; the client says first which: docs/http.md has its words',
  replies: { 101: json('WebSocket, in which the node says these messages', feedMessage) },
  errors: [...rpcErrors, 'WEIR_FEED_UPGRADE', 'WEIR_FEEDS_FULL', 'WEIR_HTTP_ORIGIN'],
  handle: () => {
    throw new WeirError('WEIR_FEED_UPGRADE');
  },
});

/** Whether a request wants a feed; any other that offers another protocol is answered as if it did not. */
export function isFeed({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url.split('?')[0] === path;
}

export class Feeds {
  readonly #setup: FeedsSetup;
  readonly #max: number;
  readonly #server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: maxMessageBytes });
  readonly #open = new Set<FeedConnection>();
  #closing = false;
  #allGone: (() => void) | undefined;

  constructor(setup: FeedsSetup) {
    this.#setup = setup;
    this.#max = setup.max ?? 1_000;
  }

  get open(): number {
    return this.#open.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { onAnswered } = this.#setup;
    try {
      this.#admit(request);
    } catch (thrown) {
      const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, thrown);
      socket.on('error', () => socket.destroy());
      socket.end(rawProblem(error));
      onAnswered(path, error.status);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (accepted) => {
      const { edge, clock, logger } = this.#setup;
      const connection = new FeedConnection(accepted, {
        ...{ edge, clock, logger },
        onGone: () => {
          this.#open.delete(connection);
          if (this.#open.size === 0) this.#allGone?.();
        },
      });
      this.#open.add(connection);
      onAnswered(path, 101);
    });
  }

  /** Sends everybody away, to come back elsewhere or later; resolves when they have gone. */
  async drain(): Promise<void> {
    this.#closing = true;
    if (this.#open.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    for (const connection of this.#open) connection.release();
    const timer = this.#setup.clock.after(farewellMs, () => this.end());
    await gone;
    timer.cancel();
  }

  /** Cuts whoever is still there. */
  end(): void {
    for (const connection of [...this.#open]) connection.cut();
  }

  /**
   * @throws WeirError `WEIR_HTTP_ROUTE`, `WEIR_NODE_NOT_READY`, `WEIR_HTTP_HOST`, `WEIR_HTTP_ORIGIN`,
   *   `WEIR_REQUEST_INVALID`, `WEIR_FEEDS_FULL`
   */
  #admit(request: IncomingMessage): void {
    const { url = '', headers } = request;
    if (!isFeed(request)) throw new WeirError('WEIR_HTTP_ROUTE', { path: url.split('?')[0] });
    if (this.#closing) throw new WeirError('WEIR_NODE_NOT_READY', { waitsOn: 'it is stopping' });
    // Unlike an answer, what a feed says is seen by pages of other origins, too.
    checkSource('POST', headers.host, headers.origin);
    parsed(noQuery, Object.fromEntries(new URLSearchParams(url.split('?')[1])));
    if (this.#open.size >= this.#max) throw new WeirError('WEIR_FEEDS_FULL', { feeds: this.#open.size });
  }
}
