/** What processes that have ended leave behind, and who tells of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { WeirError } from '../../../src/errors/index.ts';
import { virtualClock } from '../../../src/testing/index.ts';
import { deathReporter, endedByItself, inheritedErrors, markProcess } from '../../../src/worker/errors/index.ts';
import { decodeError } from '../../../src/worker/errors/record.ts';
import { reportedError, reportFailure, reportFile, reportsFolder, writeReport } from '../../../src/worker/reports.ts';

/** No process has it. */
const goneId = 2 ** 30;
const at = '2026-01-01T00:00:01.000Z';
const began = Date.parse(at) - 1_000;

async function folder(): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'weir-marks-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  return data;
}

/** The mark of a process that runs no more, or another one. */
async function mark(
  data: string,
  more: Partial<Record<'pid' | 'host' | 'startedAt' | 'life' | 'exit', unknown>> = {},
): Promise<void> {
  const { pid } = { pid: goneId, ...more };
  markProcess(data, 'w-1', began)();
  const file = join(data, 'running', `${String(pid)}.json`);
  await writeFile(file, JSON.stringify({ worker: 'w-1', pid, host: hostname(), startedAt: began, ...more }));
}

function block(data: string, pid: number, when = at): void {
  const reports = reportsFolder(data);
  const error = reportedError(new WeirError('WEIR_LOOP_BLOCKED', { blockedMs: 1, by: '', where: '', report: '' }));
  writeReport(reportFile(reports, 'blocked', { at: when, pid }), reports, { at: when, pid, error });
}

const codes = (data: string) =>
  inheritedErrors(data, Date.now()).flatMap(({ errors }) => errors.map(({ code }) => code));

describe('marks of processes', () => {
  it('MO11 one that ended without taking its mark back is told of until that is durable', async () => {
    const data = await folder();
    expect(codes(data)).toEqual([]);
    await mark(data);
    expect(codes(data)).toEqual(['WEIR_WORKER_DIED']);
    for (const { told } of inheritedErrors(data, 0)) told();
    expect([codes(data), await readdir(join(data, 'running'))]).toEqual([[], []]);
  });

  it('MO11 its reports come first, and none of another process that had its id before', async () => {
    const data = await folder();
    block(data, goneId);
    block(data, goneId, '2025-12-31T00:00:00.000Z');
    await mark(data);
    expect(codes(data)).toEqual(['WEIR_LOOP_BLOCKED', 'WEIR_WORKER_DIED']);
    const [first] = inheritedErrors(data, 0).flatMap(({ errors }) => errors);
    expect(first).toMatchObject({ worker: 'w-1', service: 'worker', severity: 'error', at: Date.parse(at) });
  });

  it('MO11 one that runs, or ran on another host, is not told of', async () => {
    const data = await folder();
    await mark(data, { pid: process.ppid });
    await mark(data, { host: 'another' });
    markProcess(data, 'w-2', Date.now());
    expect(codes(data)).toEqual([]);
  });

  it('MO11 one that had the id of this process before it began is gone', async () => {
    const data = await folder();
    await mark(data, { pid: process.pid });
    expect(codes(data)).toEqual(['WEIR_WORKER_DIED']);
  });

  it('MO11 what is in the folder and no mark is passed over, and a place that is no folder harms nobody', async () => {
    const data = await folder();
    await mark(data);
    await writeFile(join(data, 'running', '7.json'), 'half a ma');
    expect(codes(data)).toEqual(['WEIR_WORKER_DIED']);
    const file = join(data, 'running', `${goneId}.json`);
    expect(() => markProcess(file, 'w-1', 0)()).not.toThrow();
    expect(() => reportFailure(file, 'no error at all', 0)).not.toThrow();
  });
});

