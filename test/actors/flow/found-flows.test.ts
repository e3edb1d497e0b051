/** Flows that are made of their records while these still change: nothing that was made of former ones is given out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { thawed } from '../../../src/actors/flow/cold-flow.ts';
import type { FlowRecords, MadeFlow } from '../../../src/actors/flow/flow-maker.ts';
import { FoundFlows } from '../../../src/actors/flow/found-flows.ts';
import { Registry } from '../../../src/actors/flow/index.ts';
import { flow } from '../../../src/index.ts';
import { flowHead, journalEntry } from '../../../src/persistence/index.ts';
import { entryOf, flowId, flowKey, headOf } from './checkpoints.ts';

const buy = flow('buy', { version: 1, states: { start: z.object({}) }, stages: { *start() {} } });
const registry = new Registry([{ identity: { name: 'A', group: 'default' }, flows: [buy], actors: [] }]);

const head = (...given: Parameters<typeof headOf>): Uint8Array => flowHead.encode(headOf(...given));
const entry = (...given: Parameters<typeof entryOf>): Uint8Array => journalEntry.encode(entryOf(...given));

function put(found: FoundFlows, key: string, value: Uint8Array | null): boolean {
  return found.put({ key, value });
}

function made(found: FoundFlows): void {
  for (const _ of found.make());
}

type Given = MadeFlow | FlowRecords;

/** What is given out, with records as they are. */
function told(found: FoundFlows): string[] {
  const parts = (all: FlowRecords['journal']): unknown[] => {
    const some: unknown[] = [];
    all.forEach(({ value }, place) => {
      some.push([place, Buffer.from(value).toString('hex')]);
    });
    return some.sort();
  };
  const tell = (given: Given): unknown => {
    if (!('type' in given)) {
      const { id, head, journal, unread, signals } = given;
      return [id, Buffer.from(head.value).toString('hex'), parts(journal), parts(unread), parts(signals)];
    }
    if (given.type === 'ended') return given;
    const { flow } = thawed(given.key, given.cold);
    return [flow.id, given.due, flow.head, flow.journal, [...(flow.signals ?? [])].sort()];
  };
  return [...found.take()].map((given) => JSON.stringify(tell(given))).sort();
}

function kinds(found: FoundFlows): string[] {
  return [...found.take()].map((given) => ('type' in given ? given.type : 'whole'));
}

describe('flows that are found', () => {
  it('W6 one that sleeps is cold, one that has ended is remembered, any other is given as its records', () => {
    const found = new FoundFlows(registry);
    put(found, `c/${flowId}`, head());
    put(found, `j/${flowId}/3/0`, entry('sleep', { due: 7 }));
    put(found, `c/${flowKey}-1`, head({ status: 'COMPLETED' }));
    put(found, `c/${'b'.repeat(24)}-1`, head());
    put(found, `j/${'b'.repeat(24)}-1/3/0`, entry('step'));
    put(found, `j/${'c'.repeat(24)}-1/3/0`, entry('step'));
    expect(kinds(found)).toEqual(['cold', 'ended', 'whole']);
  });

  it('records that belong to no flow are left to others', () => {
    const found = new FoundFlows(registry);
    for (const key of ['shard', 'w/log', 'o/1/2', 'o/x', 'a/x', 'c/@A:counter:1', 'd/7', 'j/x']) {
      expect([key, put(found, key, new Uint8Array())]).toEqual([key, false]);
    }
  });

  it.each<[string, (found: FoundFlows) => void, string[]]>([
    [
      'woke, since its sleep is done',
      (found) => put(found, `j/${flowId}/3/0`, entry('sleep', { state: 'done' })),
      ['whole'],
    ],
    ['sleeps for longer', (found) => put(found, `j/${flowId}/3/0`, entry('sleep', { due: 9 })), ['cold 9']],
    ['goes on', (found) => put(found, `j/${flowId}/3/1`, entry('step')), ['whole']],
    ['has got a message', (found) => put(found, `i/${flowId}/0`, new Uint8Array()), ['whole']],
    ['has ended', (found) => put(found, `c/${flowId}`, head({ status: 'FAILED' })), ['ended']],
    ['is in another visit', (found) => put(found, `c/${flowId}`, head({ visit: 4 })), ['whole']],
    [
      'was cancelled',
      (found) => put(found, `c/${flowId}`, head({ cancel: { order: 1, code: 'X', reason: '' } })),
      ['whole'],
    ],
    ['is forgotten', (found) => put(found, `c/${flowId}`, null), []],
  ])('W2 one that %s after it was made is made again', (_, change, expected) => {
    const found = new FoundFlows(registry);
    put(found, `c/${flowId}`, head());
    put(found, `j/${flowId}/3/0`, entry('sleep', { due: 7 }));
    made(found);
    change(found);
    const given = [...found.take()].map((one) =>
      'type' in one ? (one.type === 'cold' && one.due !== 7 ? `cold ${one.due}` : one.type) : 'whole',
    );
    expect(given).toEqual(expected);
  });

  const ids = [flowId, `${'b'.repeat(24)}-1`];
  const change = fc.oneof(
    fc.record({
      key: fc.constantFrom(...ids.map((id) => `c/${id}`)),
      value: fc.constantFrom(head(), head({ visit: 4 }), head({ status: 'COMPLETED' }), head({ expires: 5 }), null),
    }),
    fc.record({
      key: fc.constantFrom(...ids.flatMap((id) => [`j/${id}/3/0`, `j/${id}/3/1`, `j/${id}/4/0`])),
      value: fc.constantFrom(entry('step', { state: 'done' }), entry('sleep', { due: 7 }), entry('ask'), null),
    }),
    fc.record({
      key: fc.constantFrom(...ids.flatMap((id) => [`g/${id}/x`, `g/${id}/y`, `i/${id}/0`])),
      value: fc.constantFrom(Uint8Array.of(120), null),
    }),
    fc.constant('make' as const),
  );

  it('W2 it makes no difference when they are made', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const early = new FoundFlows(registry);
        const newest = new Map<string, Uint8Array>();
        for (const one of changes) {
          if (one === 'make') made(early);
          else {
            put(early, one.key, one.value);
            if (one.value === null) newest.delete(one.key);
            else newest.set(one.key, one.value);
          }
        }
        const late = new FoundFlows(registry);
        for (const [key, value] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1))) put(late, key, value);
        expect(told(early)).toEqual(told(late));
      }),
    );
  });
});
