/** The kernel's section: its figures with their targets, and the same work on other actors in the same run. */
import { measureApart } from './child.ts';
import { type Figure, figure, type Section, type Target } from './figures.ts';
import type { MicroFigure } from './micro.ts';
import { installPeers, runPeer } from './peer-package.ts';

const folder = new URL('kernel-peers/', import.meta.url).pathname;
const peers = ['nact', 'effect'];

const targets: ReadonlyMap<string, Target> = new Map<string, Target>([
  ['tell over 10,000 actors', { sign: '>=', value: 2_000_000 }],
  ['tell between two actors', { sign: '>=', value: 1_000_000 }],
  ['ask, one after the other', { sign: '>=', value: 300_000 }],
  ['spawn and start, 100,000 children of one', { sign: '<=', value: 25 }],
  ['idle actor, 100,000 children of one', { sign: '<=', value: 2_500 }],
  ['crash, restart, answer', { sign: '<=', value: 60 }],
  ['latest 10 ms timer under flood', { sign: '<=', value: 25 }],
  ['stop a tree of 10,000', { sign: '<=', value: 250 }],
  ['heap grown by these', { sign: '<=', value: 1 }],
]);

interface PeerFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export async function kernelSection(): Promise<Section> {
  const found = await measureApart<MicroFigure[]>('micro.ts', { part: 'kernel', runs: 3 });
  const figures: Figure[] = found.map(({ name, unit, values }) => {
    const short = name.replace('kernel: ', '');
    return figure(short, unit, values, targets.get(short));
  });
  const notes = [
    'each value is the best of its rounds, 3 to 5; only completed work is counted',
    'flood: 5,000 actors that always have work, 70 us a message',
    'nact: 7.6.2 alone. effect: 4.1.0, a fiber that takes all of its queue at once, and a cluster entity on the in-memory runner',
    'peers have neither bounds, deadlines and supervision of their own here, nor a durable log',
  ];
  const missing = await installPeers(folder);
  if (missing !== undefined) notes.push(`peers: missing, ${missing}`);
  for (const peer of missing === undefined ? peers : []) {
    try {
      const rows = await runPeer<readonly PeerFigure[]>(folder, peer);
      figures.push(...rows.map(({ name, unit, value }) => figure(`${peer}: ${name}`, unit, [value])));
    } catch (error) {
      notes.push(`${peer}: missing, ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { name: 'kernel', title: 'The actor kernel alone, and the same work on other actors', figures, notes };
}
