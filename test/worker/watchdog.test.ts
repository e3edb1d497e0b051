import { describe, expect, it, onTestFinished } from 'vitest';
import type { ActorSnapshot } from '../../src/actors/kernel/index.ts';
import { testNode } from '../../src/testing/index.ts';
import { double } from '../fixtures/flows.ts';

function found(actors: readonly ActorSnapshot[], path: string): ActorSnapshot | undefined {
  return actors.flatMap((actor) => (actor.path === path ? [actor] : (found(actor.children, path) ?? [])))[0];
}

describe('watchdog of services', () => {
  it('MO3, W5 restarts a service that hangs, with the cause, and disturbs no other', async () => {
    const kit = await testNode({ members: { ACME: { flows: [double] } }, shards: 2 });
    onTestFinished(() => kit.stop());
    const node = kit.node();
    const { steer } = node.internals.system;
    expect(steer.hang('/services/rpc')).toBe('done');
    await kit.advance(0);
    // The service is not told of this one while it hangs; its next incarnation is.
    const waiting = node.start('ACME', double, { n: 21 });
    await kit.advance('9 s');
    expect(found(node.tree(), '/services/rpc')).toMatchObject({ restarts: 0, mailbox: 1 });
    await kit.advance('2 s');
    expect(await kit.run(await waiting)).toEqual({ doubled: 42 });
    expect(found(node.tree(), '/services/rpc')).toMatchObject({
      restarts: 1,
      lastFailure: '/services/rpc has handled nothing for 10000 ms, while 1 messages waited',
    });
    expect(found(node.tree(), '/services/flow')).toMatchObject({ restarts: 0, state: 'live' });
    expect(node.status()).toMatchObject({ ready: true });
  });

  it('MO3 restarts a shard that hangs, and its flows go on', async () => {
    const kit = await testNode({ members: { ACME: { flows: [double] } }, shards: 1 });
    onTestFinished(() => kit.stop());
    const node = kit.node();
    node.internals.system.steer.hang('/services/flow/shard-0');
    await kit.advance(0);
    const started = node.start('ACME', double, { n: 21 });
    await kit.advance('15 s');
    expect(await kit.run(await started)).toEqual({ doubled: 42 });
    expect(found(node.tree(), '/services/flow/shard-0')?.restarts).toBe(1);
    expect(found(node.tree(), '/services/flow')?.restarts).toBe(0);
  });
});
