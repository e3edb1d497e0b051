/** Sections about the life of flows: waking, memory, many in a row, and neighbours that fail. */
import { measureApart, progress } from './child.ts';
import { type Figure, figure, figures, medianOf, type Section } from './figures.ts';
import type { LivesRun } from './lives.ts';
import type { NeighboursRun, NeighboursSettings } from './neighbours.ts';
import type { SuspendedResult } from './suspended.ts';
import type { WakingRun, WakingSettings } from './waking.ts';

/** Flows that end one after the other, unless somebody asks for another number. */
export const livesByDefault = 200_000;

export async function waking(): Promise<Section> {
  const measured = (steps: number, perVisit: number): Promise<WakingRun[]> => {
    const settings: WakingSettings = { runs: 5, steps, perVisit, flows: 8, wakes: 160 };
    return measureApart<WakingRun[]>('waking.ts', settings);
  };
  const [few, many, long] = [await measured(10, 10), await measured(10_000, 10), await measured(1_000, 1_000)];
  const ratio = (key: keyof WakingRun): number =>
    medianOf(many.map((run) => run[key])) / medianOf(few.map((run) => run[key]));
  const columns = [
    ['wakeMs', 'until it waits again, p50', 'ms'],
    ['cpuMs', 'CPU', 'ms'],
    ['checkpointBytes', 'checkpoint beyond its state', 'bytes'],
  ] as const;
  const [[key, name, unit], ...rest] = columns;
  return {
    name: 'waking',
    title: 'Waking a cold flow by a signal, one after the other (one shard, fsync on)',
    figures: [
      ...figures('after 10 steps: ', few, columns),
      ...figures('after 10,000 steps: ', many, columns),
      figure('10,000 against 10 steps: CPU', 'times', [ratio('cpuMs')], { sign: '<=', value: 1.2 }),
      figure('… checkpoint', 'times', [ratio('checkpointBytes')], { sign: '<=', value: 1.05 }),
      ...figures('journal of 1,000 steps: ', long, [[key, name, unit, { sign: '<=', value: 10 }], ...rest]),
    ],
    notes: [
      'steps: 10 in each visit of a stage; in the last one the flow waits. The third one makes all of its 1,000 in one visit',
      'until it waits again: its checkpoint is decoded, its stage rebuilt from the journal, and the signal made durable',
      'checkpoint: records of head, journal and signals, after 120 signals to each flow',
    ],
  };
}

export async function suspended(): Promise<Section> {
  const result = await measureApart<SuspendedResult>('suspended.ts', { runs: 3, flows: 100_000 });
  const { restores, woken, checkpointBytes, statusBytes } = result;
  const own = checkpointBytes + statusBytes;
  const beyond = restores.map(({ bytesPerFlow }) => ({
    bytesPerFlow,
    beyond: bytesPerFlow === undefined ? undefined : bytesPerFlow - own,
  }));
  return {
    name: 'suspended',
    title: '100,000 suspended flows in one shard: each has an input of 100 bytes and sleeps',
    figures: [
      ...figures('', restores, [
        ['restoreMs', 'restore of the shard', 'ms', { sign: '<=', value: 3_000 }],
        ['openMs', 'opening the log, with its full check', 'ms'],
        ['readyMs', 'start until the node is ready', 'ms'],
        ['readyCpuMs', '… CPU', 'ms'],
      ]),
      ...figures('memory of a suspended flow', beyond, [
        ['bytesPerFlow', '', 'bytes'],
        ['beyond', ', beyond its own bytes', 'bytes', { sign: '<=', value: 300 }],
      ]),
      figure('own bytes: checkpoint', 'bytes', [checkpointBytes]),
      figure('own bytes: status', 'bytes', [statusBytes]),
      ...figures(
        'all woken at once: ',
        [woken],
        [
          ['finishedMs', 'until all have finished', 'ms', { sign: '<=', value: 10_000 }],
          ['cpuMs', 'CPU, with the start of the node', 'ms'],
          ['longestTurnMs', 'longest turn of the event loop', 'ms'],
        ],
      ),
    ],
    notes: [
      'memory: live heap and buffers of the whole node, shard and index of requests, against an empty node',
      'woken at once: the node starts two days later, so that the time of all has come when they are there again',
    ],
  };
}

/** @param flows how many end one after the other */
export async function lives(flows: number): Promise<Section> {
  const run = await measureApart<LivesRun>('lives.ts', { flows, warmUp: 50_000, inFlight: 100 });
  return {
    name: 'lives',
    title: `${flows.toLocaleString('en-US')} flows in a row, each with one step, kept for 30 s after their end`,
    figures: figures(
      '',
      [run],
      [
        ['flowsPerSecond', 'throughput', 'flows/s'],
        ['heapGrown', 'heap and buffers grown', 'MiB', { sign: '<=', value: 2 }],
        ['diskBefore', 'disk before', 'MiB'],
        ['diskGrown', 'disk grown', 'MiB', { sign: '<=', value: 32 }],
        ['handlesGrown', 'open files, sockets and timers more', '', { sign: '<=', value: 0 }],
      ],
    ),
    notes: [
      'before: after 50,000 flows that have been forgotten; looked at again when these have been forgotten too',
      'disk: the store gives space back when nobody has written for 5 s; what it swings by is a few of its write buffers of 8 MiB',
      'another number of flows: npm run bench -- lives --lives 1000000',
    ],
  };
}

export async function neighbours(): Promise<Section> {
  const settings = { flows: 1_000, pauseMs: 500, windowMs: 6_000 };
  const [alone, beside]: [NeighboursRun[], NeighboursRun[]] = [[], []];
  for (let pair = 1; pair <= 3; pair++) {
    progress(`neighbours, pair ${pair} of 3`);
    const measured = (failing: boolean): Promise<NeighboursRun> =>
      measureApart<NeighboursRun>('neighbours.ts', { ...settings, failing } satisfies NeighboursSettings);
    alone.push(await measured(false));
    beside.push(await measured(true));
  }
  const ratio = (name: string, key: keyof NeighboursRun): Figure => {
    const ratios = beside.map((run, pair) => run[key] / (alone[pair]?.[key] ?? 0));
    return figure(name, 'times', ratios, { sign: '>=', value: 0.95 });
  };
  const columns = [
    ['turns', 'steps of all', ''],
    ['commits', 'commits of all', ''],
    ['fewest', 'steps of the one that made the fewest', ''],
  ] as const;
  return {
    name: 'neighbours',
    title: '1,000 flows that make a step each half second, for 6 s, without and with a flow that fails in a loop',
    figures: [
      ...figures('without: ', alone, columns),
      ...figures('with: ', beside, [...columns, ['failures', 'failures of the failing one', '']]),
      ratio('with against without: steps', 'turns'),
      ratio('… commits', 'commits'),
    ],
    notes: [
      'the failing one tries its step again after 1 ms, each time; each failure is recorded',
      'commits: each one counts once for each of the 1,000 flows that it has records of',
    ],
  };
}
