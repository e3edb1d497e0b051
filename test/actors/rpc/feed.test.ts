import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type FlowChange, flow } from '../../../src/index.ts';
import type { TestNode, TestNodeSettings } from '../../../src/testing/index.ts';
import { testNode } from '../../../src/testing/index.ts';
import { broken, decline, double, nap, repairs } from '../../fixtures/flows.ts';
import { flowIs, follow } from './followed.ts';

async function kitOf(settings: Partial<TestNodeSettings> = {}): Promise<TestNode> {
  const flows = [double, nap, decline, broken];
  const kit = await testNode({ members: { ACME: { flows }, OTHER: { flows } }, shards: 2, ...settings });
  onTestFinished(() => kit.stop());
  return kit;
}

/** Starts a flow of ACME under a request id and lets it get as far as it gets without time passing. */
async function started(kit: TestNode, clientRequestId: string, worker = 0): Promise<void> {
  await kit.node(worker).start('ACME', double, { n: 1 }, { clientRequestId });
  await kit.advance(0);
}

describe('the feed of flows', () => {
  it('RP4 tells first how all flows are, and then each change', async () => {
    const kit = await kitOf();
    await started(kit, 'before');
    const watch = follow(kit.node());
    await watch.current();
    expect(watch.flows()).toEqual(['double COMPLETED']);
    await kit.node().start('ACME', nap, { for: '1 hour' }, { clientRequestId: 'nap' });
    await watch.told(flowIs('nap', 'RUNNING'));
    await kit.advance('1 hour');
    const { flow } = (await watch.told(flowIs('nap', 'COMPLETED'))) as { flow: unknown };
    expect(flow).toMatchObject({ result: { slept: '1 hour' }, history: [{ act: 'start' }] });
  });

  it('RP4 FE16 tells of each report on progress, in order', async () => {
    const travel = flow('travel', {
      version: 1,
      states: { start: z.object({}) },
      stages: {
        *start(_, { progress, sleep }) {
          yield* progress('packed');
          yield* sleep('1 hour');
          yield* progress('arrived', { late: true });
          yield* sleep('1 hour');
        },
      },
    });
    const kit = await kitOf({ flows: [travel] });
    const watch = follow(kit.node(), { flow: 'travel' });
    await kit.node().start('ACME', travel, {}, { clientRequestId: 'travel' });
    const reports = (count: number) => (change: FlowChange) =>
      change.type === 'flow' && change.flow.progress.length === count;
    await watch.told(reports(1));
    kit.crash();
    await kit.restart();
    const again = follow(kit.node(), { flow: 'travel' });
    await kit.advance('1 hour');
    const { flow: view } = (await again.told(reports(2))) as { flow: unknown };
    expect(view).toMatchObject({
      status: 'RUNNING',
      progress: [
        { number: 1, text: 'packed' },
        { number: 2, text: 'arrived', details: { late: true } },
      ],
    });
  });

  it('RP4 tells from now on only, when that is asked for', async () => {
    const kit = await kitOf();
    await started(kit, 'before');
    const watch = follow(kit.node(), {}, { from: 'now' });
    await watch.current();
    await started(kit, 'after');
    await watch.told(flowIs('after', 'COMPLETED'));
    expect(watch.requests()).not.toContain('before');
  });

  it('RP4 tells of one flow until it has ended', async () => {
    const kit = await kitOf();
    const sleeper = await kit.node().start('ACME', nap, { for: '1 hour' }, { clientRequestId: 'nap' });
    const watch = follow(kit.node(), { member: 'ACME', clientRequestId: 'nap' }, { from: 'now' });
    const views: string[] = [];
    const viewed = (async () => {
      for await (const { status } of sleeper.watch()) views.push(status);
    })();
    await watch.told(flowIs('nap', 'RUNNING'));
    await started(kit, 'another');
    await kit.advance('1 hour');
    await watch.ended;
    await viewed;
    expect(watch.flows()).toEqual(['nap RUNNING', 'nap COMPLETED']);
    expect(views).toEqual(['RUNNING', 'COMPLETED']);
    const late = follow(kit.node(), { member: 'ACME', clientRequestId: 'nap' });
    await late.ended;
    expect(late.flows()).toEqual(['nap COMPLETED']);
  });

  it('RP4 tells of the flows of a member or a definition', async () => {
    const kit = await kitOf();
    const ofOther = follow(kit.node(), { member: 'OTHER' });
    const declines = follow(kit.node(), { flow: 'decline' });
    await kit.node().start('OTHER', double, { n: 1 }, { clientRequestId: 'other' });
    await kit.node().start('ACME', decline, { why: 'no' }, { clientRequestId: 'declined' });
    await kit.node().start('ACME', double, { n: 1 }, { clientRequestId: 'acme' });
    await kit.advance(0);
    await ofOther.told(flowIs('other', 'COMPLETED'));
    await declines.told(flowIs('declined', 'FAILED'));
    await kit.advance('1 min');
    expect(new Set(ofOther.requests())).toEqual(new Set(['other']));
    expect(new Set(declines.requests())).toEqual(new Set(['declined']));
  });

  it('RP4 tells whoever follows one status of flows that come and that leave', async () => {
    const kit = await kitOf();
    onTestFinished(() => {
      repairs.done = false;
    });
    const { flowId } = await kit.node().start('ACME', broken, {}, { clientRequestId: 'stuck' });
    await kit.advance(0);
    const watch = follow(kit.node(), { status: 'STUCK' });
    await watch.told(flowIs('stuck', 'STUCK'));
    await kit.node().start('ACME', double, { n: 1 }, { clientRequestId: 'fine' });
    repairs.done = true;
    await kit.node().retry({ flowId }, 'mended');
    await watch.told(flowIs('stuck', 'COMPLETED'));
    expect(new Set(watch.requests())).toEqual(new Set(['stuck']));
  });

  it('RP4, RP6 tells of no flow that may not be read, from the moment on that it may not', async () => {
    let may = true;
    const kit = await kitOf({
      authorize: (_principal, action, { flow }) => action !== 'flow.read' || (flow !== 'decline' && may),
    });
    const { flowId } = await kit.node().start('ACME', decline, { why: 'no' });
    const { flowId: napping } = await kit.node().start('ACME', nap, { for: '1 hour' }, { clientRequestId: 'nap' });
    const watch = follow(kit.node());
    const one = follow(kit.node(), { flowId: napping });
    await started(kit, 'open');
    await watch.told(flowIs('open', 'COMPLETED'));
    expect(watch.flows()).not.toContain('decline FAILED');
    await expect(follow(kit.node(), { flowId }).ended).rejects.toMatchObject({ code: 'WEIR_FORBIDDEN' });
    await one.told(flowIs('nap', 'RUNNING'));
    may = false;
    await kit.advance('1 hour');
    await expect(one.ended).rejects.toMatchObject({ code: 'WEIR_FORBIDDEN' });
    expect(watch.flows()).not.toContain('nap COMPLETED');
  });

  it.each([{ flowId: 'none' }, { member: 'ACME', clientRequestId: 'none' }])('refuses %j', async (name) => {
    const kit = await kitOf();
    await expect(follow(kit.node(), name).ended).rejects.toMatchObject({
      code: 'flowId' in name ? 'WEIR_FLOW_NOT_FOUND' : 'WEIR_REQUEST_NOT_FOUND',
    });
  });

  it.each(['', 'then', '1', '1.2.3.', '1.2.x-y-z', `1.2.3${'.0-1'.repeat(30_000)}`])(
    'refuses a position that no feed gave: %.12s',
    async (from) => {
      const kit = await kitOf();
      await expect(follow(kit.node(), {}, { from }).ended).rejects.toMatchObject({ code: 'WEIR_REQUEST_INVALID' });
    },
  );
});

