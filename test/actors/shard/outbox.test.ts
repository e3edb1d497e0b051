import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeSet } from '../../../src/actors/shard/change-set.ts';
import { decodeCount } from '../../../src/actors/shard/count.ts';
import { Outbox, Received } from '../../../src/actors/shard/outbox.ts';
import type { OutboxEntry } from '../../../src/actors/shard/protocol.ts';

const bytes = (n: number): Uint8Array => new Uint8Array([n & 255, n >> 8]);

/** The sending side with its records on disk, and the commits that it has not made yet. */
function sender(deliver: (entries: readonly OutboxEntry[]) => void, disk = new Map<string, Uint8Array>()) {
  const outbox = new Outbox({ deliver: (_receiver, entries) => deliver(entries) });
  const marks = new Map<number, number>();
  let pending = new ChangeSet();
  return {
    outbox,
    disk,
    send(body: Uint8Array): void {
      const changes = new ChangeSet();
      changes.send(7, body);
      outbox.absorb(changes, marks);
      pending.merge(changes);
    },
    commit(): void {
      for (const { key, value } of pending.records) if (value !== null) disk.set(key, value);
      pending = new ChangeSet();
      outbox.committed(new Map(marks));
    },
    acknowledged(number: number, resend: boolean): void {
      for (const key of outbox.acknowledged(7, number, resend)) disk.delete(key);
    },
  };
}

type Sender = ReturnType<typeof sender>;

function restarted(old: Sender, deliver: (entries: readonly OutboxEntry[]) => void): Sender {
  const next = sender(deliver, old.disk);
  for (const [key, value] of old.disk) next.outbox.restore(7, Number(key.split('/')[2]), value);
  next.outbox.restored();
  return next;
}

