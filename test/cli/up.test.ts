import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFolder, up, weir } from './support.ts';

interface Posted {
  readonly status: number;
  readonly flowId: string;
}

async function post(url: string, clientRequestId: string, flow: string, input: unknown): Promise<Posted> {
  const response = await fetch(`${url}/api/v1/members/ACME/flows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ clientRequestId, flow, input }),
  });
  const { flowId } = (await response.json()) as { flowId: string };
  return { status: response.status, flowId };
}

async function flowAt(url: string, flowId: string): Promise<{ status: string; clientRequestId: string }> {
  const response = await fetch(`${url}/api/v1/flows/${flowId}/result?wait=30s`);
  return (await response.json()) as { status: string; clientRequestId: string };
}

describe('weir up', () => {
  it('DP1 starts a whole node with one command, and says where it is and what to try next', async () => {
    const node = await up(await nodeFolder());
    expect((await fetch(`${node.url}/health/ready`)).status).toBe(200);
    await node.told(/^ {2}weir flow start ACME broken --wait 30s --url http/m);
    node.child.kill('SIGINT');
    expect(await node.ended).toMatchObject({ code: 0, error: '' });
  });

  it('FE2 looks for mistakes of determinism in development, and trusts the code in production', async () => {
    const dice = `modules: ['${resolve('test/fixtures/mistaken-flows.ts')}']\n`;
    const start = ['flow', 'start', 'ACME', 'dice', '--wait', '30s'];
    const development = await up(await nodeFolder(`${dice}profile: development\n`, 'silent'));
    const stuck = await development.weir(...start);
    expect(stuck).toMatchObject({ code: 4, out: expect.stringContaining('WEIR_FLOW_DIVERGED') });
    expect(stuck.out).toMatch(
      /step "throw 0\.\d+", at \S+mistaken-flows\.ts:11:21 where step "throw 0\.\d+", at \S+:11:21 was/,
    );
    const production = await up(await nodeFolder(dice, 'silent'));
    expect(await production.weir(...start)).toMatchObject({ code: 0, out: expect.stringContaining('COMPLETED') });
  });

  it('drains on SIGTERM and loses nothing: every flow that got 202 goes on after the next start', async () => {
    const directory = await nodeFolder();
    const first = await up(directory);
    const accepted: string[] = [];
    let refused = 0;
    const client = async (name: number): Promise<void> => {
      for (let n = 0; ; n++) {
        try {
          const { status, flowId } = await post(first.url, `${name}/${n}`, 'nap', { for: '100 ms' });
          if (status === 202) accepted.push(flowId);
          else refused++;
        } catch {
          // The node is gone: whatever it had answered is what counts.
          return;
        }
        if (accepted.length === 40) first.child.kill('SIGTERM');
      }
    };
    await Promise.all([0, 1, 2, 3].map(client));
    expect(await first.ended).toMatchObject({ code: 0, error: '' });
    expect(accepted.length).toBeGreaterThanOrEqual(40);
    expect(refused).toBeLessThanOrEqual(accepted.length);

    const second = await up(directory);
    const ends = await Promise.all(accepted.map((flowId) => flowAt(second.url, flowId)));
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(['COMPLETED']));
    expect(new Set(ends.map(({ clientRequestId }) => clientRequestId)).size).toBe(accepted.length);
  });

  it('ends at once at the second signal, and says that nothing accepted is lost', async () => {
    const directory = await nodeFolder();
    const node = await up(directory);
    const { flowId } = await post(node.url, 'r', 'hang', {});
    await expect.poll(async () => (await node.weir('flow', 'show', flowId)).out).toMatch(/waits on +step for ever/);
    node.child.kill('SIGTERM');
    await node.told('again to end at once');
    node.child.kill('SIGTERM');
    expect(await node.ended).toMatchObject({
      code: 143,
      error: expect.stringContaining('nothing that was accepted is lost'),
    });

    const again = await up(directory);
    expect((await again.weir('flow', 'show', flowId)).out).toMatch(/status +RUNNING/);
  });

  it('UX2 ends with the cause and without a stack when the process itself fails', async () => {
    const node = await up(await nodeFolder('', 'silent'));
    await post(node.url, 'r', 'stray', {}).catch(() => undefined);
    const { code, error } = await node.ended;
    expect(code).toBe(1);
    expect(error).toMatch(/^weir: nobody looks after this \(WEIR_INTERNAL\)\n {2}to do: .*\n$/);
  });

  it('CF10 takes flags over the file', async () => {
    const directory = await nodeFolder();
    const node = await up(directory, '--data', join(directory, 'elsewhere'), '--port', '0', '--host', 'localhost');
    expect(node.url).toMatch(/^http:\/\/localhost:/);
    await node.told(`data in ${join(directory, 'elsewhere')}`);
  });

  it('UX2 says that the data directory is in use, and by what it can be helped', async () => {
    const directory = await nodeFolder();
    await up(directory);
    const { code, out, error } = await weir(['up', '--config', join(directory, 'weir.yaml')]);
    expect([code, out]).toEqual([1, '']);
    expect(error).toMatch(/^weir: the data directory .* is in use by another process \(WEIR_LOG_IN_USE\)\n/);
    expect(error).toContain('\n  to do: stop the other process, or choose another directory\n');
  });

  it('UX2 says that the port is in use', async () => {
    const { url } = await up(await nodeFolder());
    const other = await nodeFolder();
    const { port } = new URL(url);
    const { code, error } = await weir(['up', '--config', join(other, 'weir.yaml'), '--port', port]);
    expect(code).toBe(1);
    expect(error).toContain(`weir: port ${port} of 127.0.0.1 is in use by another process (WEIR_HTTP_PORT_IN_USE)`);
  });

  it('UX2 refuses another number of shards than the data directory has', async () => {
    const directory = await nodeFolder();
    const node = await up(directory);
    node.child.kill('SIGTERM');
    await node.ended;
    const file = join(directory, 'weir.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('shards: 2', 'shards: 3'));
    const { code, error } = await weir(['up', '--config', file]);
    expect(code).toBe(2);
    expect(error).toMatch(
      /^weir: the configuration is wrong at shards: shards is 3, and the data was made with 2.* \(WEIR_CONFIGURATION_INVALID\)\n/,
    );
    expect(error).not.toMatch(/\n\s+at /);

    await writeFile(file, (await readFile(file, 'utf8')).replace('shards: 3\n', ''));
    expect((await (await up(directory)).weir('status')).out).toMatch(/^shards +2 running$/m);
  });

  it.each([
    ['RP15 an address that is not loopback', ['--host', '0.0.0.0'], 'WEIR_HTTP_ADDRESS'],
    ['UX2 a port that is none', ['--port', 'http'], 'WEIR_CLI_USAGE'],
    ['UX2 a port out of range', ['--port', '70000'], 'WEIR_CONFIGURATION_INVALID'],
    ['UX2 an unknown option', ['--prot', '1'], 'WEIR_CLI_USAGE'],
  ])('%s is refused before anything starts', async (_what, args, errorCode) => {
    const directory = await nodeFolder();
    const { code, error } = await weir(['up', '--config', join(directory, 'weir.yaml'), ...args]);
    expect(code).toBe(2);
    expect(error).toContain(`(${errorCode})`);
    expect(error).toContain('\n  to do: ');
  });

  it('CF1 names every mistake of the file', async () => {
    const directory = await nodeFolder('htp: {}\nretention: soon\n');
    const { code, error } = await weir(['up', '--config', join(directory, 'weir.yaml')]);
    expect(code).toBe(2);
    expect(error).toContain('htp: there is no such setting (did you mean "http"?)');
    expect(error).toContain('at retention: "soon" is not a duration');
  });
});
