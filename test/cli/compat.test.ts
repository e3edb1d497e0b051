import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { nodeFolder, up, weir } from './support.ts';

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
