/** The parent of worker processes: what it does when one ends, by itself or because it was asked to. */
import { expect, it } from 'vitest';
import { silentLogger } from '../../../src/ports/index.ts';
import { virtualClock } from '../../../src/testing/index.ts';
import { type ParentEvent, type WorkerReport, workersParent } from '../../../src/worker/index.ts';

class Process {
  readonly signals: NodeJS.Signals[] = [];
  readonly pid = 1;
  report: (report: WorkerReport) => void = () => undefined;
  end: (end: { readonly how: string; readonly code: number | null }) => void = () => undefined;

  onReport(listener: (report: WorkerReport) => void): void {
    this.report = listener;
  }

  onExit(listener: Process['end']): void {
    this.end = listener;
  }

  signal(signal: NodeJS.Signals): void {
    this.signals.push(signal);
  }
}

function family(count = 1) {
  const clock = virtualClock();
  const launched: Array<{ readonly worker: string; readonly process: Process }> = [];
  const left: string[] = [];
  const told: string[] = [];
  const events: ParentEvent[] = [];
  const parent = workersParent({
    ...{ clock, logger: silentLogger, random: { next: () => 0.5, bytes: (length) => new Uint8Array(length) } },
    workers: Array.from({ length: count }, (_, index) => `w-${index + 1}`),
    launch(worker) {
      const process = new Process();
      launched.push({ worker, process });
      return process;
    },
    leave: async (group, memberId) => void left.push(`${group}/${memberId}`),
    forget: async (worker) => void left.push(`${worker} forgotten`),
    report: async ({ worker, pid, how }) => void told.push(`${worker} ${pid} ${how}`),
    onEvent: (event) => void events.push(event),
  });
  const newest = (): Process => {
    const last = launched.at(-1);
    if (last === undefined) throw new Error('nothing was launched');
    return last.process;
  };
  return { clock, parent, launched, left, told, events, newest };
}

const killed = { how: 'SIGKILL', code: null };

it('FE13 makes a worker that died leave its groups at once, by the newest id in each, and forgets it', () => {
  const { left, newest } = family();
  newest().report({ type: 'member', group: 'flow', memberId: 'old' });
  newest().report({ type: 'member', group: 'flow', memberId: 'new' });
  newest().end(killed);
  expect(left).toEqual(['flow/new', 'w-1 forgotten']);
});

it('WK9 leaves it to a worker that was told to end, and did, to leave its groups', () => {
  const { parent, left, newest } = family();
  newest().report({ type: 'member', group: 'flow', memberId: 'one' });
  parent.stop('SIGTERM');
  newest().end({ how: 'exit code 0', code: 0 });
  expect(left).toEqual([]);
});

it('FE13 makes a worker leave that was told to end, and was killed', () => {
  const { parent, left, newest } = family();
  newest().report({ type: 'member', group: 'flow', memberId: 'one' });
  parent.stop('SIGTERM');
  newest().end(killed);
  expect(left).toEqual(['flow/one', 'w-1 forgotten']);
});

it('starts a worker again after its backoff, which grows', async () => {
  const { clock, launched, events, newest } = family();
  newest().end(killed);
  await clock.advance(99);
  expect(launched).toHaveLength(1);
  await clock.advance(1);
  expect(launched).toHaveLength(2);
  newest().end(killed);
  expect(events.map((event) => event.type === 'ended' && event.againInMs)).toEqual([100, 200]);
});

it('gives a worker up that ends again and again, and ends with the cause when none is left', async () => {
  const { clock, parent, launched, newest } = family();
  for (let i = 0; i < 6; i++) {
    newest().end({ how: 'exit code 1', code: 1 });
    await clock.advance(5_000);
  }
  expect(launched).toHaveLength(6);
  expect(await parent.ended).toMatchObject({ code: 'WEIR_WORKERS_ENDED', context: { why: 'w-1: exit code 1' } });
});

it('starts none again that refuses its configuration', async () => {
  const { clock, parent, launched, newest } = family();
  newest().end({ how: 'exit code 2', code: 2 });
  await clock.advance(60_000);
  expect(launched).toHaveLength(1);
  expect(await parent.ended).toMatchObject({ code: 'WEIR_WORKERS_ENDED' });
});

it('forwards each signal to the workers that run, starts none again, and ends when they have ended', async () => {
  const { clock, parent, launched, newest } = family(2);
  newest().end(killed);
  parent.stop('SIGTERM');
  parent.stop('SIGINT');
  await clock.advance(60_000);
  expect(launched.map(({ worker, process }) => [worker, process.signals])).toEqual([
    ['w-1', ['SIGTERM', 'SIGINT']],
    ['w-2', []],
  ]);
  launched[0]?.process.end({ how: 'exit code 0', code: 0 });
  expect(await parent.ended).toBeUndefined();
});

it('MO11 tells of a worker that has died how it did, and of none that was told to end', () => {
  const { clock, parent, told, newest } = family();
  newest().end(killed);
  expect(told).toEqual(['w-1 1 SIGKILL']);
  void clock.advance('10 s');
  parent.stop('SIGTERM');
  newest().end({ how: 'exit code 0', code: 0 });
  expect(told).toHaveLength(1);
});
