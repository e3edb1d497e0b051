/** The servers of peers: free ports on loopback, directories that go away again, and processor time by process id. */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Load, load } from '../load.ts';

export interface PeerRun extends Load {
  readonly cpuMsPerFlow: number;
}

export interface PeerSettings {
  readonly runs: number;
  readonly flows: number;
  readonly warmUp: number;
}

export const inFlight = 100;

export async function work(data: string): Promise<string> {
  await new Promise<void>((resolve) => setImmediate(resolve));
  return data;
}

/** Input and results of 100 bytes as JSON, with its quotes and its key. */
export const data = 'x'.repeat(92);

/** Runs the load so many times; `cpuMs` is of all processes of the engine. */
export async function measureLoad(
  name: string,
  { runs, flows, warmUp }: PeerSettings,
  cpuMs: () => number,
  once: (n: number) => Promise<void>,
): Promise<PeerRun[]> {
  process.stderr.write(`  ${name}: warming up\n`);
  await load(warmUp, inFlight, once);
  const results: PeerRun[] = [];
  for (let run = 1; run <= runs; run++) {
    const before = cpuMs();
    const result = await load(flows, inFlight, once);
    results.push({ ...result, cpuMsPerFlow: (cpuMs() - before) / flows });
    process.stderr.write(`  ${name}, run ${run} of ${runs}: ${Math.round(result.flowsPerSecond)} flows/s\n`);
  }
  return results;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

/** Asks again until `ready` does not throw. @throws Error what it threw last, after 30 s */
export async function until(ready: () => Promise<void>): Promise<void> {
  for (const end = Date.now() + 30_000; ; await pause(100)) {
    try {
      return await ready();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}

/** Processor time of a process and its children in milliseconds, as far as Linux tells it. */
export function cpuMsOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.reduce((sum, name) => {
    const { parent, ticks } = statOf(name);
    return Number(name) === pid || parent === pid ? sum + (ticks * 1_000) / ticksPerSecond : sum;
  }, 0);
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function statOf(pid: string): { readonly parent: number; readonly ticks: number } {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold spaces; the fields begin behind it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    // It has ended since the list was read.
    return { parent: -1, ticks: 0 };
  }
}
