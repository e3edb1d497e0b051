/**
 * A network between clients and one server on loopback, that can be cut and slowed down.
 *
 * While it is cut nothing comes through and nothing is refused, as with cables: what was on its way arrives when it is
 * mended, unless its sender has hung up by then.
 */
import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface TcpProxy {
  /** Where clients come. */
  readonly port: number;
  /** Nothing comes through from now on, in either direction. */
  cut(): void;
  /** Each piece takes so much longer; pieces of one connection one after the other. 0: as fast as it goes. */
  slow(delayMs: number): void;
  /** Neither cut nor slow. */
  mend(): void;
  close(): Promise<void>;
}

/** @param target port of the server on loopback; it need not be there yet */
export async function tcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let open = Promise.resolve();
  let reopen: () => void = () => undefined;
  let closed = false;

  const through = async (): Promise<void> => {
    if (delayMs > 0) await pause(delayMs);
    await open;
  };
  const forward = async (from: Socket, to: Socket): Promise<void> => {
    try {
      for await (const piece of from) {
        await through();
        if (to.destroyed) break;
        if (!to.write(piece)) await once(to, 'drain');
      }
      await through();
      to.end();
    } catch {
      // A connection that breaks breaks on the other side, too, once that can be known there.
      await through();
      to.destroy();
    }
  };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  };
  const serve = async (client: Socket): Promise<void> => {
    keep(client);
    await through();
    if (client.destroyed || closed) return;
    const server = dial({ host: '127.0.0.1', port: target });
    keep(server);
    await Promise.all([forward(client, server), forward(server, client)]);
  };

  const listener = createServer((client) => void serve(client));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const mend = (): void => {
    delayMs = 0;
    reopen();
  };
  return {
    port: portOf(listener),
    cut: () => {
      reopen();
      open = new Promise((resolve) => {
        reopen = resolve;
      });
    },
    slow: (byMs) => {
      delayMs = byMs;
    },
    mend,
    close: async () => {
      closed = true;
      mend();
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** Where a server listens. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on a port');
  return address.port;
}
