import { describe, expect, it } from 'vitest';
import { client } from '../actors/rpc/http/support.ts';
import { nodeFolder, type Up, up, weir } from './support.ts';

interface Hospital extends Up {
  readonly flowIds: readonly string[];
}

/** A node with two STUCK flows: its process does not mend what they miss. */
async function hospital(): Promise<Hospital> {
  const node = await up(await nodeFolder());
  const api = client(node.url);
  const flowIds: string[] = [];
  for (const id of ['r1', 'r2']) flowIds.push((await api.start(id, 'broken', {}, '?wait=30s')).body.flowId);
  return { ...node, flowIds };
}

describe('weir, many STUCK flows', () => {
  it('FE8 shows one with its state and what failed, and lists them all', async () => {
    const { weir: run, flowIds, url } = await hospital();
    await client(url).post(`/api/v1/flows/${flowIds[0]}/retry`, { reason: 'in vain' });
    await client(url).get(`/api/v1/flows/${flowIds[0]}/result?wait=30s`);
    const { out } = await run('flow', 'show', flowIds[0] ?? '');
    expect(out).toMatch(/^failed +step "use"$/m);
    expect(out).toMatch(/^state +\{\}$/m);
    expect(out).toMatch(/^WHEN \(UTC\) +WHAT FAILED +ERROR$/m);
    expect(out.match(/STUCK in stage start, step "use".* TypeError: the part is missing$/gm)).toHaveLength(2);
    const list = await run('hospital', 'list', '--flow', 'broken');
    expect(list.out.split('\n')[0]).toMatch(
      /^FLOW ID +FLOW +MEMBER +STAGE +SINCE \(UTC\) +UNTIL \(UTC\) +FAILED +STAYS/,
    );
    expect(list.out).toMatch(new RegExp(`^${flowIds[0]} +broken +ACME +start .* step "use" +2 +TypeError`, 'm'));
  });

  it('FE8 acts on all that fit, or says which they are', async () => {
    const { weir: run, flowIds } = await hospital();
    const said = await run('flow', 'kill', '--all', '--code', 'TypeError', '--reason', 'try', '--dry-run');
    expect(said.out).toContain(flowIds[1]);
    expect(said.out).toMatch(/kill would be for 2 flows; nothing was done\n$/);
    const skipped = await run('flow', 'skip', '--all', '--flow', 'broken', '--result', '"x"', '--reason', 'by hand');
    expect(skipped).toMatchObject({ code: 0, out: 'skip: done for 2 of 2 flows\n' });
    const none = await run('flow', 'retry', '--all', '--reason', 'again', '--json');
    expect(JSON.parse(none.out)).toEqual({ flowIds: [], done: 0, refused: [], dryRun: false });
  });

  it.each([
    ['neither a flow nor --all', ['retry'], /name a flow, or --all/],
    ['both', ['kill', 'f', '--all'], /not both/],
    ['a filter without --all', ['skip', 'f', '--code', 'X'], /--code goes with --all/],
    ['a state for many', ['retry', '--all', '--state', '{}'], /states differ/],
  ])('refuses %s', async (_what, args, why) => {
    const refused = await weir(['flow', ...args, '--reason', 'r']);
    expect([refused.code, refused.error]).toEqual([2, expect.stringMatching(why)]);
  });
});
