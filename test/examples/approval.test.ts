import { afterEach, describe, expect, it } from 'vitest';
import { approve } from '../../examples/approval/flows.ts';
import { mailsTo } from '../../examples/approval/mail.ts';
import { type TestNode, testNode } from '../../src/testing/index.ts';

let kit: TestNode;
afterEach(() => kit.stop());

/** Each test has request ids of its own: the mail server is the same one for all. */
async function asked(approver: string) {
  kit = await testNode({ members: { ACME: { flows: [approve] } }, shards: 1 });
  const request = { what: 'a new roof', amount: 12_000n, approver };
  const { flowId } = await kit.node().start('ACME', approve, request, { clientRequestId: approver });
  await kit.advance('1 min');
  return { flowId };
}

describe('an approval', () => {
  it('FE11 waits for days, reminds, and goes on at the word of the approver, over restarts', async () => {
    const name = await asked('ann');
    await kit.advance('3 days');
    kit.crash();
    await kit.restart();
    await kit.advance('2 days');
    expect(mailsTo('ann')).toEqual([
      'Please decide on a new roof for 12000.',
      'Still open: a new roof.',
      'Still open: a new roof.',
    ]);
    expect(await kit.node().query(name, 'request')).toMatchObject({
      stage: 'start',
      told: ['ann was asked', 'ann was reminded', 'ann was reminded'],
    });
    await kit.node().signal(approve, name, 'decide', { by: 'ann', approved: true, note: 'Go ahead.' });
    await kit.advance('1 min');
    expect((await kit.node().get(name)).result).toEqual({ outcome: 'approved', by: 'ann' });
    expect(mailsTo('requests@acme')).toEqual(['a new roof was approved by ann. Go ahead.']);
  });

  it('lapses after the last reminder', async () => {
    const name = await asked('bob');
    await kit.advance('193 hours');
    expect((await kit.node().get(name)).result).toEqual({ outcome: 'lapsed', by: 'bob' });
    expect(mailsTo('bob')).toHaveLength(4);
  });

  it('is withdrawn by whoever asked', async () => {
    const name = await asked('eve');
    await kit.node().signal(approve, name, 'withdraw', { by: 'tom' });
    await kit.advance('1 min');
    expect((await kit.node().get(name)).result).toEqual({ outcome: 'withdrawn', by: 'tom' });
  });
});
