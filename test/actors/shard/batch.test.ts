import { describe, expect, it, vi } from 'vitest';
import { Batch } from '../../../src/actors/shard/batch.ts';
import { ChangeSet } from '../../../src/actors/shard/change-set.ts';

const bytes = (value: number) => Uint8Array.of(value);

function setOf(fill: (changes: ChangeSet) => void): ChangeSet {
  const changes = new ChangeSet();
  fill(changes);
  return changes;
}

describe('a batch', () => {
  it('writes of each key what was put last', () => {
    const batch = new Batch(1);
    batch.add(setOf((changes) => changes.put('a', bytes(1))));
    batch.add(setOf((changes) => changes.put('b', bytes(2))));
    batch.add(setOf((changes) => changes.put('a', bytes(3))));
    const { records } = batch.seal();
    expect(records).toEqual([
      { key: 'a', value: bytes(3) },
      { key: 'b', value: bytes(2) },
    ]);
  });

  it('makes of what many sets put anew only the last value, when it leaves', () => {
    const [first, second] = [vi.fn(() => bytes(1)), vi.fn(() => bytes(2))];
    const batch = new Batch(1);
    batch.add(setOf((changes) => changes.putLast('head', first)));
    batch.add(setOf((changes) => changes.putLast('head', second)));
    expect(second).not.toHaveBeenCalled();
    expect(batch.seal().records).toEqual([{ key: 'head', value: bytes(2) }]);
    expect(first).not.toHaveBeenCalled();
    expect(batch.empty).toBe(false);
  });
});

describe('a change set', () => {
  it('only removes when nothing else is in it', () => {
    expect(setOf((changes) => changes.remove('a')).onlyRemoves).toBe(true);
    const more: ReadonlyArray<(changes: ChangeSet) => void> = [
      (changes) => changes.put('b', bytes(1)),
      (changes) => changes.putLast('b', () => bytes(1)),
      (changes) => changes.publish('t', 'b', null),
      (changes) => changes.send(0, bytes(1)),
      (changes) => changes.after(() => undefined),
    ];
    for (const add of more) {
      const changes = setOf((both) => {
        both.remove('a');
        add(both);
      });
      expect(changes.onlyRemoves).toBe(false);
    }
  });

  it('is empty until something is in it, and takes all of another one in', () => {
    const other = setOf((changes) => {
      changes.put('a', bytes(1));
      changes.putLast('b', () => bytes(2));
      changes.publish('t', 'c', null);
      changes.send(0, bytes(3));
      changes.after(() => undefined);
      changes.onJoin((joining) => joining.put('d', bytes(4)));
    });
    const changes = new ChangeSet();
    expect(changes.empty).toBe(true);
    changes.merge(other);
    expect(changes.empty).toBe(false);
    changes.joining();
    changes.joining();
    const batch = new Batch(1);
    batch.add(changes);
    expect(batch.seal().records.map(({ key }) => key)).toEqual(['a', 'd', 'b']);
    expect([changes.publications.length, changes.outgoing.length, changes.afterCommit.length]).toEqual([1, 1, 1]);
    expect(changes.bytes).toBe(other.bytes + 2);
  });
});
