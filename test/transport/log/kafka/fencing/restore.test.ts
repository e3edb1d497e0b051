/** What counts in a restore, terms, and what is told from memory (fencing rules 6, 7 and 10) on the model of a broker. The number in a title is the rule's; without the rule, its tests fail. */
import { describe, expect, it } from 'vitest';
import { codeOf, hourMs, kafkaWorld, stateTopic } from '../world.ts';

const dayMs = 24 * hourMs;

describe('fencing rule 6: what counts in a restore', () => {
  it('WK5 a batch of an older epoch behind the fence does not count, and is written over', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, { a: 'good', b: 'good' });
    const zombie = world.producer();
    await world.claim(world.worker('b'));
    world.broker.expireProducers(stateTopic, 0);
    expect((await world.zombie(zombie, 3, { a: 'zombie', c: 'zombie' })).error).toBe(0);
    const current = await world.claim(world.worker('c'));
    expect(await world.restored(current)).toEqual({ a: 'good', b: 'good' });
    await world.clock.advance(2 * hourMs);
    await world.commit(current, { d: '1' });
    world.broker.compact(stateTopic, 0);
    expect(await world.restored(await world.claim(world.worker('d')))).toEqual({ a: 'good', b: 'good', d: '1' });
  });

  it('WK3 the same after any compaction: nothing that was committed is taken for foreign', async () => {
    const world = await kafkaWorld();
    const expected: Record<string, string> = {};
    for (let round = 0; round < 8; round++) {
      if (round % 3 === 2) world.broker.exhaustTransactionalId(`${stateTopic}-0`);
      const claim = await world.claim(world.worker(`w${round}`));
      expect(await world.restored(claim)).toEqual(expected);
      for (let count = 0; count < 3; count++) {
        expected[`k${(round * 3 + count) % 7}`] = `${round}.${count}`;
        await world.commit(claim, { [`k${(round * 3 + count) % 7}`]: `${round}.${count}` });
      }
      await world.clock.advance(round % 2 === 0 ? 2 * hourMs : 2 * dayMs);
      world.broker.compact(stateTopic, 0);
      world.broker.expireProducers(stateTopic, 0);
    }
    expect(await world.restored(await world.claim(world.worker('last')))).toEqual(expected);
  });

  it('WK3 records of the driver itself are not restored, and keys of the shard that look like them are', async () => {
    const world = await kafkaWorld();
    const claim = await world.claim(world.worker('a'));
    const special = { '!fence': '1', '!claim': '2', '!!': '3', '!s/1': '4', '!dead/7': '5', s: '6' };
    await world.commit(claim, special);
    await world.commit(claim, {});
    expect(await world.restored(await world.claim(world.worker('b')))).toEqual(special);
  });
});

describe('fencing rule 7: terms', () => {
  it('WK16 terms grow, also over another producer id, a lower fence and compaction', async () => {
    const world = await kafkaWorld();
    const counters: number[] = [];
    const claim = async (name: string) => {
      const held = await world.claim(world.worker(name));
      counters.push(held.term.counter);
      return held;
    };
    const first = await claim('a');
    for (let count = 0; count < 10; count++) await world.commit(first, { a: String(count) });
    world.broker.exhaustTransactionalId(`${stateTopic}-0`);
    await claim('b');
    await world.clock.advance(2 * hourMs);
    world.broker.compact(stateTopic, 0);
    await claim('c');
    // Its fence is lost; the next one lies lower than that did.
    world.broker.electUncleanly(stateTopic, 0, 2);
    await claim('d');
    expect(counters.slice(0, 3)).toEqual([1, 2, 3]);
    expect(counters[3]).toBeGreaterThan(2);
  });
});

describe('fencing rule 10: answers from memory', () => {
  it('W1 an empty commit shows an owner that it is fenced', async () => {
    const world = await kafkaWorld();
    const old = await world.claim(world.worker('a'));
    await world.commit(old, {});
    await world.claim(world.worker('b'));
    expect(await codeOf(world.commit(old, {}))).toBe('WEIR_LOG_FENCED');
  });
});
