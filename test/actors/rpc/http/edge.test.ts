import { describe, expect, it } from 'vitest';
import type { ActorSystem } from '../../../../src/actors/kernel/index.ts';
import { Edge } from '../../../../src/actors/rpc/http/edge.ts';

/** An RPC service that takes every question and answers none. */
const silent = { ask: () => new Promise(() => undefined) } as unknown as ActorSystem;

function edge(maxWaiting: number): Edge {
  const directory = { byId: () => undefined, find: () => undefined, hosted: () => [] };
  return new Edge({ system: silent, rpc: () => undefined as never, directory, authorize: () => true, maxWaiting });
}

describe('the edge', () => {
  it('RP11 refuses to let more requests wait than it can hold, before anything is started for them', async () => {
    const full = edge(2);
    void full.settled({ flowId: 'a' }, 1_000);
    void full.settled({ flowId: 'b' }, 1_000);
    expect(() => full.admitWait(1)).toThrow(expect.objectContaining({ code: 'WEIR_WAITING_FULL', status: 429 }));
    await expect(full.settled({ flowId: 'c' }, 1)).rejects.toMatchObject({
      code: 'WEIR_WAITING_FULL',
      retryable: true,
    });
    // What does not wait takes no place.
    expect(() => full.admitWait(0)).not.toThrow();
  });
});
