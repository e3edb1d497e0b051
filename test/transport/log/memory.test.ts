import { describe, expect, it } from 'vitest';
import { seededRandom, systemClock, systemRandom } from '../../../src/ports/index.ts';
import { logContract } from '../../../src/testing/contracts/index.ts';
import { virtualClock } from '../../../src/testing/virtual-clock.ts';
import type { Claim, Fate, Faults, Log, LogRecord } from '../../../src/transport/log/index.ts';
import { memoryCluster } from '../../../src/transport/log/index.ts';

logContract('memory', async () => {
  const cluster = memoryCluster({ clock: systemClock(), random: systemRandom() });
  return {
    log: cluster.worker('one'),
    second: async () => cluster.worker('two'),
    reopen: async () => {
      await cluster.worker('one').close();
      return cluster.worker('one');
    },
    dispose: async () => undefined,
  };
});

const shard = { topic: 'flow.state', partition: 0 };

async function newCluster(faults: Faults = {}, latencyMs = { min: 0, max: 0 }) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, random: seededRandom(1), faults, latencyMs });
  const ready = cluster.worker('setup').ensureTopics([
    { name: 'flow.state', partitions: 8, kind: 'state' },
    { name: 'flow.events', partitions: 8, kind: 'events' },
    { name: 'flow.status', partitions: 8, kind: 'table' },
  ]);
  await clock.advance(0);
  await ready;
  return { clock, cluster };
}

function put(key: string, value: string): LogRecord {
  return { key, value: Buffer.from(value) };
}

function batch(key: string, value: string, published?: string) {
  const publications = published === undefined ? [] : [{ topic: 'flow.status', ...put('f', published) }];
  return { records: [put(key, value)], publications };
}

async function restored(claim: Claim): Promise<Record<string, string>> {
  const records: Record<string, string> = {};
  for await (const chunk of claim.restore()) {
    for (const { key, value } of chunk) records[key] = Buffer.from(value ?? []).toString();
  }
  return records;
}

/** What became of a promise, once the clock has run. */
function watch(promise: Promise<unknown>): { outcome: string } {
  const seen = { outcome: 'pending' };
  promise.then(
    () => {
      seen.outcome = 'done';
    },
    (error: { code?: string }) => {
      seen.outcome = error.code ?? String(error);
    },
  );
  return seen;
}

/** Lets the fate of the numbered commit be `fate`, and of all others `ok`. */
function onCommit(sequence: number, fate: Fate): Faults {
  return { commit: (info) => (info.sequence === sequence ? fate : 'ok') };
}

