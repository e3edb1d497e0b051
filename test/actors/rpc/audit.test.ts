/** What a node tells of its audit: pages by what entries say, over all shards and workers, and chains to verify. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AuditEntry, type AuditQuery, flow, type Node } from '../../../src/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../../src/testing/index.ts';
import { verified } from '../flow/audited.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const quick = flow('quick', { version: 1, states: { start: z.unknown() }, stages: { *start() {} } });
const other = flow('other', { version: 1, states: { start: z.unknown() }, stages: { *start() {} } });

async function nodeOf(settings: Partial<TestNodeSettings> = {}): Promise<TestNode> {
  kit = await testNode({ members: { A: { flows: [quick, other] }, B: { flows: [quick] } }, shards: 4, ...settings });
  return kit;
}

/** What a node answers, once its clock has let it. */
async function told<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await kit.advance(0);
  return promise;
}

async function everyPage(query: AuditQuery = {}, node: Node = kit.node()): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await told(node.audit({ ...query, cursor }));
    entries.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}

const inWords = (entries: readonly AuditEntry[]) =>
  entries.map(({ act, clientRequestId }) => `${act} ${clientRequestId}`);

async function start(count: number, first = 0, node: Node = kit.node()): Promise<void> {
  for (let n = first; n < first + count; n++) {
    await told(node.start('A', quick, null, { clientRequestId: String(n) }));
    await kit.advance('1 s');
  }
}

describe('SM17 a page of the audit', () => {
  it('has the newest acts first, over all shards', async () => {
    await nodeOf();
    await start(5);
    const { entries, cursor } = await told(kit.node().audit());
    const wanted = [4, 3, 2, 1, 0].flatMap((n) => [`end ${n}`, `start ${n}`]);
    expect(inWords(entries)).toEqual(wanted);
    expect(cursor).toBeUndefined();
  });

  it('goes on where the one before has ended, whatever happens meanwhile', async () => {
    await nodeOf();
    await start(9);
    const all = inWords(await everyPage());
    for (const limit of [1, 2, 3, 7, 17, 18]) {
      const first = await told(kit.node().audit({ limit }));
      await start(1, 100 + limit);
      const seen = [...first.entries];
      let { cursor } = first;
      while (cursor !== undefined) {
        const page = await told(kit.node().audit({ limit, cursor }));
        seen.push(...page.entries);
        cursor = page.cursor;
      }
      expect(inWords(seen).filter((words) => !/ 1\d\d$/.test(words))).toEqual(all);
      expect(new Set(seen.map(({ hash }) => Buffer.from(hash).toString('hex'))).size).toBe(seen.length);
    }
  });

  it('has what was asked for', async () => {
    await nodeOf();
    const mine = await told(kit.node().start('A', quick, null, { clientRequestId: 'a' }));
    await kit.advance('1 h');
    const since = kit.clock.now();
    await told(kit.node().start('A', other, null, { clientRequestId: 'b' }));
    await kit.advance('1 h');
    const until = kit.clock.now();
    await told(kit.node().start('B', quick, null, { clientRequestId: 'c' }));
    await kit.advance(0);
    const found = async (query: AuditQuery): Promise<string[]> => inWords(await everyPage(query)).sort();
    expect(await found({ flowId: mine.flowId })).toEqual(['end a', 'start a']);
    expect(await found({ flow: 'quick', act: 'start' })).toEqual(['start a', 'start c']);
    expect(await found({ member: 'B' })).toEqual(['end c', 'start c']);
    expect(await found({ principal: 'weir' })).toEqual(['end a', 'end b', 'end c']);
    expect(await found({ principal: 'nobody' })).toEqual([]);
    expect(await found({ since, until })).toEqual(['end b', 'start b']);
    expect(await found({ since: until + 1 })).toEqual([]);
  });

  it('is the same on any worker, whatever shards it runs', async () => {
    await nodeOf({ workers: 3 });
    for (let n = 0; n < 6; n++) {
      const started = kit.node(n % 3).start('A', quick, null, { clientRequestId: String(n) });
      await kit.advance('2 s');
      await started;
    }
    const [first, ...others] = await Promise.all([0, 1, 2].map((worker) => everyPage({}, kit.node(worker))));
    expect(first).toHaveLength(12);
    for (const one of others) expect(one).toEqual(first);
  });

  it('shows nobody what they may not read', async () => {
    await nodeOf({ authorize: (_principal, action, { flow: name }) => action !== 'audit.read' || name === 'quick' });
    await told(kit.node().start('A', quick, null, { clientRequestId: 'a' }));
    await told(kit.node().start('A', other, null, { clientRequestId: 'b' }));
    await kit.advance(0);
    expect(inWords(await everyPage()).sort()).toEqual(['end a', 'start a']);
    await expect(told(kit.node().auditChains())).rejects.toMatchObject({ code: 'WEIR_FORBIDDEN' });
    await expect(told(kit.node().auditChain(0))).rejects.toMatchObject({ code: 'WEIR_FORBIDDEN' });
  });

  it.each<[string, AuditQuery]>([
    ['no limit', { limit: 0 }],
    ['too large a limit', { limit: 1_001 }],
    ['a cursor of its own making', { cursor: 'abc' }],
    ['a cursor that is another thing', { cursor: Buffer.from('[[0]]').toString('base64url') }],
  ])('refuses %s', async (_what, query) => {
    await nodeOf();
    await expect(told(kit.node().audit(query))).rejects.toMatchObject({ code: 'WEIR_REQUEST_INVALID' });
  });

  it('W7 refuses when too many read already', async () => {
    await nodeOf();
    const asked = await told(
      Promise.allSettled(Array.from({ length: 30 }, () => kit.node().audit())).then((answers) =>
        answers.map((answer) => (answer.status === 'fulfilled' ? 'told' : answer.reason.code)),
      ),
    );
    expect(asked).toContain('told');
    expect(asked).toContain('WEIR_AUDIT_BUSY');
    expect((await told(kit.node().audit())).entries).toEqual([]);
  });
});

describe('SM17 a chain of the audit', () => {
  it('can be read from its anchor to its head, in stretches, and is whole', async () => {
    await nodeOf({ shards: 2, retention: '1 hour', audit: '2 days' });
    await start(300);
    await kit.advance('3 days');
    await start(20, 300);
    const chains = await told(kit.node().auditChains());
    expect(chains.map(({ chain }) => chain)).toEqual([0, 1]);
    for (const { anchor } of chains) expect(anchor.number).toBeGreaterThan(100);
    expect(await verified(kit.node(), told)).toHaveLength(40);
  });

  it('refuses a chain that there is none of', async () => {
    await nodeOf();
    await expect(told(kit.node().auditChain(4))).rejects.toMatchObject({ code: 'WEIR_REQUEST_INVALID' });
  });
});
