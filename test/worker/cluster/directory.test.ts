/** The workers of a node as their heartbeats tell of them. */
import { expect, it } from 'vitest';
import { WorkerDirectory } from '../../../src/worker/cluster/directory.ts';
import type { Heartbeat } from '../../../src/worker/cluster/records.ts';

type Shard = Partial<Heartbeat['shards'][number]>;

function beat(worker: string, shards: readonly Shard[] = [], more: Partial<Heartbeat> = {}): Heartbeat {
  return {
    ...{ worker, instance: `${worker}-1`, version: '1', roles: ['all'], startedAt: 0, at: 0, ready: true, waiting: [] },
    shards: shards.map((shard) => ({ service: 'flow', partition: 0, phase: 'running', restarts: 0, ...shard })),
    load: { cpu: 0, memoryBytes: 0 },
    ...more,
  };
}

function directory(...beats: readonly Heartbeat[]) {
  const time = { now: 0 };
  const workers = new WorkerDirectory(() => time.now);
  for (const one of beats) workers.hear(one, 0);
  const place = () => workers.shards('flow', 1).map(({ worker, phase }) => `${worker ?? 'nobody'} ${phase}`);
  return { time, workers, place, state: (name: string) => workers.worker(name)?.state };
}

it('MO1 tells whether a worker is ready, waits, or has not been heard of for three heartbeats', () => {
  const { time, state } = directory(beat('a'), beat('b', [], { ready: false, waiting: ['rpc waits on flow'] }));
  expect([state('a'), state('b')]).toEqual(['ready', 'waiting']);
  time.now = 5_999;
  expect(state('a')).toBe('ready');
  time.now = 6_000;
  expect(state('a')).toBe('silent');
});

it('WK9 tells of a worker that is drained, until its process is another one', () => {
  const { workers, state } = directory(beat('a', [{}]));
  workers.drained('a', { worker: 'a', instance: 'a-1', principal: 'local:operator', reason: 'disk', at: 1 });
  expect(state('a')).toBe('draining');
  workers.hear(beat('a'), 0);
  expect(state('a')).toBe('drained');
  expect(workers.worker('a')?.drained).toEqual({ principal: 'local:operator', reason: 'disk', at: 1 });
  workers.hear(beat('a', [], { instance: 'a-2' }), 0);
  expect(state('a')).toBe('ready');
});

it('FE13 places a shard with the newest claim, whatever an older owner says', () => {
  const old = beat('a', [{ term: '1.9' }]);
  expect(directory(old, beat('b', [{ term: '1.10' }])).place()).toEqual(['b running']);
  expect(directory(beat('b', [{ term: '2.1' }]), old).place()).toEqual(['b running']);
});

it('FE13 a shard that is being claimed is with whoever claims it', () => {
  expect(directory(beat('a', [{ term: '1.9' }]), beat('b', [{ phase: 'claiming' }])).place()).toEqual(['b claiming']);
});

it('FE13 a shard of a silent worker is told as such until another has it, and nobody has one that nobody tells of', () => {
  const { time, workers, place } = directory(beat('a', [{ term: '1.9' }]));
  time.now = 6_000;
  expect(place()).toEqual(['a silent']);
  workers.hear(beat('b', [{ term: '1.8', phase: 'restoring' }]), 6_000);
  expect(place()).toEqual(['b restoring']);
  workers.forget('a');
  workers.hear(beat('b'), 6_000);
  expect(place()).toEqual(['nobody unowned']);
});
