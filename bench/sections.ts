/** What `npm run bench` measures: each section with its settings, its targets and what a reader must know. */
import { measureApart } from './child.ts';
import { type Figure, figure, figures, medianOf, type Section, type Target } from './figures.ts';
import type { FirstPaymentRun } from './first-payment.ts';
import type { FloorRun } from './floor.ts';
import { lives, neighbours, suspended, waking } from './flow-sections.ts';
import type { FlowsRun } from './flows.ts';
import type { HttpRun } from './http.ts';
import { kernelSection } from './kernel-section.ts';
import type { KillRun } from './kill.ts';
import type { MicroFigure } from './micro.ts';

const one = { runs: 5, flows: 500, inFlight: 1, warmUp: 2_000 };
const hundred = { runs: 5, flows: 15_000, inFlight: 100, warmUp: 6_000 };

export interface SectionSettings {
  /** Flows of the section `lives`. */
  readonly lives: number;
}

export const sections: ReadonlyMap<string, (settings: SectionSettings) => Promise<Section>> = new Map([
  ['three-step', threeStep],
  ['waking', waking],
  ['suspended', suspended],
  ['neighbours', neighbours],
  ['lives', (settings: SectionSettings) => lives(settings.lives)],
  ['http', http],
  ['kernel', kernelSection],
  ['log', log],
  ['kill', kill],
  ['start', start],
]);

/** Names that stand for several sections. */
export const groups: ReadonlyMap<string, readonly string[]> = new Map([
  ['flows', ['three-step', 'waking', 'suspended', 'neighbours', 'lives']],
]);

async function threeStep(): Promise<Section> {
  const single = await measureApart<FlowsRun[]>('flows.ts', one);
  const many = await measureApart<FlowsRun[]>('flows.ts', hundred);
  const floor = await measureApart<FloorRun[]>('floor.ts', hundred);
  const ratio =
    medianOf(floor.map(({ flowsPerSecond }) => flowsPerSecond)) / medianOf(many.map((run) => run.flowsPerSecond));
  const cost = medianOf(many.map((run) => run.cpuMsPerFlow)) / medianOf(floor.map((run) => run.cpuMsPerFlow));
  return {
    name: 'three-step',
    title: 'Three-step flow, embedded, in process (input and results of 100 bytes, 8 shards, fsync on)',
    figures: [
      ...flowFigures('1 in flight: ', single, {}, { sign: '<=', value: 3 }),
      ...flowFigures('100 in flight: ', many, { sign: '>=', value: 6_000 }, { sign: '<=', value: 25 }),
      ...figures('bare floor, 100 in flight: ', floor, [
        ['flowsPerSecond', 'throughput', 'flows/s'],
        ['p50', 'latency p50', 'ms'],
        ['p99', 'latency p99', 'ms'],
        ['cpuMsPerFlow', 'CPU', 'ms/flow'],
        ['bytesPerFlow', 'written', 'bytes/flow'],
      ]),
      figure('bare floor against Weir: throughput', 'times', [ratio]),
      figure('Weir against bare floor: CPU', 'times', [cost]),
    ],
    notes: [
      'latency: from the start to the result in the caller; four commits of a flow wait for each other',
      'commits: batches of shards, which flows in flight share; alone, a flow makes each of its four',
      'written: all write calls of the process, so with the log, the tables and the compaction of the store',
      'bare floor: the same records, sizes and order of commits through the same codec and store, without engine',
    ],
  };
}

function flowFigures(
  prefix: string,
  runs: readonly FlowsRun[],
  throughput: Target | Record<string, never>,
  p50: Target,
): Figure[] {
  return figures(prefix, runs, [
    ['flowsPerSecond', 'throughput', 'flows/s', ...targetOf(throughput)],
    ['p50', 'latency p50', 'ms', p50],
    ['p99', 'latency p99', 'ms'],
    ['cpuMsPerFlow', 'CPU', 'ms/flow'],
    ['commitsPerFlow', 'commits', '1/flow'],
    ['bytesPerFlow', 'written', 'bytes/flow'],
  ]);
}

async function http(): Promise<Section> {
  const single = await measureApart<HttpRun[]>('http.ts', one);
  const many = await measureApart<HttpRun[]>('http.ts', { ...hundred, flows: 8_000, warmUp: 12_000 });
  const columns = (throughput: readonly [Target] | [], p50: readonly [Target] | []) =>
    [
      ['flowsPerSecond', 'throughput', 'flows/s', ...throughput],
      ['p50', 'latency p50', 'ms', ...p50],
      ['p99', 'latency p99', 'ms'],
      ['serverCpuMsPerFlow', 'CPU of the node', 'ms/flow'],
      ['clientCpuMsPerFlow', 'CPU of the client', 'ms/flow'],
    ] as const;
  return {
    name: 'http',
    title: 'Three-step flow over HTTP, from a client in another process (start and result in one request)',
    figures: [
      ...figures('1 in flight: ', single, columns([], [])),
      ...figures('100 in flight: ', many, columns([{ sign: '>=', value: 2_500 }], [{ sign: '<=', value: 60 }])),
    ],
    notes: ['the client shares the cores with the node; keep-alive connections on loopback, no TLS'],
  };
}

async function log(): Promise<Section> {
  const found = await measureApart<MicroFigure[]>('micro.ts', { part: 'log', runs: 3 });
  const rows = found.map(({ name, unit, values }) => figure(name.replace('log: ', ''), unit, values));
  const title = 'The embedded log alone (shards x records of 200 bytes, fsync on)';
  return { name: 'log', title, figures: rows, notes: [] };
}

async function kill(): Promise<Section> {
  const runs = await measureApart<KillRun[]>('kill.ts', { runs: 5, busyMs: 2_000 });
  return {
    name: 'kill',
    title: 'Pause at kill -9 of a node with 100 flows in flight, restarted at once',
    figures: figures('', runs, [
      ['pauseMs', 'from SIGKILL to the first settled flow', 'ms'],
      ['startMs', 'of this, the start of the node', 'ms'],
    ]),
    notes: ['the rest is the end of the old process and Node with the modules of the new one'],
  };
}

async function start(): Promise<Section> {
  const runs = await measureApart<FirstPaymentRun[]>('first-payment.ts', { runs: 5 });
  return {
    name: 'start',
    title: 'From `npm start` to the first settled payment, on a fresh data directory',
    figures: figures('', runs, [
      ['seenMs', 'with npm', 'ms', { sign: '<=', value: 2_000 }],
      ['firstSettledMs', 'since the process of the example began', 'ms'],
    ]),
    notes: [],
  };
}

function targetOf(target: Target | Record<string, never>): [] | [Target] {
  return 'sign' in target ? [target as Target] : [];
}