describe('memory cluster: faults', () => {
  it('TK3 WK2 a lost acknowledgement: the commit takes effect once, later', async () => {
    const { clock, cluster } = await newCluster(onCommit(1, 'lost-ack'), { min: 10, max: 10 });
    const claiming = cluster.worker('a').claim(shard);
    await clock.advance(100);
    const claim = await claiming;
    const commit = watch(claim.commit(batch('a', '1')));
    await clock.advance(15);
    expect(commit.outcome).toBe('pending');
    await clock.advance(10);
    expect(commit.outcome).toBe('done');
  });

  it('TK3 W1 a lost acknowledgement before a fence: refused, though the new owner reads it as a whole', async () => {
    const { clock, cluster } = await newCluster(onCommit(1, 'lost-ack'), { min: 10, max: 10 });
    const claiming = cluster.worker('a').claim(shard);
    await clock.advance(100);
    const commit = watch((await claiming).commit(batch('a', '1')));
    await clock.advance(5);
    const taking = cluster.worker('b').claim(shard);
    await clock.advance(100);
    expect(commit.outcome).toBe('WEIR_LOG_FENCED');
    const reading = restored(await taking);
    await clock.advance(100);
    expect(await reading).toEqual({ a: '1' });
  });

  for (const [fate, expected] of [
    ['crash-before', {}],
    ['crash-after', { a: '1' }],
  ] as const) {
    it(`TK3 WK2 ${fate}: the commit never settles, and is ${fate === 'crash-after' ? 'whole' : 'absent'}`, async () => {
      const { clock, cluster } = await newCluster(onCommit(1, fate));
      const crashed: string[] = [];
      cluster.onCrash((worker) => crashed.push(worker));
      const claiming = cluster.worker('a').claim(shard);
      await clock.advance(0);
      const commit = watch((await claiming).commit(batch('a', '1')));
      await clock.advance(1_000);
      expect(commit.outcome).toBe('pending');
      expect(crashed).toEqual(['a']);
      const again = cluster.worker('a').claim(shard);
      await clock.advance(0);
      const reading = restored(await again);
      await clock.advance(0);
      expect(await reading).toEqual(expected);
    });
  }

  it('W3 publishes what a crashed owner had committed but not published, before anything newer', async () => {
    const { clock, cluster } = await newCluster({ commit: ({ worker }) => (worker === 'a' ? 'crash-after' : 'ok') });
    const opening = cluster.worker('b').table('flow.status');
    const claiming = cluster.worker('a').claim(shard);
    await clock.advance(0);
    const table = await opening;
    const changes: string[] = [];
    table.onChange((_, value) => changes.push(Buffer.from(value ?? []).toString()));
    void (await claiming).commit(batch('a', '1', 'from a'));
    await clock.advance(1_000);
    expect(changes).toEqual([]);
    const taking = cluster.worker('b').claim(shard);
    await clock.advance(0);
    expect(changes).toEqual(['from a']);
    void (await taking).commit(batch('a', '2', 'from b'));
    await clock.advance(0);
    expect(changes).toEqual(['from a', 'from b']);
  });

  it('TK3 a delayed commit takes as long as it is told', async () => {
    const { clock, cluster } = await newCluster(onCommit(1, { delayMs: 500 }));
    const claiming = cluster.worker('a').claim(shard);
    await clock.advance(0);
    const commit = watch((await claiming).commit(batch('a', '1')));
    await clock.advance(499);
    expect(commit.outcome).toBe('pending');
    await clock.advance(1);
    expect(commit.outcome).toBe('done');
  });

  it('TK3 an append whose acknowledgement is lost takes effect twice, in order', async () => {
    const { clock, cluster } = await newCluster({ append: ({ records }) => (records === 2 ? 'lost-ack' : 'ok') });
    const log = cluster.worker('a');
    const seen: string[] = [];
    log.tail('flow.events', 0, 0, (records) => void seen.push(...records.map((record) => record.key)));
    void log.append('flow.events', 0, [put('1', ''), put('2', '')]);
    void log.append('flow.events', 0, [put('3', '')]);
    await clock.advance(0);
    expect(seen).toEqual(['1', '2', '3', '1', '2']);
  });

  it('TK4 the same seed gives the same order of arrivals', async () => {
    const run = async (): Promise<string[]> => {
      const { clock, cluster } = await newCluster({}, { min: 1, max: 50 });
      const seen: string[] = [];
      cluster.worker('reader').tail('flow.events', 0, 0, (records) => void seen.push(...records.map(({ key }) => key)));
      for (let n = 0; n < 100; n++) void cluster.worker(`w${n % 5}`).append('flow.events', 0, [put(String(n), '')]);
      await clock.advance(10_000);
      return seen;
    };
    const first = await run();
    expect(first.length).toBe(100);
    expect(await run()).toEqual(first);
    const ofOne = first.map(Number).filter((n) => n % 5 === 2);
    expect(ofOne).toEqual([...ofOne].sort((a, b) => a - b));
  });
});

describe('memory cluster: crashed and frozen workers', () => {
  it('DP5 a crashed worker has no effect and hears nothing, and comes back as a fresh one', async () => {
    const { clock, cluster } = await newCluster();
    const old = cluster.worker('a');
    const claiming = old.claim(shard);
    await clock.advance(0);
    const claim = await claiming;
    const commit = watch(claim.commit(batch('a', 'lost')));
    const append = watch(old.append('flow.events', 0, [put('k', '')]));
    cluster.crash('a');
    const late = watch(claim.commit(batch('a', 'late')));
    await clock.advance(1_000);
    expect([commit.outcome, append.outcome, late.outcome]).toEqual(['pending', 'pending', 'pending']);
    expect(cluster.worker('a')).not.toBe(old);
    const again = cluster.worker('a').claim(shard);
    await clock.advance(0);
    const reading = restored(await again);
    await clock.advance(0);
    expect(await reading).toEqual({});
  });

  it('WK5 a frozen worker whose shard was claimed meanwhile commits nothing, and notices it when it goes on', async () => {
    const { clock, cluster } = await newCluster();
    const claiming = cluster.worker('a').claim(shard);
    await clock.advance(0);
    const zombie = await claiming;
    let lost = false;
    zombie.onLost(() => {
      lost = true;
    });
    cluster.freeze('a');
    const commit = watch(zombie.commit(batch('a', 'late', 'late')));
    const taking = cluster.worker('b').claim(shard);
    await clock.advance(1_000);
    expect(commit.outcome).toBe('pending');
    const reading = restored(await taking);
    cluster.thaw('a');
    await clock.advance(1_000);
    expect(commit.outcome).toBe('WEIR_LOG_FENCED');
    expect(lost).toBe(true);
    expect(await reading).toEqual({});
  });
});

