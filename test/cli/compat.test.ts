import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { describeKafka } from '../rig/describe-kafka.ts';
import { nodeFolder, start, up, weir } from './support.ts';

const fixtures = resolve('test/fixtures/flows.ts');

it('FE15 weir flow compat lists flows, answers as JSON, and is strict about those that would wait', async () => {
  const folder = await nodeFolder();
  const node = await up(folder);
  const started = await node.weir('flow', 'start', 'ACME', 'nap', '--input', '{"for":"1 hour"}', '--json');
  const { flowId }: { flowId: string } = JSON.parse(started.out);
  await node.weir('flow', 'start', 'ACME', 'broken', '--wait', '30s');
  const config = ['--config', join(folder, 'weir.yaml')];

  // The directory is the running node's.
  const locked = await weir(['flow', 'compat', ...config]);
  expect(locked).toMatchObject({
    code: 2,
    out: '',
    error: expect.stringContaining('a node that runs is asked with --url'),
  });
  const same = await node.weir('flow', 'compat', ...config, '--list', '--strict');
  expect(same).toMatchObject({ code: 0, error: '' });
  expect(same.out).toMatch(new RegExp(`^${flowId} +nap +ACME +1 +RUNNING +start +continues as it is$`, 'm'));
  expect(same.out).toMatch(/^broken +1 +STUCK +1 +continues as it is$/m);

  // Code that does not have them any more.
  const other = join(folder, 'other.yaml');
  await writeFile(other, `data: ./data\nmembers: { ACME: { flows: ['${fixtures}#double'] } }\n`);
  const gone = await node.weir('flow', 'compat', '--config', other, '--json');
  expect(gone.code).toBe(0);
  expect(JSON.parse(gone.out)).toMatchObject({
    summary: [
      { flow: 'broken', from: 1, status: 'STUCK', verdict: 'waits', count: 1 },
      { flow: 'nap', from: 1, status: 'RUNNING', verdict: 'waits', count: 1 },
    ],
    flows: expect.arrayContaining([
      expect.objectContaining({ flowId, verdict: 'waits', wanted: 'nap version 1, stage start', newer: false }),
    ]),
    unreadable: [],
  });
  const strict = await node.weir('flow', 'compat', '--config', other, '--strict');
  expect(strict.code).toBe(1);
  expect(strict.out).toContain('waits, nothing here has its code: nap version 1, stage start');

  node.child.kill('SIGTERM');
  await node.ended;
  expect(await weir(['flow', 'compat', ...config, '--list', '--strict'])).toEqual(same);
  const nowhere = await weir(['flow', 'compat', ...config, '--data', join(folder, 'none')]);
  expect(nowhere).toMatchObject({ code: 1, error: expect.stringContaining('WEIR_LOG_NONE') });
});

describeKafka('weir flow compat on a real broker', {}, (kafka) => {
  it('FE15 judges flows of a stopped node as those of the running one, also when nobody has stopped it properly', async () => {
    const brokers = kafka().brokers[0];
    const folder = await nodeFolder(
      '',
      `silent, driver: kafka, brokers: ['${brokers}'], replication: 1, minInsyncReplicas: 1`,
    );
    const config = ['--config', join(folder, 'weir.yaml')];
    const worker = start(['worker', '--name', 'one', ...config]);
    const [line] = await once(createInterface({ input: worker.stdout }), 'line');
    const url = /is up at (\S+)/.exec(String(line))?.[1] ?? '';
    const ask = (...args: string[]) => weir([...args, '--url', url]);
    const started = await ask('flow', 'start', 'ACME', 'nap', '--input', '{"for":"1 hour"}', '--json');
    const { flowId }: { flowId: string } = JSON.parse(started.out);
    await ask('flow', 'start', 'ACME', 'broken', '--wait', '30s');

    const running = await weir(['flow', 'compat', ...config]);
    expect(running).toMatchObject({
      code: 2,
      out: '',
      error: expect.stringContaining('a node that runs is asked with --url'),
    });
    expect(running.error).toContain('one');
    const same = await ask('flow', 'compat', ...config, '--list', '--strict');
    expect(same).toMatchObject({ code: 0, error: '' });
    expect(same.out).toMatch(new RegExp(`^${flowId} +nap +ACME +1 +RUNNING +start +continues as it is$`, 'm'));
    expect(same.out).toMatch(/^broken +1 +STUCK +1 +continues as it is$/m);

    worker.kill('SIGKILL');
    await once(worker, 'exit');
    // Nobody has told the brokers: they take it for running until its session is over.
    await expect
      .poll(() => weir(['flow', 'compat', ...config, '--list', '--strict']), { timeout: 40_000, interval: 1_000 })
      .toEqual(same);

    const other = join(folder, 'other.yaml');
    const yaml = await readFile(join(folder, 'weir.yaml'), 'utf8');
    await writeFile(other, yaml.replace(`['${fixtures}']`, `['${fixtures}#double']`));
    const strict = await weir(['flow', 'compat', '--config', other, '--strict']);
    expect(strict).toMatchObject({ code: 1, error: '' });
    expect(strict.out).toContain('waits, nothing here has its code: nap version 1, stage start');

    const nowhere = join(folder, 'nowhere.yaml');
    await writeFile(nowhere, yaml.replace('driver: kafka', 'driver: kafka, prefix: nobody.'));
    const none = await weir(['flow', 'compat', '--config', nowhere]);
    expect(none).toMatchObject({ code: 1, error: expect.stringContaining('WEIR_LOG_NONE') });
  }, 120_000);
});
