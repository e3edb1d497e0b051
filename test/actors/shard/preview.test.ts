/** What is known of a shard before it is claimed. */
import { describe, expect, it } from 'vitest';
import type { ShardPreparation } from '../../../src/actors/shard/index.ts';
import { ShardPreview } from '../../../src/actors/shard/preview.ts';
import { systemClock } from '../../../src/ports/index.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** Takes what begins with "c/", and counts what it has made. */
function counting() {
  const put: string[] = [];
  let unmade = 0;
  let made = 0;
  const preparation: ShardPreparation<never> = {
    put({ key }) {
      if (!key.startsWith('c/')) return false;
      put.push(key);
      unmade += 1;
      return true;
    },
    *make() {
      for (; unmade > 0; unmade -= 1) {
        made += 1;
        yield;
      }
    },
    clear() {
      put.length = 0;
      unmade = 0;
    },
    program: () => {
      throw new Error('nobody asks for it');
    },
  };
  return { preparation, put, made: () => made };
}

describe('a preview of a shard', () => {
  it('W7 takes everything at once, and makes something of it in slices', async () => {
    const { preparation, put, made } = counting();
    const clock = systemClock();
    let now = 0;
    // Each look at the clock is later by more than a slice.
    const preview = new ShardPreview({ ...clock, monotonic: () => (now += 6) }, preparation);
    const taking = preview.take(Array.from({ length: 100 }, (_, n) => ({ key: `c/${n}`, value: bytes('x') })));
    expect(put).toHaveLength(100);
    expect(made()).toBeLessThan(100);
    await taking;
    expect(made()).toBe(100);
  });

  it('W1 makes nothing of what does not count any more', async () => {
    const { preparation, made } = counting();
    let now = 0;
    const preview = new ShardPreview({ ...systemClock(), monotonic: () => (now += 6) }, preparation);
    const taking = preview.take([
      ...Array.from({ length: 100 }, (_, n) => ({ key: `c/${n}`, value: bytes('x') })),
      { key: 'a/1', value: bytes('x') },
    ]);
    const before = made();
    preview.clear();
    await taking;
    expect([before < 100, made()]).toEqual([true, before]);
    expect([...preview.others()]).toEqual([]);
  });

  it('W2 keeps the newest of what its preparation has no use for, in memory of its own', async () => {
    const preview = new ShardPreview(systemClock(), counting().preparation);
    const value = bytes('early');
    await preview.take([
      { key: 'shard', value },
      { key: 'w/1', value: bytes('1') },
      { key: 'w/2', value: bytes('1') },
    ]);
    value.fill(0);
    preview.put({ key: 'w/1', value: null });
    preview.put({ key: 'w/2', value: bytes('2') });
    const texts = [...preview.others()].map(([key, kept]) => [key, Buffer.from(kept).toString()]);
    expect(texts).toEqual([
      ['shard', 'early'],
      ['w/2', '2'],
    ]);
    expect([...preview.others()]).toEqual([]);
  });
});
