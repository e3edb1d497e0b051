/** The examples of docs/http.md, run as they stand by a shell against a node that runs the sample. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { silentLogger, startNode } from '../../src/index.ts';
import { loadConfiguration, loadMembers } from '../../src/worker/index.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;

it.skipIf(!hasCurl)('the examples of docs/http.md work', async () => {
  const data = mkdtempSync(join(tmpdir(), 'weir-docs-'));
  const configuration = await loadConfiguration({ file: 'weir.sample.yaml', environment: {}, directory: '.' });
  const members = await loadMembers(configuration);
  const node = await startNode({ members, data, logger: silentLogger, http: { port: 0 } });
  onTestFinished(async () => {
    await node.stop();
    rmSync(data, { recursive: true, force: true });
  });
  const blocks = [...readFileSync('docs/http.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, code]) => code ?? '',
  );
  expect(blocks.length).toBeGreaterThan(4);
  const script = blocks.join('\n').replaceAll('http://127.0.0.1:7447', node.url ?? '');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script]);
  expect(stdout).toContain('"delivery":"on Friday"');
  expect(stdout).toContain('WEIR_FLOW_FINISHED');
  expect(stdout).toContain('weir_flows_started_total');

  const [, program = ''] = /^```js\n(.*?)^```$/ms.exec(readFileSync('docs/http.md', 'utf8')) ?? [];
  const here = program.replaceAll('ws://127.0.0.1:7447', (node.url ?? '').replace('http', 'ws'));
  const told = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', here]);
  expect(told.stdout).toContain('chair-1 COMPLETED\n');
});