describe('outbox of a shard', () => {
  it('W3 WK18 nothing leaves before its commit, and then in order', () => {
    const seen: number[] = [];
    const { outbox, send, commit } = sender((entries) => seen.push(...entries.map(({ number }) => number)));
    send(bytes(1));
    send(bytes(2));
    outbox.resendAll();
    expect(seen).toEqual([]);
    commit();
    expect(seen).toEqual([1, 2]);
  });

  it('WK5 WK18 a receiver that lacks what was acknowledged is answered by the timer alone: it has lost its shard', () => {
    const seen: number[] = [];
    const old = sender((entries) => seen.push(...entries.map(({ number }) => number)));
    const { outbox, send, commit, acknowledged } = old;
    for (let n = 1; n <= 3; n++) send(bytes(n));
    commit();
    acknowledged(2, false);
    acknowledged(1, true);
    expect(seen).toEqual([1, 2, 3]);
    acknowledged(2, true);
    expect(seen).toEqual([1, 2, 3, 3]);
    outbox.resendAll();
    expect(seen).toEqual([1, 2, 3, 3, 3]);
    // The same of a sender that was restarted, and knows it from the records that are left.
    const again: number[] = [];
    const next = restarted(old, (entries) => again.push(...entries.map(({ number }) => number)));
    expect(again).toEqual([2, 3]);
    next.acknowledged(0, true);
    expect(again).toEqual([2, 3]);
  });

  it('WK18 a receiver takes the next number, and tells repeats from gaps', () => {
    const received = new Received();
    expect([received.judge(3, 1), received.judge(3, 2), received.judge(3, 0)]).toEqual(['take', 'gap', 'repeat']);
    received.take(3, 1, undefined, new ChangeSet());
    expect([received.judge(3, 1), received.judge(3, 2), received.judge(3, 3)]).toEqual(['repeat', 'take', 'gap']);
    expect(received.judge(4, 1)).toBe('take');
    const again = new Received();
    again.restore(3, 1);
    expect(again.judge(3, 2)).toBe('take');
  });

  it('WK5 a receiver sees that an owner of the sender has begun below what was taken, also after its own restart', () => {
    const received = new Received();
    const changes = new ChangeSet();
    const first = { incarnation: 2, counter: 3, owner: 77, since: 0 };
    received.take(7, 1, first, changes);
    received.take(7, 2, first, changes);
    // It is written once for each owner of the sender.
    expect(changes.records.map(({ key }) => key)).toEqual(['w/7', 'u/7', 'w/7']);
    const again = new Received();
    for (const { key, value } of changes.records) {
      if (value === null) continue;
      if (key === 'u/7') again.restoreOrigin(7, value);
      else again.restore(7, decodeCount(value));
    }
    for (const one of [received, again]) {
      const contradicts = (counter: number, since: number, incarnation = 2, owner = 77): boolean =>
        one.contradicts(7, { incarnation, counter, owner, since });
      expect([contradicts(3, 0), contradicts(4, 2), contradicts(4, 9)]).toEqual([false, false, false]);
      // What an owner of the past says is late, and nothing else.
      expect([contradicts(2, 0), contradicts(9, 0, 1)]).toEqual([false, false]);
      expect([contradicts(4, 1), contradicts(9, 0), contradicts(1, 0, 3)]).toEqual([true, true, true]);
      // The claim was lost too, and its number is given again.
      expect([contradicts(3, 1, 2, 78), contradicts(3, 0, 2, 78)]).toEqual([true, true]);
    }
    expect(new Received().contradicts(7, { incarnation: 2, counter: 4, owner: 1, since: 1 })).toBe(false);
  });

  it('WK18 a receiver that asks again is sent everything behind what it has', () => {
    const seen: number[][] = [];
    const { send, commit, acknowledged } = sender((entries) => seen.push(entries.map(({ number }) => number)));
    for (let i = 1; i <= 4; i++) send(bytes(i));
    commit();
    acknowledged(2, true);
    expect(seen).toEqual([
      [1, 2, 3, 4],
      [3, 4],
    ]);
    acknowledged(4, true);
    expect(seen).toHaveLength(2);
  });

  it('WK18 numbers go on after a restart, even when everything was acknowledged', () => {
    const seen: number[] = [];
    const note = (entries: readonly OutboxEntry[]): void => void seen.push(...entries.map(({ number }) => number));
    const first = sender(note);
    for (let i = 1; i <= 3; i++) first.send(bytes(i));
    first.commit();
    first.acknowledged(3, false);
    expect([first.disk.size, first.outbox.backlogBytes(7)]).toEqual([1, 0]);
    const second = restarted(first, note);
    second.send(bytes(4));
    second.commit();
    expect(seen.at(-1)).toBe(4);
  });

  it('WK17 a delivery stays small enough for one record of the log', () => {
    const sizes: number[] = [];
    const { send, commit } = sender((entries) =>
      sizes.push(entries.reduce((sum, entry) => sum + entry.bytes.length, 0)),
    );
    for (let i = 0; i < 10; i++) send(new Uint8Array(100_000));
    send(new Uint8Array(600_000));
    for (let i = 0; i < 1_000; i++) send(new Uint8Array(10));
    commit();
    expect(Math.max(...sizes)).toBe(600_000);
    expect(sizes.filter((size) => size > 128 * 1024)).toEqual([600_000]);
    expect(sizes.reduce((a, b) => a + b)).toBe(1_610_000);
  });

  it('W4 WK18 every message arrives once and in order, whatever is lost, repeated or reordered, and whoever restarts', () => {
    const event = fc.oneof(
      { weight: 4, arbitrary: fc.constant('send' as const) },
      { weight: 4, arbitrary: fc.constant('commit' as const) },
      { weight: 6, arbitrary: fc.constant('deliver' as const) },
      { weight: 2, arbitrary: fc.constantFrom('lose' as const, 'repeat' as const, 'reorder' as const) },
      { weight: 2, arbitrary: fc.constant('resend' as const) },
      { weight: 1, arbitrary: fc.constantFrom('sender restarts' as const, 'receiver restarts' as const) },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        let network: Array<{ entries: readonly OutboxEntry[] } | { ack: number; resend: boolean }> = [];
        const deliver = (entries: readonly OutboxEntry[]): void => void network.push({ entries });
        let source = sender(deliver);
        let sent = 0;
        let committed = 0;
        let received = new Received();
        /** What the receiver has taken: the durable part survives its restart. */
        let taken: number[] = [];
        let durable = 0;
        const arrive = (): void => {
          const message = network.shift();
          if (message === undefined) return;
          if ('ack' in message) {
            source.acknowledged(message.ack, message.resend);
            return;
          }
          for (const { number, bytes: body } of message.entries) {
            const verdict = received.judge(1, number);
            if (verdict === 'take') {
              taken.push((body[0] ?? 0) + (body[1] ?? 0) * 256);
              received.take(1, number, undefined, new ChangeSet());
            } else {
              network.push({ ack: durable, resend: verdict === 'gap' });
            }
          }
        };
        const keep = (): void => {
          durable = taken.length;
          network.push({ ack: durable, resend: false });
        };
        for (const what of events) {
          switch (what) {
            case 'send':
              source.send(bytes(++sent));
              break;
            case 'commit':
              source.commit();
              committed = sent;
              keep();
              break;
            case 'deliver':
              arrive();
              break;
            case 'lose':
              network.shift();
              break;
            case 'repeat':
              if (network[0] !== undefined) network.push(network[0]);
              break;
            case 'reorder':
              network.reverse();
              break;
            case 'resend':
              source.outbox.resendAll();
              break;
            case 'sender restarts':
              // What was not committed has never been: the same numbers are given again.
              sent = committed;
              network = network.filter((message) => 'entries' in message);
              source = restarted(source, deliver);
              break;
            case 'receiver restarts':
              taken = taken.slice(0, durable);
              received = new Received();
              received.restore(1, durable);
          }
          if (network.length > 2_000) network.length = 2_000;
          expect(taken).toEqual(Array.from({ length: taken.length }, (_, i) => i + 1));
          expect(taken.length).toBeLessThanOrEqual(committed);
        }
        source.commit();
        for (let round = 0; round < 500 && (source.outbox.unacknowledged > 0 || taken.length < sent); round++) {
          network = [];
          source.outbox.resendAll();
          while (network.length > 0 && 'entries' in (network[0] ?? {})) arrive();
          keep();
          while (network.length > 0) arrive();
        }
        expect(taken).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
        expect(source.outbox.unacknowledged).toBe(0);
        expect(source.disk.size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 200 },
    );
  });
});
