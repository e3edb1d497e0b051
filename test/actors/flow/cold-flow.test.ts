import { describe, expect, it } from 'vitest';
import { coldFlow, dueOf, thawed } from '../../../src/actors/flow/cold-flow.ts';
import { FlowInstance } from '../../../src/actors/flow/instance.ts';
import { entryOf, headOf, flowId as id, flowKey as key } from './checkpoints.ts';

/** A flow with a journal of so many steps, which sleeps until `due`. */
function sleeping(steps: number, state: Uint8Array, due: number): FlowInstance {
  const flow = new FlowInstance(key, id, headOf({ state }));
  for (let n = 0; n < steps; n++) {
    flow.journal[n] = entryOf('step', { state: 'done', value: Uint8Array.of(n % 256), order: n + 1 });
  }
  flow.journal[steps] = entryOf('sleep', { due });
  flow.waits = [{ what: 'sleep', label: 'it', due }];
  flow.alarm = { due, cancelled: false, ringing: undefined };
  return flow;
}

describe('a flow as one string', () => {
  it.each([
    [0, 0],
    [1, 127],
    [127, 128],
    [129, 16_384],
    [1_000, 300_000],
  ])('W6 comes back as it was, with a journal of %i steps and a state of %i bytes', (steps, size) => {
    const due = 1_800_000_000_123;
    const state = Uint8Array.from({ length: size }, (_, n) => n % 256);
    const flow = sleeping(steps, state, due);
    flow.knows('signal', 'pay:ü');
    const cold = coldFlow(flow);
    if (cold === undefined) throw new Error('it can be cold');
    expect(dueOf(cold)).toBe(due);
    const back = thawed(key, cold);
    expect(back.due).toBe(due);
    expect([back.flow.id, back.flow.key, back.flow.waits]).toEqual([id, key, flow.waits]);
    expect(back.flow.signals).toEqual(flow.signals);
    expect(Buffer.compare(back.flow.head.state, state)).toBe(0);
    expect(back.flow.journal.map((entry) => [entry?.op, entry?.state, entry?.order, entry?.due])).toEqual(
      flow.journal.map((entry) => [entry?.op, entry?.state, entry?.order, entry?.due]),
    );
    expect({ ...back.flow.head, state: undefined }).toEqual({ ...flow.head, state: undefined });
  });

  it('is none when its checkpoint does not say everything', () => {
    const sound = () => sleeping(2, new Uint8Array(), 5);
    const spoilt: Array<(flow: FlowInstance) => unknown> = [
      (flow) => Object.assign(flow, { dirty: true }),
      (flow) => Object.assign(flow, { alarm: undefined }),
      (flow) => Object.assign(flow, { waits: [] }),
      (flow) => Object.assign(flow, { closing: true }),
      (flow) => Object.assign(flow.head, { status: 'STUCK' }),
    ];
    expect(coldFlow(sound())).toBeDefined();
    for (const spoil of spoilt) {
      const flow = sound();
      spoil(flow);
      expect(coldFlow(flow)).toBeUndefined();
    }
  });
});