describe('a feed that is read slowly', () => {
  it('RP4, W7 tells of each flow how it is when it is read, and of all of them how they ended', async () => {
    const kit = await kitOf();
    const changes = kit.node().watch({}, { from: 'now' })[Symbol.asyncIterator]();
    await changes.next();
    const requests = Array.from({ length: 250 }, (_, n) => `r${n}`);
    for (const request of requests)
      await kit.node().start('ACME', nap, { for: '1 hour' }, { clientRequestId: request });
    await kit.advance('2 hours');
    const told: string[] = [];
    for (;;) {
      const { value } = await changes.next();
      if (value?.type === 'flow') told.push(`${value.flow.clientRequestId} ${value.flow.status}`);
      if (told.length === requests.length) break;
    }
    expect(told.sort()).toEqual(requests.map((request) => `${request} COMPLETED`).sort());
    await changes.return?.();
  });

  it('RP4 says so when flows were forgotten before they were read', async () => {
    const kit = await kitOf({ retention: '1 min' });
    const changes = kit.node().watch({}, { from: 'now' })[Symbol.asyncIterator]();
    await changes.next();
    await started(kit, 'forgotten');
    await kit.advance('2 min');
    await started(kit, 'kept');
    expect((await changes.next()).value).toMatchObject({ type: 'reset', why: expect.stringContaining('forgotten') });
    expect((await changes.next()).value).toMatchObject({ flow: { clientRequestId: 'kept', status: 'COMPLETED' } });
    await changes.return?.();
  });
});