describe('how a process has ended', () => {
  const life = '0123456789abcdef';
  const itself = (data: string): boolean => endedByItself(data, life, Date.now());

  /** Runs a process that marks itself and then ends; resolves when it has. */
  async function ended(data: string, how: string): Promise<void> {
    const marks = pathToFileURL(resolve('src/worker/errors/index.ts')).href;
    const code = `const { markProcess } = await import(${JSON.stringify(marks)});
      const unmark = markProcess(${JSON.stringify(data)}, 'w-1', Date.now(), '${life}');
      ${how}`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' });
    await once(child, 'close');
  }

  it.each([
    ['process.exit', 'process.exit(0);', true],
    ['an error that nobody caught', "setTimeout(() => { throw new Error('lost'); });", true],
    ['a signal', "process.kill(process.pid, 'SIGKILL');", false],
    ['the code of a signal that it has heard', 'process.exit(143);', false],
    ['taking its mark back before', 'unmark(); process.exit(0);', false],
  ])('FE17 is known: by %s', async (_how, code, expected) => {
    const data = await folder();
    await ended(data, code);
    expect(itself(data)).toBe(expected);
    // Also when it has been told of.
    for (const { told } of inheritedErrors(data, Date.now())) told();
    expect([itself(data), codes(data)]).toEqual([expected, []]);
    expect(endedByItself(data, 'another', Date.now())).toBe(false);
  });

  it('FE17 is known by the report of its watchdog, and not while it runs; a week later the mark goes', async () => {
    const data = await folder();
    await mark(data, { life });
    expect(itself(data)).toBe(false);
    block(data, goneId);
    expect(itself(data)).toBe(true);
    for (const { told } of inheritedErrors(data, Date.now())) told();
    expect(itself(data)).toBe(true);
    inheritedErrors(data, began + 8 * 24 * 60 * 60 * 1_000);
    expect([itself(data), await readdir(join(data, 'running'))]).toEqual([false, []]);
    await mark(data, { life, pid: process.ppid, exit: 0 });
    expect(itself(data)).toBe(false);
  });
});

describe('the parent of workers', () => {
  function reporting(data: string, append: (topic: string) => Promise<void> = async () => undefined) {
    const written: unknown[] = [];
    const report = deathReporter({
      data,
      clock: virtualClock(),
      append: async (topic, records) => {
        await append(topic);
        written.push(...records.map(({ value }) => decodeError(value ?? new Uint8Array())));
      },
    });
    return { written, report: (pid?: number) => report({ worker: 'w-1', pid, how: 'SIGKILL' }) };
  }

  it('MO11 tells of a worker that died, with what it had reported, and nobody does so after it', async () => {
    const data = await folder();
    block(data, goneId);
    await mark(data);
    const { report, written } = reporting(data);
    await report(goneId);
    expect(written).toMatchObject([
      { code: 'WEIR_LOOP_BLOCKED' },
      { code: 'WEIR_WORKER_DIED', worker: 'w-1', message: expect.stringContaining('SIGKILL') },
    ]);
    expect(codes(data)).toEqual([]);
  });

  it('MO11 tells the same as the next process would, so that both together tell it once', async () => {
    const data = await folder();
    await mark(data);
    const inherited = inheritedErrors(data, 0).flatMap(({ errors }) => errors.map(({ id }) => id));
    const { report, written } = reporting(data);
    await report(goneId);
    const ids = z.array(z.object({ id: z.string() })).parse(written);
    expect(ids.map(({ id }) => id)).toEqual(inherited);
  });

  it('MO11 leaves it to the next process when the brokers do not answer, and tells of one that never began', async () => {
    const data = await folder();
    await mark(data);
    const silent = reporting(data, () => Promise.reject(new Error('no broker')));
    await expect(silent.report(goneId)).rejects.toThrow('no broker');
    expect(codes(data)).toEqual(['WEIR_WORKER_DIED']);
    const { report, written } = reporting(data);
    await report(undefined);
    expect(written).toMatchObject([{ code: 'WEIR_WORKER_DIED' }]);
  });
});
