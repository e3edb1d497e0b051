/**
 * Peers beside Weir: the same flow on other engines, in the same run on the same machine. They are a package of their
 * own in `peers/`, installed here at first use; none of them is part of Weir, nor shipped with it.
 */
import { measureApart } from './child.ts';
import { type Figure, figures, type Section } from './figures.ts';
import type { FlowsRun } from './flows.ts';
import type { HttpRun } from './http.ts';
import type { Load } from './load.ts';
import { installPeers, runPeer } from './peer-package.ts';

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
  const missing = await installPeers(folder);
  for (const script of missing === undefined ? scripts : []) {
    try {
      const report = await runPeer<PeerReport>(folder, script);
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
