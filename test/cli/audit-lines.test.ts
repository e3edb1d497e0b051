import { describe, expect, it } from 'vitest';
import { type Flaw, linesOf, parsedLines, type Verdict, verify } from '../../src/cli/audit-lines.ts';
import { nodeClient } from '../../src/cli/node-client.ts';
import { served } from '../actors/rpc/http/support.ts';

/** The lines of an export: a flow that ends, one that is corrected, one that is killed, in two chains. */
async function exported(): Promise<string[]> {
  const { api, url } = await served({ shards: 1 });
  await api.start('r1', 'double', { n: 4 }, '?wait=30s');
  const { body } = await api.start('r2', 'broken', {}, '?wait=30s');
  await api.post(`/api/v1/flows/${body.flowId}/skip`, { reason: 'made by hand', result: 'by hand' });
  await api.get(`/api/v1/flows/${body.flowId}/result?wait=30s`);
  const lines: string[] = [];
  for await (const line of linesOf(nodeClient(url))) lines.push(JSON.stringify(line));
  return lines;
}

async function verdictOn(lines: readonly string[]): Promise<Verdict> {
  async function* text(): AsyncGenerator<string> {
    yield* lines;
  }
  return verify(parsedLines(text()));
}

describe('SM17 an export of the audit', () => {
  it('has a head, and of each chain its anchor, its entries and its end', async () => {
    const lines = await exported();
    const kinds = lines.map((line) =>
      Object.keys(JSON.parse(line))
        .join(' ')
        .replace(/^chain number at .*/, 'entry'),
    );
    expect(kinds).toEqual(['audit chains', 'chain anchor', ...Array(5).fill('entry'), 'chain end']);
    expect(await verdictOn(lines)).toEqual({ chains: [{ chain: 0, from: 1, to: 5, entries: 5 }], flaw: undefined });
  });

  /** Entry `n` stands in line `n + 1`, behind the head and the anchor. */
  const edit = (entry: number, change: (parsed: Record<string, unknown>) => void) => (lines: string[]) => {
    const parsed = JSON.parse(lines[entry + 1] ?? '');
    change(parsed);
    lines[entry + 1] = JSON.stringify(parsed);
  };
  const flaws: ReadonlyArray<readonly [what: string, change: (lines: string[]) => void, flaw: Partial<Flaw>]> = [
    [
      'a reason that was changed',
      edit(4, (entry) => Object.assign(entry, { reason: 'else' })),
      { entry: 4, why: 'its hash is not that of what it says' },
    ],
    [
      'a time that was changed',
      edit(2, (entry) => Object.assign(entry, { at: '2026-01-01T00:00:00.000Z' })),
      { entry: 2, why: 'its hash is not that of what it says' },
    ],
    [
      'a value that was changed',
      edit(4, (entry) => Object.assign(entry.after ?? {}, { bytes: 'AAAAAAAAAAA=' })),
      { entry: 4, why: 'the value "after" is not the one that its hash names' },
    ],
    [
      'an entry that is another one',
      edit(3, (entry) => Object.assign(entry, { previous: '0'.repeat(64) })),
      { entry: 3, why: 'it does not follow the entry before it: another one stood there' },
    ],
    ['an entry that was taken out', (lines) => void lines.splice(3, 1), { entry: 3, why: 'entry 2 is missing' }],
    [
      'entries that were taken out',
      (lines) => void lines.splice(3, 2),
      { entry: 4, why: 'entries 2 to 3 are missing' },
    ],
    [
      'an entry that stands there twice',
      (lines) => void lines.splice(3, 0, lines[3] ?? ''),
      { entry: 2, why: 'it stands behind entry 2' },
    ],
    [
      'the newest entries cut off',
      (lines) => void lines.splice(5, 2),
      { entry: 4, why: 'entries 4 to 5 are missing at its end' },
    ],
    ['the oldest entries cut off', (lines) => void lines.splice(2, 2), { entry: 3, why: 'entries 1 to 2 are missing' }],
    [
      'another end',
      (lines) => void lines.splice(-1, 1, JSON.stringify({ chain: 0, end: { number: 5, hash: '0'.repeat(64) } })),
      { entry: 5, why: 'it is not the end of its chain' },
    ],
    ['no end', (lines) => void lines.splice(-1), { entry: 6, why: 'the end of the chain is missing' }],
    ['no chain', (lines) => void lines.splice(1), { chain: 0, why: 'the chain is missing' }],
    ['no head', (lines) => void lines.splice(0, 1), { why: 'it does not begin as an export of the audit does' }],
    ['nothing', (lines) => void lines.splice(0), { why: 'it is empty' }],
    [
      'a line of something else',
      (lines) => void lines.splice(3, 0, '{"a":1}'),
      { why: 'a line does not belong where it stands, or is no line of an export' },
    ],
  ];

  it('is found out when anything of it was changed, with the first place that is wrong', async () => {
    const lines = await exported();
    for (const [what, change, flaw] of flaws) {
      const changed = [...lines];
      change(changed);
      expect([what, (await verdictOn(changed)).flaw]).toEqual([what, expect.objectContaining(flaw)]);
    }
  });

  it('has to be JSON', async () => {
    await expect(verdictOn(['what?'])).rejects.toMatchObject({ code: 'WEIR_CLI_USAGE' });
  });
});
