/** `weir errors` on a running node, and what processes that have ended leave to be told. */
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nodeFolder, start, type Up, up } from './support.ts';

const errorsAnswer = z.object({
  errors: z.array(z.looseObject({ code: z.string(), message: z.string(), worker: z.string() })),
});
type Errors = z.output<typeof errorsAnswer>['errors'];

async function errors(node: Up, ...filter: string[]): Promise<Errors> {
  return errorsAnswer.parse(JSON.parse((await node.weir('errors', '--json', ...filter)).out)).errors;
}

/** Asks until there are errors that fit. */
async function told(node: Up, ...filter: string[]): Promise<Errors> {
  for (;;) {
    const found = await errors(node, ...filter);
    if (found.length > 0) return found;
  }
}

/** Changes the configuration of a node. */
async function rewrite(folder: string, what: RegExp, by: string): Promise<void> {
  const yaml = join(folder, 'weir.yaml');
  await writeFile(yaml, (await readFile(yaml, 'utf8')).replace(what, by));
}

describe('weir errors', () => {
  it('MO11, UX3 shows what went wrong and goes on with what comes', async () => {
    const node = await up(await nodeFolder());
    const none = await node.weir('errors');
    expect(none).toEqual({ code: 0, out: '', error: '' });
    const following = start(['errors', '--follow', '--url', node.url]);
    const lines = start(['errors', '--follow', '--service', 'flow', '--json', '--url', node.url]);
    const text = (child: typeof following, pattern: RegExp): Promise<string> =>
      new Promise((done) => {
        let out = '';
        child.stdout.on('data', (chunk) => {
          out += chunk;
          if (pattern.test(out)) done(out);
        });
      });
    const shown = text(following, /to do/);
    const line = text(lines, /\n/);
    await node.weir('flow', 'start', 'ACME', 'broken', '--wait', '20s');
    expect(await shown).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}ERROR {2}\S+ {2}flow {2}TypeError {2}flow is stuck: the part is missing\n {4}flow \S+ of ACME; \/services\/flow\/shard-\d; .*to do: see "weir flow show \S+"\n$/,
    );
    expect(JSON.parse(await line)).toMatchObject({ service: 'flow', code: 'TypeError' });
    expect(await errors(node, '--code', 'TypeError')).toHaveLength(1);
    expect(await errors(node, '--service', 'http')).toEqual([]);
    const wrong = await node.weir('errors', '--since', 'yesterday');
    expect(wrong).toMatchObject({ code: 1, error: expect.stringContaining('how long ago (1h)') });
  });

  it('MO11 tells of a process that was killed when the next one has started, once', async () => {
    const folder = await nodeFolder();
    const killed = await up(folder);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const second = await up(folder);
    const pid = killed.child.pid;
    expect(await told(second)).toMatchObject([
      {
        code: 'WEIR_WORKER_DIED',
        message: expect.stringContaining(`(process ${pid}) has ended without being told to`),
      },
    ]);
    second.child.kill('SIGTERM');
    await second.ended;
    const third = await up(folder);
    expect(await errors(third)).toHaveLength(1);
  });

  it('MO11 tells of a blocked event loop, with its report', async () => {
    const flows = resolve('test/fixtures/blocking-flows.ts');
    const folder = await nodeFolder(`modules: ['${flows}']\nwatchdog: { loop: 2s }\n`);
    const blocked = await up(folder);
    void blocked.weir('flow', 'start', 'ACME', 'spin');
    await blocked.ended;
    // The next one does not have the flow, which would hold the loop again.
    await rewrite(folder, /^modules:.*$/m, '');
    const [report, death] = await told(await up(folder), '--service', 'worker');
    expect(report).toMatchObject({
      code: 'WEIR_LOOP_BLOCKED',
      message: expect.stringMatching(/held by \/services\/flow\/shard-\d in start .*report: .*blocked-.*\.json$/),
    });
    expect(death).toMatchObject({ code: 'WEIR_WORKER_DIED' });
  });

  it('MO11 tells of an error that nobody has handled', async () => {
    const folder = await nodeFolder();
    const failed = await up(folder);
    void failed.weir('flow', 'start', 'ACME', 'stray');
    await failed.ended;
    await rewrite(folder, /^members:.*$/m, 'members: { ACME: {} }');
    expect(await told(await up(folder), '--service', 'worker')).toMatchObject([
      { code: 'WEIR_INTERNAL', message: 'nobody looks after this' },
      { code: 'WEIR_WORKER_DIED' },
    ]);
  });
});
