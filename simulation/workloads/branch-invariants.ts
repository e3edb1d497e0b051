/** What must hold for flows with branches: their diaries and their results tell the same story. */
import type { AnyActor } from 'weir';
import { actorsOf, flowsOf, type Invariant } from 'weir/testing';
import { z } from 'zod';

export interface Expected {
  readonly kind: 'race' | 'all' | 'cancel';
  /** Messages, items or branches. */
  readonly count: number;
}

const raced = z.object({ heard: z.array(z.int()), won: z.array(z.string()) });
const gathered = z.object({ results: z.array(z.int()), order: z.array(z.int()) });
const notesOf = z.array(z.string());

interface Ended {
  readonly flowId: string;
  readonly status: string;
  readonly result: unknown;
}

/**
 * Nothing that a loser waited for is gone, every cleanup runs once, and the order that a flow remembers at its end, maybe
 * after many replays, is the one in which things happened.
 */
export function diariesAgree(diary: AnyActor, expected: ReadonlyMap<string, Expected>): Invariant {
  const ended = new Map<string, Ended>();
  const diaries = new Map<string, readonly string[]>();
  return {
    name: 'branches end as they did at first',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow: name, flowId, clientRequestId: id, status, result } of flowsOf(event)) {
        if (!name.startsWith('branches.') || status === 'RUNNING') continue;
        const due = name === 'branches.cancel' ? 'KILLED' : 'COMPLETED';
        if (status !== due) return violate(`${name} ${id} is ${status}`);
        if (id !== '') ended.set(id, { flowId, status, result });
      }
      for (const { key, state } of actorsOf(event, diary.name)) diaries.set(key, notesOf.parse(state));
    },
    end(_world, violate) {
      for (const [id, wanted] of expected) {
        const end = ended.get(id);
        if (end === undefined) return violate(`${id} has not ended`);
        const why = differenceOf(wanted, end.result, diaries.get(end.flowId) ?? []);
        if (why !== undefined) return violate(`${id}, a ${wanted.kind}: ${why}`);
      }
    },
  };
}

function differenceOf({ kind, count }: Expected, result: unknown, notes: readonly string[]): string | undefined {
  switch (kind) {
    case 'race': {
      const { heard, won } = raced.parse(result);
      const story = won.flatMap((winner, round) => [`undone ${round}`, `${round} ${winner}`]);
      return unlike('it heard', heard, upTo(count)) ?? unlike('its diary says', notes, story);
    }
    case 'all': {
      const { results, order } = gathered.parse(result);
      const places = upTo(count).map((number) => number - 1);
      return unlike('it gave', results, places) ?? unlike('its diary says', notes, order.map(String));
    }
    case 'cancel': {
      // Who cancels it before it has begun finds nothing to be cleaned up. What a branch was about to note when it was
      // cancelled may be missing; its cleanup never is, and nothing is noted twice.
      if (notes.length === 0) return undefined;
      const ends = notes.filter((note) => note.endsWith(' ends')).toSorted();
      return unlike('its cleanup is', ends, ['one ends', 'two ends']) ?? unlike('it noted', notes, [...new Set(notes)]);
    }
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function unlike(what: string, found: readonly unknown[], wanted: readonly unknown[]): string | undefined {
  return String(found) === String(wanted) ? undefined : `${what} ${String(found)}, and not ${String(wanted)}`;
}
