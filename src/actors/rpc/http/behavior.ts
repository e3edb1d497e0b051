/** The HTTP edge as an actor: its life is the server's. */
import type { Logger } from '../../../ports/index.ts';
import type { Behavior } from '../../kernel/index.ts';
import type { Address } from './address.ts';
import type { ServerSetup } from './server.ts';

/** Stop accepting and finish what is under way; then `done`. */
export interface HttpMessage {
  readonly type: 'drain';
  readonly done: () => void;
}

export interface HttpSetup extends Omit<ServerSetup, 'clock' | 'logger'> {
  readonly logger: Logger;
  /** Told where it listens, at each start. */
  readonly onListening: (url: string, address: Address) => void;
}

/** @param expose told how to read the facts of each incarnation */
export function httpBehavior(
  setup: HttpSetup,
  expose: (inspect: () => Readonly<Record<string, unknown>>) => void,
): Behavior<HttpMessage> {
  return async (context) => {
    // Only a node with an edge pays for loading the server.
    const { openServer } = await import('./server.ts');
    const server = await openServer({ ...setup, clock: context.clock });
    server.onError((error) => context.fail(error));
    setup.onListening(server.url, server.address);
    expose(() => server.facts());
    return {
      // Not awaited: a turn that waits for slow clients would keep the actor from being stopped by its deadline.
      message: ({ done }) => void server.drain().then(done, done),
      ended: () => server.end(),
    };
  };
}
