import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assign,
  decodeMember,
  encodeMember,
  type GroupView,
  type MemberData,
} from '../../../../src/transport/log/kafka/assignment.ts';

function member(memberId: string, data: Partial<MemberData> = {}): GroupView {
  return { memberId, data: { worker: memberId, owned: [], generation: 1, ahead: [], pulls: [], about: {}, ...data } };
}

/** What each is to run. */
function assigned(partitions: number, ...members: GroupView[]) {
  return Object.fromEntries([...assign(partitions, members)].map(([memberId, { run }]) => [memberId, run]));
}

/** What each is to read ahead. */
function coming(partitions: number, ...members: GroupView[]) {
  return Object.fromEntries([...assign(partitions, members)].map(([memberId, one]) => [memberId, one.coming]));
}

/** Rounds of a group whose members read ahead and let go of what is not theirs, until nobody has to. */
function settle(partitions: number, members: readonly GroupView[]): Map<string, readonly number[]> {
  let now = members;
  for (let generation = 2; generation < 12; generation++) {
    const given = assign(partitions, now);
    const next = now.map(({ memberId, data }) => ({
      memberId,
      data: { ...data, owned: given.get(memberId)?.run ?? [], ahead: given.get(memberId)?.coming ?? [], generation },
    }));
    const moves = (views: readonly GroupView[]) => JSON.stringify(views.map(({ data }) => [data.owned, data.ahead]));
    if (moves(next) === moves(now)) break;
    now = next;
  }
  return new Map(now.map(({ memberId, data }) => [memberId, data.owned]));
}

describe('assignment of partitions', () => {
  it('WK4 is even', () => {
    expect(assigned(5, member('a'), member('b'))).toEqual({ a: [0, 2, 4], b: [1, 3] });
  });

  it('WK4 leaves a partition that moves with its owner until it has been read ahead, and the rest in any case', () => {
    const owner = member('a', { owned: [0, 1, 2, 3] });
    expect(assigned(4, owner, member('b'))).toEqual({ a: [0, 1, 2, 3], b: [] });
    expect(coming(4, owner, member('b'))).toEqual({ a: [], b: [2, 3] });
    expect(assigned(4, owner, member('b', { ahead: [3] }))).toEqual({ a: [0, 1, 2], b: [] });
    expect(coming(4, owner, member('b', { ahead: [3] }))).toEqual({ a: [], b: [2, 3] });
  });

  it('WK4 gives what nobody runs to whoever has read it ahead', () => {
    expect(assigned(4, member('a'), member('b', { ahead: [0, 2] }))).toEqual({ a: [1, 3], b: [0, 2] });
    // No more than its share.
    expect(assigned(2, member('a'), member('b', { ahead: [0, 1] }))).toEqual({ a: [1], b: [0] });
  });

  it('WK4 gives a partition that moves to nobody until its owner has let go, and leaves the rest alone', () => {
    const next = member('b', { ahead: [2, 3] });
    expect(assigned(4, member('a', { owned: [0, 1, 2, 3] }), next)).toEqual({ a: [0, 1], b: [] });
    expect(assigned(4, member('a', { owned: [0, 1] }), member('b'))).toEqual({ a: [0, 1], b: [2, 3] });
  });

  it('WK4 WK14 a member keeps what it has run longest: what it took from a worker that is back goes back', () => {
    const taken = member('b', { owned: [2, 3, 0, 1] });
    expect(coming(4, member('a'), taken)).toEqual({ a: [0, 1], b: [] });
    expect(assigned(4, member('a', { ahead: [0, 1] }), taken)).toEqual({ a: [], b: [2, 3] });
    expect(assigned(4, member('a'), member('b', { owned: [2, 3] }))).toEqual({ a: [0, 1], b: [2, 3] });
  });

  it('WK4 moves nothing when it does not come out even either way', () => {
    expect(assigned(3, member('b', { owned: [0, 2] }), member('a', { owned: [1] }))).toEqual({ a: [1], b: [0, 2] });
  });

  it('WK5 of two that say they own a partition, believes the one that was assigned later', () => {
    const zombie = member('a', { owned: [0, 1], generation: 3 });
    const owner = member('b', { owned: [0, 1], generation: 5 });
    expect(assigned(2, zombie, owner)).toEqual({ a: [], b: [0, 1] });
    expect(coming(2, zombie, owner)).toEqual({ a: [1], b: [] });
  });

  it('WK4 gives a partition to the worker that was asked to take it, the newest request first', () => {
    const asked = (at: number) => ({ pulls: [{ partition: 0, at }] });
    expect(assigned(2, member('a', asked(2)), member('b', asked(1)))).toMatchObject({ a: [0], b: [1] });
    expect(assigned(2, member('a', asked(1)), member('b', asked(2)))).toMatchObject({ a: [1], b: [0] });
  });

  it('WK9 a member that rests is given nothing, not even what it asked for; its partitions move as it lets go', () => {
    const resting = member('a', { owned: [0, 1], resting: true, pulls: [{ partition: 2, at: 9 }] });
    expect(assigned(4, resting, member('b', { owned: [2, 3] }))).toEqual({ a: [0, 1], b: [2, 3] });
    expect(assigned(4, resting, member('b', { owned: [2, 3], ahead: [0, 1] }))).toEqual({ a: [], b: [2, 3] });
    expect(assigned(4, member('a', { resting: true }), member('b', { owned: [2, 3] }))).toEqual({
      a: [],
      b: [0, 1, 2, 3],
    });
    expect(assigned(4, member('a', { resting: true }))).toEqual({ a: [] });
  });

  it('WK4 a member that cannot be read owns nothing, and may be given something', () => {
    const data = decodeMember(Buffer.from('{"owned": 7'));
    expect(data.owned).toEqual([]);
    expect(assigned(2, { memberId: 'x', data }, member('a'))).toEqual({ a: [0], x: [1] });
    const known = member('a', { owned: [1], pulls: [{ partition: 1, at: 5 }], about: { version: '1' } }).data;
    expect(decodeMember(encodeMember(known))).toMatchObject(known);
  });

  const group = fc.record({
    partitions: fc.integer({ min: 1, max: 20 }),
    owned: fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 19 })), { minLength: 1, maxLength: 6 }),
  });

  it('WK4 W1 whatever members say they own, nothing has two owners, and in the end everything has one, evenly', () => {
    fc.assert(
      fc.property(group, ({ partitions, owned }) => {
        const members = owned.map((list, index) => member(`m${index}`, { owned: list, generation: index }));
        const once = [...assign(partitions, members).values()].flatMap(({ run }) => run);
        expect(new Set(once).size).toBe(once.length);
        const counts = [...settle(partitions, members).values()].map((list) => list.length);
        expect(counts.reduce((a, b) => a + b, 0)).toBe(partitions);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('WK4 nobody gives up more than it has above its share', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), (partitions, workers) => {
        const before = settle(
          partitions,
          Array.from({ length: workers }, (_, index) => member(`m${index}`)),
        );
        const members = [...before].map(([memberId, owned]) => member(memberId, { owned }));
        const ahead = Array.from({ length: partitions }, (_, partition) => partition);
        const after = assign(partitions, [...members, member('new', { ahead })]);
        const share = Math.floor(partitions / (workers + 1));
        for (const [memberId, owned] of before) {
          const kept = owned.filter((partition) => after.get(memberId)?.run.includes(partition)).length;
          expect(kept).toBeGreaterThanOrEqual(Math.min(owned.length, share));
        }
      }),
    );
  });
});