describe('a feed that is resumed', () => {
  it('RP4, RP9 tells at another worker what has changed since, and nothing that has not', async () => {
    const kit = await kitOf({ workers: 2 });
    for (let n = 0; n < 20; n++) await started(kit, `early${n}`);
    await kit.node().start('ACME', nap, { for: '1 hour' }, { clientRequestId: 'nap' });
    await kit.advance('1 min');
    const first = follow(kit.node(0));
    await first.current();
    first.stop();
    await kit.advance('1 hour');
    await started(kit, 'late', 1);
    const second = follow(kit.node(1), {}, { from: first.position() });
    await second.current();
    expect(second.flows()).toContain('nap COMPLETED');
    expect(second.requests()).toContain('late');
    // Those of the last commit of each shard may be told again.
    expect(second.requests().length).toBeLessThanOrEqual(4);
    expect(second.changes.some(({ type }) => type === 'reset')).toBe(false);
  });

  it('RP4 goes on over a restart of the service', async () => {
    const kit = await kitOf();
    const watch = follow(kit.node());
    await watch.current();
    await started(kit, 'before');
    await watch.told(flowIs('before', 'COMPLETED'));
    const told = watch.changes.length;
    expect(kit.node().internals.system.steer.restart('/services/rpc')).toBe('done');
    await kit.advance('1 min');
    await started(kit, 'after');
    await watch.told(flowIs('after', 'COMPLETED'));
    expect(watch.changes.slice(told).some(({ type }) => type === 'reset')).toBe(false);
  });

  it('RP4 begins anew when the position is older than flows are kept', async () => {
    const kit = await kitOf({ retention: '1 min' });
    const first = follow(kit.node());
    await first.current();
    first.stop();
    await started(kit, 'missed');
    await kit.advance('2 min');
    await started(kit, 'kept');
    const second = follow(kit.node(), {}, { from: first.position() });
    await second.current();
    expect(second.changes).toMatchObject([
      { type: 'reset', why: expect.stringContaining('older') },
      { type: 'flow' },
      {},
    ]);
    expect(second.requests()).toEqual(['kept']);
  });

  it('RP4 begins anew when the position is of a node with other shards', async () => {
    const other = await kitOf({ shards: 3 });
    const first = follow(other.node());
    await first.current();
    const kit = await kitOf();
    await started(kit, 'here');
    const second = follow(kit.node(), {}, { from: first.position() });
    await second.current();
    expect(second.changes[0]).toMatchObject({ type: 'reset', why: expect.stringContaining('not of this node') });
    expect(second.requests()).toEqual(['here']);
  });

  it('RP4 tells everything of a log that was made anew, however far the position was in the old one', async () => {
    const old = await kitOf();
    for (let n = 0; n < 10; n++) await started(old, `old${n}`);
    const first = follow(old.node());
    await first.current();
    const kit = await kitOf({ start: old.clock.now() + 60_000 });
    await started(kit, 'new');
    const second = follow(kit.node(), {}, { from: first.position() });
    await second.current();
    expect(second.flows()).toEqual(['double COMPLETED']);
  });

  it('RP4 tells how every flow ended, whatever commit a crash comes after', async () => {
    const requests = Array.from({ length: 4 }, (_, n) => `r${n}`);
    let crashes = 0;
    for (let nth = 1; nth === crashes + 1; nth++) {
      let commits = Number.NEGATIVE_INFINITY;
      const kit = await kitOf({ crashAt: (point) => point === 'commit.after' && ++commits === nth });
      const ended = new Set<string>();
      let from: string | undefined;
      const watchUntilItEnds = async (): Promise<void> => {
        for await (const change of kit.node().watch({}, from === undefined ? {} : { from })) {
          from = change.position;
          if (change.type === 'flow' && change.flow.status === 'COMPLETED') ended.add(change.flow.clientRequestId);
          if (ended.size === requests.length) return;
        }
      };
      commits = 0;
      for (;;) {
        if (kit.isDown()) await kit.restart();
        const watching = watchUntilItEnds();
        watching.catch(() => undefined);
        const starts = requests.map((clientRequestId) =>
          kit.node().start('ACME', double, { n: 1 }, { clientRequestId }),
        );
        await Promise.allSettled([...starts, kit.advance('1 min')]);
        if (!kit.isDown()) {
          await watching;
          break;
        }
        await expect(watching).rejects.toMatchObject({ code: 'WEIR_NODE_STOPPED' });
      }
      // Commits from here on are those of the end.
      commits = Number.NEGATIVE_INFINITY;
      expect([...ended].sort(), `crash after commit ${nth}`).toEqual(requests);
      crashes += kit.crashes;
    }
    expect(crashes).toBeGreaterThan(3);
  });
});