describe('memory cluster: membership', () => {
  /** Joins the group and keeps what it is told; draining takes `drainMs`. */
  async function join(log: Log, clock: ReturnType<typeof virtualClock>, drainMs = 0) {
    const owned = new Set<number>();
    const told: string[] = [];
    const joining = log.join('flow', 8, {
      assigned: (partitions) => {
        told.push(`+${partitions.join()}`);
        for (const partition of partitions) owned.add(partition);
      },
      revoked: (partitions) => {
        told.push(`-${partitions.join()}`);
        return new Promise((resolve) => {
          clock.after(drainMs, () => {
            for (const partition of partitions) owned.delete(partition);
            resolve();
          });
        });
      },
    });
    await clock.advance(0);
    return { owned, told, membership: await joining };
  }

  it('WK10 spreads partitions over the workers that join, and back when they leave; those that stay are not told', async () => {
    const { clock, cluster } = await newCluster();
    const a = await join(cluster.worker('a'), clock);
    expect(a.told).toEqual(['+0,1,2,3,4,5,6,7']);
    const b = await join(cluster.worker('b'), clock);
    await clock.advance(10);
    expect([a.told.slice(1), b.told]).toEqual([['-4,5,6,7'], ['+', '+4,5,6,7']]);
    const c = await join(cluster.worker('c'), clock);
    await clock.advance(10);
    expect([a.owned.size, b.owned.size, c.owned.size]).toEqual([3, 3, 2]);
    const leaving = b.membership.leave();
    await clock.advance(10);
    await leaving;
    expect([a.owned.size, c.owned.size]).toEqual([4, 4]);
    expect(cluster.owners('flow').map((owner) => (owner === 'a' ? a : c))).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((partition) => (a.owned.has(partition) ? a : c)),
    );
  });

  it('WK9 moves a partition only when its owner has drained it', async () => {
    const { clock, cluster } = await newCluster();
    const a = await join(cluster.worker('a'), clock, 300);
    const b = await join(cluster.worker('b'), clock, 300);
    await clock.advance(1_000);
    const moving = watch(cluster.move('flow', 0, 'b'));
    await clock.advance(299);
    expect([a.owned.has(0), b.owned.has(0), moving.outcome]).toEqual([true, false, 'pending']);
    await clock.advance(1);
    expect([a.owned.has(0), b.owned.has(0), moving.outcome]).toEqual([false, true, 'done']);
  });

  it('WK14 moves a partition after a deadline when its owner does not drain it', async () => {
    const { clock, cluster } = await newCluster();
    await join(cluster.worker('a'), clock, 1e9);
    const b = await join(cluster.worker('b'), clock);
    await clock.advance(9_999);
    expect(b.owned.size).toBe(0);
    await clock.advance(1);
    expect(b.owned.size).toBe(4);
  });

  it('W1 a rude move tells the old owner nothing: two owners, of which the claim refuses one', async () => {
    const { clock, cluster } = await newCluster();
    const a = await join(cluster.worker('a'), clock);
    const b = await join(cluster.worker('b'), clock);
    await clock.advance(10);
    const told = a.told.length;
    const moving = cluster.move('flow', 0, 'b', { rude: true });
    await clock.advance(0);
    await moving;
    expect([a.owned.has(0), b.owned.has(0), a.told.length]).toEqual([true, true, told]);
    expect(cluster.owners('flow')[0]).toBe('b');
  });

  it('WK4 gives the partitions of a crashed worker to the survivors, whose own are not touched', async () => {
    const { clock, cluster } = await newCluster();
    const a = await join(cluster.worker('a'), clock);
    const b = await join(cluster.worker('b'), clock);
    await clock.advance(10);
    cluster.crash('a');
    await clock.advance(0);
    expect(b.told).toEqual(['+', '+4,5,6,7', '+0,1,2,3']);
    expect(a.told.length).toBe(2);
  });
});
