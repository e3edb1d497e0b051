/** Clients that wait when the RPC service fails: its next incarnation answers them, and nobody waits for nothing. */
import { afterEach, describe, expect, it } from 'vitest';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { double, nap } from '../../fixtures/flows.ts';

let kit: TestNode | undefined;
afterEach(() => kit?.stop());

async function node(): Promise<TestNode> {
  kit = await testNode({ members: { ACME: { flows: [double, nap] } }, shards: 2 });
  return kit;
}

/** What becomes of a promise; undefined as long as nothing has. */
function outcomeOf<T>(promise: Promise<T>): { value?: unknown } {
  const outcome: { value?: unknown } = {};
  promise.then(
    (value) => {
      outcome.value = value;
    },
    (error: unknown) => {
      outcome.value = error;
    },
  );
  return outcome;
}

const crash = { type: 'crash', on: '/services/rpc' } as const;
const shards = ['/services/flow/shard-0', '/services/flow/shard-1'] as const;

describe('the RPC service fails', () => {
  it.each(['crash', 'hang'] as const)('W6 %s: whoever waits for a result has it when the flow ends', async (type) => {
    const { node: at, inject, advance } = await node();
    const starting = at().start('ACME', nap, { for: '1 min' });
    await advance(10);
    const slept = outcomeOf((await starting).result({ within: '10 min' }));
    await advance('1 s');
    inject({ type, on: '/services/rpc' });
    // What hangs is given up when something else waits for it.
    const other = outcomeOf(at().list());
    await advance('50 s');
    expect(other.value).toMatchObject({ flows: [{ status: 'RUNNING' }] });
    expect(slept.value).toBeUndefined();
    await advance('10 s');
    expect(slept.value).toEqual({ slept: '1 min' });
  });

  it('W6 a wait that was to end meanwhile ends, with the flow as it is', async () => {
    const { node: at, inject, advance } = await node();
    const starting = at().start('ACME', nap, { for: '1 hour' });
    await advance(10);
    const { name } = await starting;
    const settled = outcomeOf(at().settled(name, { within: '5 s' }));
    await advance('1 s');
    inject(crash);
    await advance('4 s');
    expect(settled.value).toMatchObject({ status: 'RUNNING' });
  });

  it('W8 SM1 whoever waits to be told that its flow is accepted is told, and it is one flow', async () => {
    const { node: at, inject, chaos, advance } = await node();
    for (const on of shards) inject({ type: 'hang', on });
    const started = outcomeOf(at().start('ACME', double, { n: 2 }, { clientRequestId: 'r' }));
    await advance('1 s');
    inject(crash);
    await advance('1 s');
    expect(started.value).toBeUndefined();
    chaos().clear();
    await advance('1 s');
    expect(started.value).toMatchObject({ flowId: expect.any(String) });
    const listed = outcomeOf(at().list());
    await advance(10);
    expect(listed.value).toMatchObject({ flows: [{ clientRequestId: 'r', status: 'COMPLETED' }] });
  });
});
