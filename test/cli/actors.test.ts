import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventRows } from '../../src/cli/actor-text.ts';
import { nodeFolder, up } from './support.ts';

/** A command that goes on until it is ended, and what it has printed once that fits. */
function following(...args: string[]) {
  const child = spawn(process.execPath, [resolve('src/cli/main.ts'), ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let look = (): void => undefined;
  child.stdout.on('data', (chunk) => {
    out += chunk;
    look();
  });
  const printed = (pattern: RegExp): Promise<string> =>
    new Promise((done) => {
      look = () => {
        if (pattern.test(out)) done(out);
      };
      look();
    });
  return { printed };
}

describe('weir, actors', () => {
  it('AK13, UX3 suspends, resumes, restarts, stops and traces an actor of a running node', async () => {
    const node = await up(await nodeFolder());
    const act = (...args: string[]) => node.weir('actor', ...args, '--reason', 'a test');
    expect(await act('suspend', '/services/rpc')).toEqual({
      code: 0,
      out: 'suspend /services/rpc: done, it is suspended\n',
      error: '',
    });
    const tree = await node.weir('tree', '/services', '--depth', '2');
    expect(tree.out).toMatch(/^ACTOR +STATE +UID +RESTARTS +MAILBOX/);
    expect(tree.out).toMatch(/^ {2}rpc +suspended +\d+/m);
    expect(tree.out).toMatch(/^ {4}\.\.\. 2 more$/m);
    expect(JSON.parse((await act('resume', '/services/rpc', '--json')).out)).toEqual({
      path: '/services/rpc',
      act: 'resume',
      state: 'live',
    });
    const wrong = await act('restart', '/services/rcp');
    expect([wrong.code, wrong.error]).toEqual([
      1,
      'weir: there is no actor at /services/rcp (WEIR_ACTOR_NOT_FOUND)\n  to do: see the paths with "weir tree"\n',
    ]);
    expect((await act('restart', '/services/flow/shard-0')).code).toBe(0);
    expect((await act('stop', '/services/rpc')).out).toContain('stop /services/rpc: done');
    await expect.poll(async () => (await node.weir('status')).code, { timeout: 20_000 }).toBe(0);

    const trace = node.weir('actor', 'trace', '/services/rpc', '--for', '2s');
    let over = false;
    void trace.then(() => {
      over = true;
    });
    while (!over) await node.weir('flow', 'list');
    expect((await trace).out).toMatch(/^AT \(UTC\) +KIND +WAITED +TOOK +BEHIND +OUTCOME$/m);
    expect((await trace).out).toMatch(/list +\S+ ms +\S+ ms +0 +handled$/m);

    const events = await node.weir('actor', 'events');
    expect(events.out).toMatch(/suspended +\/services\/rpc$/m);
    expect(events.out).toMatch(/failed +\/services\/flow\/shard-0 +a restart of .* was asked for from outside$/m);
  });

  it('AK13, UX3 watches the tree and the events of a node', async () => {
    const node = await up(await nodeFolder());
    const tree = following('tree', '--watch', '--every', '20ms', '--url', node.url);
    const lines = following('tree', '--watch', '--every', '20ms', '--json', '--url', node.url);
    const events = following('actor', 'events', '--follow', '--url', node.url);
    await events.printed(/^.*started +\/services\/rpc$/m);
    await node.weir('actor', 'suspend', '/services/rpc', '--reason', 'a test');
    expect(await events.printed(/suspended +\/services\/rpc$/m)).not.toMatch(/AT \(UTC\).*AT \(UTC\)/s);
    await tree.printed(/ rpc +live.* rpc +suspended/s);
    for (const line of (await lines.printed(/\n.*\n/)).split('\n').slice(0, 2)) {
      expect(JSON.parse(line)).toMatchObject({ actors: [{ path: '/services' }] });
    }
  });
});

describe('events as text', () => {
  const event = (type: string, why?: string) => ({ at: '2026-11-23T06:44:21.607Z', type, path: '/services/rpc', why });

  it('AK13 a storm is one line, and what is not kept any more is counted', () => {
    const storm = [event('dead-letter', 'dead: start'), event('dead-letter', 'dead: start'), event('started')];
    expect(eventRows({ events: storm, next: 9, missed: 2 }, true)).toBe(
      [
        '(2 events in between are not kept any more)',
        '2026-11-23 06:44:21.607  dead-letter  /services/rpc                   dead: start (2 times)',
        '2026-11-23 06:44:21.607  started      /services/rpc',
        '',
      ].join('\n'),
    );
  });
});
