import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFolder, start, up, weir } from './support.ts';

/** A folder whose node has run and has a flow that ended. */
async function usedFolder(): Promise<{
  readonly folder: string;
  readonly config: readonly string[];
  readonly flow: string;
}> {
  const folder = await nodeFolder();
  const node = await up(folder);
  const { out } = await node.weir('flow', 'start', 'ACME', 'double', '--input', '{"n":2}', '--wait', '10s', '--json');
  const { flowId }: { flowId: string } = JSON.parse(out);
  node.child.kill('SIGTERM');
  await node.ended;
  return { folder, config: ['--config', join(folder, 'weir.yaml')], flow: flowId };
}

describe('weir log', () => {
  it('WK20 exports a log to a file and imports it into another data directory, where the node goes on', async () => {
    const { folder, config, flow } = await usedFolder();
    const file = join(folder, 'node.weirlog');
    const exported = await weir(['log', 'export', file, ...config]);
    expect(exported).toMatchObject({ code: 0, error: '' });
    expect(exported.out).toMatch(/^Exported .*\/data to .*node\.weirlog:\nTOPIC +RECORDS +BYTES\n/);
    expect(exported.out).toMatch(/flow\.status +1 /);

    const other = ['--data', join(folder, 'other')];
    const imported = await weir(['log', 'import', file, ...config, ...other, '--json']);
    expect(imported.code, imported.error).toBe(0);
    expect(JSON.parse(imported.out)).toMatchObject({
      driver: 'embedded',
      incarnation: expect.any(Number),
      topics: { 'flow.status': { records: 1 } },
    });
    const node = await up(folder, ...other);
    expect((await node.weir('flow', 'show', flow)).out).toContain('COMPLETED');
  });

  it('WK20 goes through a pipe, with what it tells on standard error', async () => {
    const { folder, config } = await usedFolder();
    const from = start(['log', 'export', '-', ...config]);
    const to = start(['log', 'import', '-', ...config, '--data', join(folder, 'piped')]);
    let told = '';
    from.stderr.on('data', (chunk) => {
      told += chunk;
    });
    from.stdout.pipe(to.stdin);
    let out = '';
    to.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const code = await new Promise((resolve) => to.once('close', resolve));
    expect(code).toBe(0);
    expect(told).toContain('Exported');
    expect(out).toMatch(/^Imported standard input into .*\/piped, incarnation \d+:\n/);
  });

  it('WK20 is refused while the node runs, where there is none, and over a file or a log that is there', async () => {
    const { folder, config } = await usedFolder();
    const file = join(folder, 'node.weirlog');
    expect((await weir(['log', 'export', file, ...config])).code).toBe(0);
    const size = (await stat(file)).size;

    const again = await weir(['log', 'export', file, ...config]);
    expect(again.code).toBe(2);
    expect(again.error).toContain('it is there already (WEIR_LOG_FILE)');
    const full = await weir(['log', 'import', file, ...config]);
    expect(full.code).toBe(1);
    expect(full.error).toContain('WEIR_LOG_NOT_EMPTY');
    const none = await weir(['log', 'export', join(folder, 'none'), ...config, '--data', join(folder, 'nowhere')]);
    expect(none.code).toBe(1);
    expect(none.error).toContain('WEIR_LOG_NONE');
    const missing = await weir(['log', 'import', join(folder, 'none'), ...config, '--data', join(folder, 'nowhere')]);
    expect(missing.code).toBe(2);
    await expect(stat(join(folder, 'nowhere'))).rejects.toThrow('ENOENT');

    const node = await up(folder);
    const running = await weir(['log', 'export', join(folder, 'running'), ...config]);
    expect(running.code).toBe(1);
    expect(running.error).toContain('WEIR_LOG_IN_USE');
    await expect(stat(join(folder, 'running'))).rejects.toThrow('ENOENT');
    node.child.kill('SIGTERM');
    await node.ended;
    expect((await stat(file)).size).toBe(size);
  });

  it('WK20 imports nothing of a damaged file', async () => {
    const { folder, config } = await usedFolder();
    const file = join(folder, 'node.weirlog');
    await weir(['log', 'export', file, ...config]);
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, bytes.length - 3));
    const other = ['--data', join(folder, 'other')];
    const imported = await weir(['log', 'import', file, ...config, ...other]);
    expect(imported.code).toBe(1);
    expect(imported.error).toContain('it breaks off');
    expect(imported.error).toContain('WEIR_LOG_FILE_DAMAGED');
    const node = await up(folder, ...other);
    expect(JSON.parse((await node.weir('flow', 'list', '--json')).out)).toMatchObject({ flows: [] });
  });

  it('WK16 adopts a log that was restored: its terms go on above those that it knows', async () => {
    const { folder, config, flow } = await usedFolder();
    const dry = await weir(['log', 'adopt', '--dry-run', ...config]);
    expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(/^Nothing shows that .* is another log/) });
    const adopted = await weir(['log', 'adopt', ...config]);
    expect(adopted).toMatchObject({ code: 0, error: '' });
    const incarnation = /: incarnation (\d+), after 1\.\n$/.exec(adopted.out)?.[1];
    const node = await up(folder);
    expect((await node.weir('flow', 'show', flow)).out).toContain('COMPLETED');
    expect((await node.weir('tree', '/services/flow')).out).toContain(`${incarnation}.`);
  });
});

describe('weir reshard', () => {
  it('WK20 gives a node another number of shards, says what else to change, and refuses while the node runs', async () => {
    const { folder, config, flow } = await usedFolder();
    expect((await weir(['reshard', '--partitions', 'many', ...config])).code).toBe(2);
    const done = await weir(['reshard', '--partitions', '5', ...config]);
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).toMatch(/ has 5 shards instead of 2, incarnation \d+:\nTOPIC/);
    expect(done.out).toMatch(/\nChange "shards: 2" in .*weir\.yaml to 5\.\n$/);
    expect((await weir(['reshard', '--partitions', '5', ...config])).out).toContain('has 5 shards already');
    const yaml = join(folder, 'weir.yaml');
    await writeFile(yaml, (await readFile(yaml, 'utf8')).replace('shards: 2', 'shards: 5'));
    const node = await up(folder);
    expect((await node.weir('flow', 'show', flow)).out).toContain('COMPLETED');
    const running = await weir(['reshard', '--partitions', '3', ...config]);
    expect(running.code).toBe(1);
    expect(running.error).toContain('WEIR_LOG_IN_USE');
  });
});
