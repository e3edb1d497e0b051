/** A line to a server that can fall silent or break, as networks do. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Line {
  readonly port: number;
  /** From now on nothing passes, and nobody is told; new connections are taken and stay silent as well. */
  silence(): void;
  /** New connections pass again. */
  restore(): void;
  /** Breaks all connections once the server has been sent something with this text in it, before it answers. */
  breakAfter(text: string): void;
  close(): Promise<void>;
}

export async function lineTo(port: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let silent = false;
  let fatalText: string | undefined;
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    // A broken line is what is wanted.
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    keep(client);
    keep(upstream);
    const mute = silent;
    client.on('data', (bytes: Buffer) => {
      if (silent || mute) return;
      if (fatalText !== undefined && bytes.includes(fatalText)) {
        fatalText = undefined;
        // The answer is there, and reaches nobody.
        upstream.removeAllListeners('data').once('data', breakAll);
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      if (!silent && !mute) client.write(bytes);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => {
      if (!silent && !mute) client.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    silence: () => {
      silent = true;
    },
    restore: () => {
      silent = false;
    },
    breakAfter: (text) => {
      fatalText = text;
    },
    close: async () => {
      breakAll();
      await once(server.close(), 'close');
    },
  };
}
