/** A client of the feed over a real socket; every message is held to the document of the node's routes. */
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { apiDocument } from './document.ts';

export interface FeedMessage {
  readonly type: string;
  readonly position?: string;
  readonly flows?: ReadonlyArray<{
    readonly flowId: string;
    readonly clientRequestId: string;
    readonly status: string;
    readonly result?: unknown;
  }>;
  readonly [more: string]: unknown;
}

export interface FeedClient {
  readonly socket: WebSocket;
  readonly messages: readonly FeedMessage[];
  /** Resolves with the first message that fits, of those that came already or later. */
  message(fits: (message: FeedMessage) => boolean): Promise<FeedMessage>;
  /** Resolves once a flow is told of in a status, and gives it. */
  flow(clientRequestId: string, status: string): Promise<NonNullable<FeedMessage['flows']>[number]>;
  /** The last one that was told. */
  position(): string;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

const addressOf = (url: string, path = '/api/v1/feed'): string => `${url.replace(/^http/, 'ws')}${path}`;

/** Opens a feed and subscribes. */
export async function feedOf(
  url: string,
  subscription: Record<string, unknown> | string = {},
  options: ClientOptions = {},
): Promise<FeedClient> {
  const document = apiDocument(await (await fetch(`${url}/openapi.json`)).text());
  const socket = new WebSocket(addressOf(url), options);
  onTestFinished(() => socket.terminate());
  const messages: FeedMessage[] = [];
  const looking = new Set<() => void>();
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => undefined);
  socket.on('error', reject);
  socket.on('message', (data) => {
    const message: FeedMessage = JSON.parse(data.toString());
    try {
      document.checkNamed('FeedMessage', message);
    } catch (error) {
      reject(error);
    }
    messages.push(message);
    for (const look of [...looking]) look();
  });
  await Promise.race([new Promise((resolve) => socket.on('open', resolve)), broken]);
  socket.send(typeof subscription === 'string' ? subscription : JSON.stringify({ type: 'subscribe', ...subscription }));

  const found = <T>(find: () => T | undefined): Promise<T> =>
    Promise.race([
      broken,
      new Promise<T>((resolve, give) => {
        const look = (): void => {
          const value = find();
          if (value === undefined) return;
          looking.delete(look);
          resolve(value);
        };
        looking.add(look);
        look();
        void closed.then(({ code, reason }) => give(new Error(`the feed was closed: ${code} ${reason}`)));
      }),
    ]);
  return {
    ...{ socket, messages, closed },
    message: (fits) => found(() => messages.find(fits)),
    flow: (clientRequestId, status) =>
      found(() =>
        messages
          .flatMap(({ flows = [] }) => flows)
          .find((flow) => flow.clientRequestId === clientRequestId && flow.status === status),
      ),
    position: () => messages.findLast(({ position }) => position !== undefined)?.position ?? '',
  };
}

/** The answer to a request to open a feed that is refused. */
export function refusalOf(url: string, options: ClientOptions = {}, path?: string): Promise<Record<string, unknown>> {
  const socket = new WebSocket(addressOf(url, path), options);
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('it was let in')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, ...JSON.parse(text) }));
    });
  });
}
