/** The network of the rig: what is cut arrives when it is mended, and what is slow arrives in order. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { portOf, type TcpProxy, tcpProxy } from './tcp-proxy.ts';

/** A connection through a proxy to a server that gives everything back. */
async function echoed(): Promise<{ readonly proxy: TcpProxy; readonly client: Socket; heard(): string }> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  const proxy = await tcpProxy(port);
  const client = connect(proxy.port, '127.0.0.1');
  let text = '';
  client.on('data', (data) => {
    text += data.toString();
  });
  onTestFinished(async () => {
    client.destroy();
    await proxy.close();
    server.close();
  });
  await once(client, 'connect');
  return { proxy, client, heard: () => text };
}

it('what was on its way while it was cut arrives when it is mended', async () => {
  const { proxy, client, heard } = await echoed();
  client.write('before ');
  await expect.poll(heard).toBe('before ');
  proxy.cut();
  client.write('while');
  const other = connect(proxy.port, '127.0.0.1');
  other.write('late');
  // Whoever connects meanwhile is not refused: nobody answers.
  await once(other, 'connect');
  expect(heard()).toBe('before ');
  proxy.mend();
  await expect.poll(heard).toBe('before while');
  expect((await once(other, 'data')).join()).toBe('late');
  other.destroy();
});

it('what is slow arrives in order', async () => {
  const { proxy, client, heard } = await echoed();
  proxy.slow(20);
  for (const piece of ['a', 'b', 'c']) client.write(piece);
  await expect.poll(heard).toBe('abc');
});
