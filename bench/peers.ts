/**
 * Peers beside Weir: the same flow on other engines, in the same run on the same machine. They are a package of their
 * own in `peers/`, installed here at first use; none of them is part of Weir, nor shipped with it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { measureApart, progress } from './child.ts';
import { type Figure, figures, type Section } from './figures.ts';
import type { FlowsRun } from './flows.ts';
import type { HttpRun } from './http.ts';
import type { Load } from './load.ts';

/** What a peer's script prints on standard output, as its last line. */
export interface PeerReport {
  readonly runs: ReadonlyArray<Load & { readonly cpuMsPerFlow?: number }>;
  /** Versions, durability, processes and hops: what makes the figures comparable, or not. */
  readonly notes: readonly string[];
}

const folder = new URL('peers/', import.meta.url).pathname;
const scripts = ['restate', 'dbos'];
const settings = { runs: 3, flows: 10_000, inFlight: 100, warmUp: 5_000 };

export async function peers(): Promise<Section> {
  const rows: Figure[] = [];
  const notes: string[] = [];
  const missing = await install();
  for (const script of missing === undefined ? scripts : []) {
    try {
      const report = await runPeer(script);
      rows.push(...loadFigures(script, report.runs));
      notes.push(...report.notes.map((note) => `${script}: ${note}`));
    } catch (error) {
      notes.push(`${script}: missing, ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (missing !== undefined) notes.push(`peers: missing, ${missing}`);
  const weir = await measureApart<FlowsRun[]>('flows.ts', settings);
  const overHttp = await measureApart<HttpRun[]>('http.ts', settings);
  return {
    name: 'peers',
    title: 'The three-step flow on peers and on Weir (input and results of 100 bytes, 100 in flight, fsync on)',
    figures: [
      ...loadFigures('weir in process', weir),
      ...loadFigures(
        'weir over HTTP',
        overHttp.map((run) => ({ ...run, cpuMsPerFlow: run.serverCpuMsPerFlow })),
      ),
      ...rows,
    ],
    notes: [
      'weir in process: 1 process, no hop; its log is synced before each commit is acknowledged',
      'weir over HTTP: 2 processes, 1 hop from the client to the node; CPU: the node, not the client',
      ...notes,
    ],
  };
}

function loadFigures(name: string, runs: PeerReport['runs']): Figure[] {
  return figures(`${name}: `, runs, [
    ['flowsPerSecond', 'throughput', 'flows/s'],
    ['p50', 'latency p50', 'ms'],
    ['p99', 'latency p99', 'ms'],
    ['cpuMsPerFlow', 'CPU of all its processes', 'ms/flow'],
  ]);
}

/** Undefined when the peers are there; else why not. */
async function install(): Promise<string | undefined> {
  if (existsSync(`${folder}node_modules`)) return undefined;
  progress('installing the peers, once');
  const { code } = await run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts']);
  return code === 0 ? undefined : 'npm could not install them';
}

async function runPeer(script: string): Promise<PeerReport> {
  const { code, output } = await run(process.execPath, [`${script}.ts`]);
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0) throw new Error(`its script ended with ${code}`);
  // The scripts of the peers print what is declared above.
  return JSON.parse(last) as PeerReport;
}

async function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, output };
}
