/** Restate: its server in one process, the service in another, and this one as the client of its HTTP ingress. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMsOf, data, freePort, inFlight, measureLoad, stop, until } from './processes.ts';

const partitions = 4;
const directory = await mkdtemp(join(tmpdir(), 'weir-bench-restate-'));
const [ingress, admin, fabric, endpoint] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
const children: ChildProcess[] = [];
try {
  const binary = new URL(
    `node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
    import.meta.url,
  );
  const server = spawn(binary.pathname, ['--base-dir', directory, '--node-name', 'bench'], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: {
      ...process.env,
      DO_NOT_TRACK: '1',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'error',
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_DEFAULT_NUM_PARTITIONS: String(partitions),
      RESTATE_BIND_ADDRESS: `127.0.0.1:${fabric}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${fabric}/`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    },
  });
  children.push(server);
  const service = fork(new URL('restate-service.ts', import.meta.url).pathname, [String(endpoint)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(service);
  await once(service, 'message');
  await until(async () => {
    const { ok, status } = await fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: `http://127.0.0.1:${endpoint}` }),
    });
    if (!ok) throw new Error(`Restate refused the deployment with ${status}`);
  });
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  const runs = await measureLoad(
    'restate',
    { runs: 3, flows: 2_000, warmUp: 1_500 },
    () => cpuMsOf(server.pid) + cpuMsOf(service.pid),
    () => settle(agent),
  );
  agent.destroy();
  const notes = [
    'Restate server 1.7.12 (BSL) with SDK 1.17.2 (MIT)',
    `3 processes, HTTP from client to server and HTTP/2 from server to service; ${partitions} partitions, 1 replica, its write-ahead log synced (its default)`,
    'CPU: server and service, not the client',
  ];
  process.stdout.write(`${JSON.stringify({ runs, notes })}\n`);
} finally {
  for (const child of children.reverse()) await stop(child, 'SIGTERM');
  await rm(directory, { recursive: true, force: true });
}
process.exit();

function settle(agent: Agent): Promise<void> {
  const body = JSON.stringify({ data });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const url = `http://127.0.0.1:${ingress}/ThreeStep/run`;
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        if (response.statusCode === 200 && text.includes(data)) resolve();
        else reject(new Error(`Restate answered ${response.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
