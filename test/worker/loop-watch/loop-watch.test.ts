import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BoardReader, BoardWriter, newBoard } from '../../../src/worker/loop-watch/board.ts';
import { MissedBeats } from '../../../src/worker/loop-watch/missed-beats.ts';
import { nodeFolder, up } from '../../cli/support.ts';

const flows = resolve('test/fixtures/blocking-flows.ts');
const settings = (within: string) => `modules: ['${flows}']\nwatchdog: { loop: ${within} }\n`;

async function onlyReport(folder: string) {
  const reports = join(folder, 'data', 'reports');
  const [name = '', ...more] = await readdir(reports);
  expect(more).toEqual([]);
  return JSON.parse(await readFile(join(reports, name), 'utf8'));
}

describe('watchdog of the event loop', () => {
  it('AK12, MO3 a flow that never gives the loop back ends the process, with a report of who, where and for how long', async () => {
    const folder = await nodeFolder(settings('3s'));
    const node = await up(folder);
    void node.weir('flow', 'start', 'ACME', 'spin');
    const { code, error } = await node.ended;
    expect(code).toBe(5);
    expect(error).toMatch(
      /^weir: the event loop has stood still for \d+ ms, held by \/services\/flow\/shard-\d in start \(file:.*blocking-flows\.ts:\d+:\d+\); .* \(WEIR_LOOP_BLOCKED\)\n {2}to do: /m,
    );
    const report = await onlyReport(folder);
    expect(report).toMatchObject({
      pid: node.child.pid,
      actor: { path: expect.stringMatching(/^\/services\/flow\//) },
    });
    expect(report.blockedMs).toBeGreaterThanOrEqual(3_000);
    expect(report.stack.join('\n')).toMatch(/blocking-flows\.ts:\d+.*\n[\s\S]*turns\.ts/);
    expect(report.memory.rss).toBeGreaterThan(0);
  });

  it('AK12 a loop that is held outside of JavaScript ends by SIGKILL, and the report names the actor', async () => {
    const folder = await nodeFolder(settings('3s'));
    const node = await up(folder);
    void node.weir('flow', 'start', 'ACME', 'sleep');
    const { error } = await node.ended;
    expect(node.child.signalCode).toBe('SIGKILL');
    expect(error).toMatch(/held by \/services\/flow\/shard-\d outside of JavaScript/);
    expect((await onlyReport(folder)).stack).toBeUndefined();
  });
});

describe('the board', () => {
  it('AK12 says who has the loop', () => {
    const buffer = newBoard();
    const writer = new BoardWriter(buffer);
    const reader = new BoardReader(buffer);
    writer.born(7, '/services/rpc');
    expect(reader.running()).toBeUndefined();
    writer.enters(7);
    expect(reader.running()).toEqual({ uid: 7, path: '/services/rpc' });
    writer.enters(0);
    expect(reader.running()).toBeUndefined();
  });

  it('AK12 the first at a place keep it until they go, and paths of any length and letters fit', () => {
    const buffer = newBoard();
    const writer = new BoardWriter(buffer);
    const reader = new BoardReader(buffer);
    const long = `/${'ü'.repeat(200)}`;
    writer.born(7, long);
    writer.born(7 + 1_024, '/later');
    writer.enters(7 + 1_024);
    expect(reader.running()).toEqual({ uid: 7 + 1_024, path: undefined });
    writer.enters(7);
    expect(long).toContain(reader.running()?.path?.slice(0, 50));
    writer.gone(7 + 1_024);
    expect(reader.running()?.path).toBeDefined();
    writer.gone(7);
    writer.born(7 + 1_024, '/later');
    writer.enters(7 + 1_024);
    expect(reader.running()).toEqual({ uid: 7 + 1_024, path: '/later' });
  });
});

describe('missed beats', () => {
  it('AK12 are counted in looks, whatever time passes between two of them, and end with the next beat', () => {
    const buffer = newBoard();
    const writer = new BoardWriter(buffer);
    const beats = new MissedBeats(new BoardReader(buffer));
    writer.beat(false);
    expect([beats.look(), beats.look(), beats.look()]).toEqual([0, 1, 2]);
    writer.beat(false);
    expect([beats.look(), beats.look()]).toEqual([0, 1]);
  });

  it('AK12 are none while a debugger is attached', () => {
    const buffer = newBoard();
    const writer = new BoardWriter(buffer);
    const beats = new MissedBeats(new BoardReader(buffer));
    writer.beat(true);
    expect([beats.look(), beats.look(), beats.look()]).toEqual([0, 0, 0]);
  });
});
