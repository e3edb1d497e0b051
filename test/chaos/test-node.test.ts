/** Faults by name in a test node: what is different in it while one strikes, and that it is over when it is. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow } from '../../src/index.ts';
import { type Fault, type TestNode, type TestNodeSettings, testNode } from '../../src/testing/index.ts';

const greet = flow('greet', {
  version: 1,
  states: { start: z.object({ name: z.string() }) },
  result: z.string(),
  stages: {
    *start({ name }, { step }) {
      return yield* step('greet', () => `Hello ${name}`);
    },
  },
});

let kit: TestNode | undefined;
afterEach(() => kit?.stop());

async function node(settings: Partial<TestNodeSettings> = {}): Promise<TestNode> {
  kit = await testNode({ members: { ACME: { flows: [greet] } }, shards: 2, ...settings });
  return kit;
}

/** Starts a flow; undefined as long as nobody has answered. */
function begin({ node: at }: TestNode): { answer: string | undefined } {
  const begun: { answer: string | undefined } = { answer: undefined };
  at()
    .start('ACME', greet, { name: 'Ada' })
    .then(
      () => {
        begun.answer = 'accepted';
      },
      (error: unknown) => {
        begun.answer = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      },
    );
  return begun;
}

describe('a fault in a test node', () => {
  it('TK3 crash: the worker is down until it is restarted', async () => {
    const { inject, isDown, restart, node: at } = await node();
    inject({ type: 'crash' });
    expect(isDown()).toBe(true);
    await restart();
    expect(at().status().ready).toBe(true);
  });

  it.each<[Fault, string | undefined]>([
    [{ type: 'hang', for: '10 s' }, undefined],
    [{ type: 'hang', on: '/services/rpc', for: '10 s' }, undefined],
    [{ type: 'partition', on: 'log', for: '10 s' }, undefined],
    [{ type: 'slow', by: '10 s', for: '10 s' }, undefined],
    [{ type: 'full-disk', for: '10 s' }, undefined],
    [{ type: 'full-mailbox', on: '/services/rpc', for: '10 s' }, 'WEIR_MAILBOX_FULL'],
  ])('TK3 %j: a client hears nothing, or a refusal, and is served when it is over', async (fault, refusal) => {
    const world = await node();
    world.inject(fault);
    const first = begin(world);
    await world.advance('9 s');
    expect(first.answer).toBe(refusal);
    await world.advance('11 s');
    expect(first.answer).toBe(refusal ?? 'accepted');
    const second = begin(world);
    await world.advance('1 s');
    expect(second.answer).toBe('accepted');
    expect(world.chaos().active()).toEqual([]);
  });

  it('TK3 full-disk: the node says why commits wait, and refuses what it could not keep', async () => {
    const world = await node();
    world.inject({ type: 'full-disk' });
    const first = begin(world);
    await world.advance('1 s');
    expect(world.node().status().log).toMatchObject({ state: 'stalled', error: { code: 'WEIR_LOG_DISK_FULL' } });
    const second = begin(world);
    await world.advance('1 s');
    expect([first.answer, second.answer]).toEqual([undefined, 'WEIR_LOG_DISK_FULL']);
    world.chaos().clear();
    await world.advance('1 s');
    expect([first.answer, world.node().status().log.state]).toEqual(['accepted', 'ok']);
  });

  it('TK3 fenced-writer: the worker gives the shard up at once, and runs it again when the group gives it back', async () => {
    const world = await node();
    const phases = (): string[] =>
      world
        .node()
        .status()
        .shards.map(({ partition, phase }) => `${partition} ${phase}`);
    world.inject({ type: 'fenced-writer', on: 'shard 1', for: '5 s' });
    await world.advance('1 s');
    expect(phases()).toEqual(['0 running']);
    await world.advance('5 s');
    expect(phases()).toEqual(['0 running', '1 running']);
  });

  it('TK3 crash of an actor: its supervisor starts it again', async () => {
    const world = await node();
    world.inject({ type: 'crash', on: '/services/rpc' });
    begin(world);
    await world.advance('10 s');
    const rpc = world
      .node()
      .status()
      .services.find(({ id }) => id === 'rpc');
    expect(rpc).toMatchObject({ state: 'ready', restarts: 1, lastFailure: 'a crash was injected (chaos)' });
  });

  it('TK3 clock-skew: what the node writes carries its own time', async () => {
    const world = await node();
    world.inject({ type: 'clock-skew', by: '1 h' });
    const { flowId } = await world.node().start('ACME', greet, { name: 'Ada' });
    await world.advance('1 s');
    const { created } = await world.node().get({ flowId });
    expect(created - world.clock.now()).toBeGreaterThan(3_590_000);
  });

  it('TK3 strikes one worker of two', async () => {
    const world = await node({ workers: 2 });
    world.inject({ type: 'crash' }, 1);
    expect([world.isDown(0), world.isDown(1)]).toEqual([false, true]);
    await world.advance('1 s');
    expect([world.ownerOf(0), world.ownerOf(1)]).toEqual([0, 0]);
  });

  it('TK3 outlives a crash of its worker, as a full disk does', async () => {
    const world = await node();
    world.inject({ type: 'lost-ack', times: 2 });
    world.crash();
    await world.restart();
    await world.run(await world.node().start('ACME', greet, { name: 'Ada' }));
    expect(world.chaos().struck()['lost-ack']).toBe(2);
  });

  it('TK3 torn-write: the worker dies at its next write, and nothing of that write is there', async () => {
    const world = await node();
    world.inject({ type: 'torn-write' });
    const first = begin(world);
    await world.advance('1 s');
    expect(world.isDown()).toBe(true);
    expect(first.answer).not.toBe('accepted');
    await world.restart();
    await world.advance('1 s');
    expect((await world.node().list()).flows).toEqual([]);
  });

  it('TK3 is refused where it could never strike', async () => {
    const world = await node();
    expect(() => world.inject({ type: 'full-mailbox', on: '/services/rcp' })).toThrow(
      'there is no actor /services/rcp',
    );
    expect(() => world.inject({ type: 'fenced-writer', on: 'shard 7' })).toThrow('no such shard');
  });
});
