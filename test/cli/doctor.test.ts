import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFolder, up, weir } from './support.ts';

const configOf = (folder: string): string[] => ['--config', join(folder, 'weir.yaml')];

describe('weir doctor', () => {
  it('finds a folder well before its node has run, while it runs, and afterwards', async () => {
    const folder = await nodeFolder();
    const before = await weir(['doctor', ...configOf(folder)]);
    expect(before).toMatchObject({ code: 0, error: '' });
    expect(before.out).toMatch(/^ok {4}configuration {23}.*weir\.yaml: 1 member, log in the data directory\n/);
    expect(before.out).toContain('there is none yet: the node makes it when it starts');
    expect(before.out).toMatch(/\n\d well, 0 to look at, 0 to mend\.\n$/);
    // Nothing is there that was not there before.
    expect(await readdir(folder)).toEqual(['weir.yaml']);

    const node = await up(folder);
    const during = await weir(['doctor', ...configOf(folder)]);
    expect(during.code).toBe(0);
    expect(during.out).toContain('a node runs on it');
    node.child.kill('SIGTERM');
    await node.ended;
    const after = await weir(['doctor', '--json', ...configOf(folder)]);
    expect(JSON.parse(after.out)).toMatchObject({
      fail: 0,
      findings: expect.arrayContaining([
        { check: 'log', state: 'ok', says: expect.stringMatching(/^every byte of it is sound; \d+ topics/) },
        { check: 'shards', state: 'ok', says: '2' },
      ]),
    });
  });

  it('says what has to be mended, with code and remedy, and ends with 1', async () => {
    const folder = await nodeFolder();
    const node = await up(folder);
    node.child.kill('SIGTERM');
    await node.ended;
    const store = join(folder, 'data', 'store');
    const log = (await readdir(store)).find((name) => name.endsWith('.log')) ?? '';
    const bytes = await readFile(join(store, log));
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
    await writeFile(join(store, log), bytes);
    const yaml = join(folder, 'weir.yaml');
    await writeFile(yaml, `${await readFile(yaml, 'utf8')}modules: ['./nowhere.ts']\n`);

    const told = await weir(['doctor', ...configOf(folder)]);
    expect(told.code).toBe(1);
    expect(told.out).toMatch(/^fail {2}code .*there is no file .*nowhere\.ts \(WEIR_MODULE_UNUSABLE\)\n {6}to do: /m);
    expect(told.out).toMatch(/^fail {2}log .*\(WEIR_LOG_DAMAGED\)\n {6}to do: restore it from a backup/m);
    expect(told.out).toMatch(/2 to mend\.\n$/);
  });

  it('a number of shards that the data was not made with', async () => {
    const folder = await nodeFolder();
    const node = await up(folder);
    node.child.kill('SIGTERM');
    await node.ended;
    const told = await weir(['doctor', ...configOf(folder)], { WEIR_SHARDS: '4' });
    expect(told.code).toBe(1);
    expect(told.out).toContain('the configuration says shards: 4, and the log has 2 (WEIR_CHECK_SHARDS)');
  });

  it('a configuration that is wrong is a mistake of usage; so are rights without Kafka', async () => {
    const folder = await nodeFolder('nonsense: 1\n');
    expect((await weir(['doctor', ...configOf(folder)])).code).toBe(2);
    const embedded = await weir(['doctor', '--acl', ...configOf(await nodeFolder())]);
    expect(embedded.code).toBe(2);
    expect(embedded.error).toContain('WEIR_WORKERS_NEED_KAFKA');
  });

  it('prints rights without a broker to ask: they are given before anything can run', async () => {
    const folder = await nodeFolder();
    const yaml = join(folder, 'weir.yaml');
    const text = (await readFile(yaml, 'utf8')).replace(
      /log: .*/,
      "log: { driver: kafka, brokers: ['127.0.0.1:1'], prefix: 'acme.' }",
    );
    await writeFile(yaml, text);
    const told = await weir(['doctor', '--acl', '--principal', 'User:acme', '--role', 'all', ...configOf(folder)]);
    expect(told).toMatchObject({ code: 0, error: '' });
    expect(told.out).toContain(
      'kafka-acls.sh --bootstrap-server <broker> --add --allow-principal User:acme --operation Read --operation Write' +
        ' --operation Create --operation Describe --operation DescribeConfigs --topic acme.flow.state',
    );
    expect(told.out).not.toContain('--operation Delete --topic acme. ');
    expect((await weir(['doctor', '--acl', '--role', 'king', ...configOf(folder)])).code).toBe(2);
  });
});
