/** Whoever stops a node that still waits for its brokers does not wait with it. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Followed, followed, nodeFolder, silentUrl } from './support.ts';

/** A node whose brokers are at this address. */
async function folderOn(broker: string): Promise<string> {
  const folder = await nodeFolder();
  const file = join(folder, 'weir.yaml');
  const kafka = `log: { level: warn, driver: kafka, brokers: ['${broker}'], replication: 1, minInsyncReplicas: 1 }`;
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^log: .*$/m, kafka));
  return folder;
}

/** A broker that takes connections and never answers. */
async function muteBroker(): Promise<{ readonly address: string; readonly server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return { address: `127.0.0.1:${address.port}`, server };
}

async function worker(broker: string): Promise<Followed> {
  return followed(['worker', '--config', join(await folderOn(broker), 'weir.yaml')]);
}

const stopped = { code: 0, out: 'Stopped before it was up.\n' };

describe('a worker that waits for brokers', () => {
  it('DP1 ends with the first Ctrl-C where nobody listens', async () => {
    const { child, ended, noted } = await worker((await silentUrl()).replace('http://', ''));
    await noted('the log waits for its brokers');
    child.kill('SIGINT');
    expect(await ended).toMatchObject(stopped);
  });

  it('DP1 ends with the first Ctrl-C where nobody answers', async () => {
    const { address, server } = await muteBroker();
    const heard = once(server, 'connection');
    const { child, ended } = await worker(address);
    await heard;
    child.kill('SIGINT');
    expect(await ended).toMatchObject(stopped);
  }, 9_000);
});
