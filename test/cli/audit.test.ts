import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { client } from '../actors/rpc/http/support.ts';
import { nodeFolder, type Up, up, weir } from './support.ts';

interface Node extends Up {
  readonly flowId: string;
  readonly file: string;
}

/** A node with nine entries: three flows that have ended, and one that was killed. */
async function audited(): Promise<Node> {
  const folder = await nodeFolder();
  const node = await up(folder);
  const api = client(node.url);
  for (const n of [1, 2, 3]) await api.start(`r${n}`, 'double', { n }, '?wait=30s');
  const { body } = await api.start('r4', 'nap', { for: '1 hour' });
  await api.post(`/api/v1/flows/${body.flowId}/kill`, { reason: 'not wanted' });
  return { ...node, flowId: body.flowId, file: join(folder, 'audit.jsonl') };
}

describe('weir audit', () => {
  it('SM17 lists who did what, for people and for programs', async () => {
    const node = await audited();
    const list = await node.weir('audit', 'list', '--id', node.flowId);
    expect(list.out.split('\n')[0]).toMatch(/^WHEN \(UTC\) +ACT +FLOW ID +FLOW +MEMBER +BY +WHY$/);
    const acts = list.out.trimEnd().split('\n').slice(1);
    expect(acts).toEqual([
      expect.stringMatching(/end: KILLED .* nap +ACME +weir +KILLED: killed: not wanted$/),
      expect.stringMatching(/kill .* nap +ACME +local:operator +not wanted$/),
      expect.stringMatching(/start .* nap +ACME +local:http$/),
    ]);
    const json = JSON.parse((await node.weir('audit', 'list', '--act', 'start', '--since', '1h', '--json')).out);
    expect(json.entries).toHaveLength(4);
    expect((await node.weir('audit', 'list', '--limit', '2')).out).toMatch(/There are more/);
  });

  it('SM17 exports the audit, and verifies a running node and an export of it', async () => {
    const node = await audited();
    expect(await node.weir('audit', 'verify')).toMatchObject({ code: 0, out: '2 chains with 9 entries are whole\n' });
    expect((await node.weir('audit', 'export', node.file)).out).toBe(`9 entries written to ${node.file}\n`);
    const stdin = await readFile(node.file, 'utf8');
    node.child.kill('SIGKILL');
    expect(await weir(['audit', 'verify', '-'], { stdin })).toMatchObject({ code: 0 });
    await writeFile(node.file, stdin.replace('"reason":"not wanted"', '"reason":"was wanted"'));
    const { code, out } = await weir(['audit', 'verify', node.file]);
    expect(out).toMatch(/^chain \d, entry \d: its hash is not that of what it says\n/);
    expect(code).toBe(1);
  });

  it('SM17 says what is wrong with the command line, and with a file that is none', async () => {
    expect(await weir(['audit', 'list', '--limit', 'many'])).toMatchObject({ code: 2 });
    const missing = await weir(['audit', 'verify', '/no/such/file']);
    expect(missing).toMatchObject({ code: 2, error: expect.stringContaining('cannot be read') });
  });
});
