import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeFolder, silentUrl, up, weir } from './support.ts';

describe('weir, the commands', () => {
  it('UX3 starts, lists, shows, kills and retries flows, for people and for programs', async () => {
    const node = await up(await nodeFolder());
    const start = (...args: string[]) => node.weir('flow', 'start', 'ACME', ...args);

    const done = await start('double', '--input', '{"n": 4}', '--request-id', 'r1', '--wait', '30s');
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).toMatch(/^result +\{"doubled":8\}$/m);
    const again = JSON.parse((await start('double', '--input', '{"n": 4}', '--request-id', 'r1', '--json')).out);
    expect(again).toMatchObject({ created: false, clientRequestId: 'r1' });

    expect((await start('decline', '--input', '{"why": "no"}', '--wait', '30s')).code).toBe(1);
    const nap = await start('nap', '--input', '{"for": "1 hour"}', '--wait', '10ms', '--json');
    expect(nap.code).toBe(4);
    const { flowId } = JSON.parse(nap.out);

    const list = await node.weir('flow', 'list');
    expect(list.out.split('\n')[0]).toMatch(/^FLOW ID +FLOW +MEMBER +STATUS +STAGE +UPDATED \(UTC\) +ERROR$/);
    expect(list.out).toMatch(new RegExp(`^${flowId} +nap +ACME +RUNNING `, 'm'));
    expect(list.out.indexOf('nap')).toBeLessThan(list.out.indexOf('double'));
    const failed = JSON.parse(
      (await node.weir('flow', 'list', '--status', 'failed', '--member', 'ACME', '--json')).out,
    );
    expect(failed.flows).toHaveLength(1);
    const pages = JSON.parse((await node.weir('flow', 'list', '--limit', '1', '--all', '--json')).out);
    expect(pages.flows).toHaveLength(3);
    expect((await node.weir('flow', 'list', '--limit', '1')).out).toContain('There are more');

    const shown = await node.weir('flow', 'show', flowId);
    expect(shown.out).toMatch(/^waits on +sleep/m);
    expect(shown.out).toMatch(/^until +\d{4}-/m);
    const killed = await node.weir('flow', 'kill', flowId, '--reason', 'not wanted');
    expect(killed.out).toMatch(/^status +KILLED$/m);
    expect(killed.out).toMatch(/kill +local:operator +not wanted$/m);
    expect(await node.weir('flow', 'retry', flowId, '--reason', 'again')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^weir: flow \S+ has ended as KILLED \(WEIR_FLOW_FINISHED\)\n {2}to do: /),
    });
  });

  it('UX3 reads input from a file and from standard input', async () => {
    const node = await up(await nodeFolder());
    const fromStdin = await weir(
      ['flow', 'start', 'ACME', 'double', '--input', '-', '--wait', '30s', '--url', node.url],
      {
        stdin: '{"n": 21}',
      },
    );
    expect(fromStdin.out).toContain('{"doubled":42}');
    const none = await node.weir('flow', 'start', 'ACME', 'double', '--input', '@/no/such/file');
    expect(none).toMatchObject({ code: 2, error: expect.stringContaining('the input cannot be read') });
    const broken = await node.weir('flow', 'start', 'ACME', 'double', '--input', '{n: 1}');
    expect(broken).toMatchObject({ code: 2, error: expect.stringContaining('the input is not JSON') });
  });

  it('UX3 shows status and tree', async () => {
    const node = await up(await nodeFolder());
    const status = await node.weir('status');
    expect(status.code).toBe(0);
    expect(status.out).toMatch(/^node +ready\nlog +embedded, ok\nshards +2 running\n/);
    expect(JSON.parse((await node.weir('--json', 'status')).out)).toMatchObject({ ready: true });
    const tree = await node.weir('tree');
    expect(tree.out).toMatch(/^services +live/m);
    expect(tree.out).toMatch(/^ {4}shard-0 +live .*phase running/m);
  });

  it('UX2 says how to start a node when none answers', async () => {
    const url = await silentUrl();
    const { code, out, error } = await weir(['status'], { WEIR_URL: url });
    expect([code, out]).toEqual([3, '']);
    expect(error).toBe(
      `weir: no node answers at ${url}: the connection was refused (WEIR_NODE_UNREACHABLE)\n` +
        '  to do: start one with "weir up", or name the address of another with --url or WEIR_URL\n',
    );
    const byNpm = await weir(['status', '--url', url], { npm_execpath: '/npm', npm_lifecycle_event: 'weir' });
    expect(byNpm.error).toContain('to do: start one with "npm run weir -- up"');
    const json = await weir(['status', '--json', '--url', url]);
    expect(JSON.parse(json.error).error).toMatchObject({ code: 'WEIR_NODE_UNREACHABLE', remedy: expect.any(String) });
  });

  it.each([
    [['flow', 'strat'], "unknown command 'strat' (Did you mean start?)"],
    [['flow', 'start', 'ACME'], "missing required argument 'flow'"],
    [['flow', 'kill', 'x'], "required option '--reason <text>' not specified"],
    [['flow', 'list', '--status', 'fine'], 'It is one of RUNNING, STUCK, COMPLETED, FAILED, KILLED'],
    [['status', '--url', 'nowhere'], '"nowhere" is not the URL of a node'],
    [['flow', 'start', 'A', 'b', '--wait', 'soon'], '"soon" is not a duration'],
  ])('UX2 tells a usage error in one sentence: weir %j', async (args, why) => {
    const { code, out, error } = await weir(args);
    expect([code, out]).toEqual([2, '']);
    expect(error.split('\n')[0]).toMatch(/^weir: .* \(WEIR_\w+\)$/);
    expect(error).toContain(why);
    expect(error).not.toMatch(/\n\s+at /);
  });

  it('UX3 states its exit codes', async () => {
    const { code, out } = await weir(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('Exit codes:');
  });

  it('keeps what it has compiled in the cache of its user, and does as well where nothing can be kept', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'weir-cache-'));
    onTestFinished(() => rm(cache, { recursive: true, force: true }));
    const said = await weir(['--version'], { NODE_COMPILE_CACHE: '', XDG_CACHE_HOME: cache });
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(await readdir(join(cache, 'weir', 'compiled'))).toHaveLength(1);
    const nowhere = { NODE_COMPILE_CACHE: '', XDG_CACHE_HOME: '/dev/null' };
    expect(await weir(['--version'], nowhere)).toEqual(said);
  });
});
