import { expect, it } from 'vitest';
import { virtualClock } from '../../../src/testing/virtual-clock.ts';
import { type OpenStore, openLevelStore } from '../../../src/transport/log/embedded/store.ts';
import { sizeOf } from '../../rig/size-of.ts';
import { openLog, temporaryDirectory } from './support/directory.ts';
import { topics } from './support/ledger.ts';

const mebibyte = 2 ** 20;

it('gives back the space of what was removed when nobody writes for a while, and not before', async () => {
  const directory = await temporaryDirectory();
  const clock = virtualClock();
  const compactions: Array<() => void> = [];
  let begun = 0;
  const openStore: OpenStore = async (location) => {
    const store = await openLevelStore(location);
    return {
      ...store,
      compact: async () => {
        begun += 1;
        await store.compact();
        for (const tell of compactions.splice(0)) tell();
      },
    };
  };
  const log = await openLog(directory.path, { clock, openStore });
  await log.ensureTopics(topics);
  const claim = await log.claim({ topic: 'flow.state', partition: 0 });
  const value = Buffer.alloc(1_000, 'x');
  const keysOf = (part: number): string[] => Array.from({ length: 1_000 }, (_, n) => `c/${part}/${n}`);
  const parts = Array.from({ length: 30 }, (_, part) => part);
  for (const part of parts) {
    await claim.commit({ records: keysOf(part).map((key) => ({ key, value })), publications: [] });
  }
  for (const part of parts.slice(0, 25)) {
    await claim.commit({ records: keysOf(part).map((key) => ({ key, value: null })), publications: [] });
  }
  const before = await sizeOf(directory.path);
  expect(before).toBeGreaterThan(20 * mebibyte);
  const compacted = new Promise<void>((resolve) => compactions.push(resolve));
  await clock.advance(4_000);
  // Somebody is there still.
  await claim.commit({ records: [{ key: 'head', value }], publications: [] });
  await clock.advance(4_000);
  expect(begun).toBe(0);
  await clock.advance(1_000);
  await compacted;
  expect(begun).toBe(1);
  // The log is written on, and what is left is there.
  await claim.commit({ records: [{ key: 'head', value }], publications: [] });
  let left = 0;
  for await (const chunk of claim.restore()) left += chunk.length;
  expect(left).toBe(5_001);
  await log.close();
  expect(await sizeOf(directory.path)).toBeLessThan(10 * mebibyte);
  const again = await openLog(directory.path);
  await again.close();
  await directory.remove();
});
