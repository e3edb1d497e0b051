/**
 * The outbox of a shard, and its counterpart at the receiver.
 *
 * Each (sender, receiver) pair of shards has a stream of numbered entries. An entry is durable with the commit that
 * caused it and is delivered after that commit, in order, until the receiver has acknowledged it; acknowledgements are
 * cumulative. The receiver takes exactly the next number, acknowledges repeats, drops what lies behind a gap and says
 * which number it expects.
 */
import { newerTerm } from '../../transport/log/index.ts';
import type { ChangeSet } from './change-set.ts';
import { decodeCounts, encodeCount, encodeCounts } from './count.ts';
import type { OutboxEntry, StreamOrigin } from './protocol.ts';

const maxEntriesPerDelivery = 256;
/** A delivery may have to travel as one record of the log. */
const maxBytesPerDelivery = 128 * 1024;

/** The sending side of one pair. */
class Stream {
  readonly receiver: number;
  /** Unacknowledged entries, oldest first. */
  entries: OutboxEntry[] = [];
  bytes = 0;
  last = 0;
  /** The last number that was given before this incarnation. */
  since = 0;
  /** The newest acknowledged entry keeps its record, so that the numbering survives a restart. */
  keptRecord = 0;
  /** Entries up to here have been handed to delivery since the last resend. */
  handed = 0;
  /** Entries up to here are durable; only they may leave. */
  durable = 0;

  constructor(receiver: number) {
    this.receiver = receiver;
  }
}

export interface OutboxSetup {
  /**
   * Delivers entries to a receiver, by mailbox or by log; may lose them.
   * @param since the last number that was given before this incarnation
   */
  readonly deliver: (receiver: number, entries: readonly OutboxEntry[], since: number) => void;
}

export class Outbox {
  readonly #streams = new Map<number, Stream>();
  readonly #deliver: OutboxSetup['deliver'];
  /** Grows with each entry that is acknowledged: when it stands still, something may have been lost. */
  progress = 0;

  constructor({ deliver }: OutboxSetup) {
    this.#deliver = deliver;
  }

  /** Takes the entries of a change set in, writes their records into it, and notes the numbers given in `marks`. */
  absorb(changes: ChangeSet, marks: Map<number, number>): void {
    for (const { partition, bytes } of changes.outgoing) {
      const stream = this.#stream(partition);
      stream.last++;
      stream.entries.push({ number: stream.last, bytes });
      stream.bytes += bytes.length;
      changes.put(outboxKey(partition, stream.last), bytes);
      marks.set(partition, stream.last);
    }
  }

  /** Puts an entry back at restore; entries arrive in any order, `restored` sorts them. */
  restore(receiver: number, number: number, bytes: Uint8Array): void {
    const stream = this.#stream(receiver);
    stream.entries.push({ number, bytes });
    stream.bytes += bytes.length;
  }

  /** Everything has been read: number on from the newest entry, and deliver again from the oldest. */
  restored(): void {
    for (const stream of this.#streams.values()) {
      stream.entries.sort((a, b) => a.number - b.number);
      stream.last = stream.entries.at(-1)?.number ?? 0;
      stream.durable = stream.last;
      stream.since = stream.last;
    }
    this.resendAll();
  }

  /** A commit is durable: what it wrote may leave now (W3). */
  committed(marks: ReadonlyMap<number, number>): void {
    for (const [receiver, number] of marks) {
      const stream = this.#stream(receiver);
      stream.durable = Math.max(stream.durable, number);
      this.#hand(stream);
    }
  }

  /** The receiver has everything up to `number`. Answers the keys of records that may go. */
  acknowledged(receiver: number, number: number, resend: boolean): string[] {
    const stream = this.#streams.get(receiver);
    if (stream === undefined) return [];
    const gone: string[] = [];
    let taken = 0;
    for (const entry of stream.entries) {
      if (entry.number > number) break;
      if (stream.keptRecord > 0) gone.push(outboxKey(receiver, stream.keptRecord));
      stream.keptRecord = entry.number;
      stream.bytes -= entry.bytes.length;
      taken++;
    }
    if (taken > 0) stream.entries = stream.entries.slice(taken);
    this.progress += taken;
    // A receiver that lacks what was acknowledged has lost its shard and does not know it yet: no answer helps it, and
    // one at once would go back and forth without end. The timer sends again, to whoever runs the shard by then.
    if (resend && number >= (stream.entries[0]?.number ?? 1) - 1) {
      stream.handed = number;
      this.#hand(stream);
    }
    return gone;
  }

  /** The newest number that was given for a receiver; 0 before the first. */
  last(receiver: number): number {
    return this.#streams.get(receiver)?.last ?? 0;
  }

  /** Delivers everything unacknowledged again: after a takeover, a change of route, and on a timer. */
  resendAll(): void {
    for (const stream of this.#streams.values()) {
      stream.handed = 0;
      this.#hand(stream);
    }
  }

  /** Unacknowledged bytes for one receiver; beyond 4 MiB flows that send there are held back. */
  backlogBytes(receiver: number): number {
    return this.#streams.get(receiver)?.bytes ?? 0;
  }

  get unacknowledged(): number {
    let count = 0;
    for (const stream of this.#streams.values()) count += stream.entries.length;
    return count;
  }

  #hand(stream: Stream): void {
    // Numbers are contiguous, so places follow from them.
    const first = stream.entries[0]?.number ?? 1;
    const ready = stream.entries.slice(Math.max(0, stream.handed + 1 - first), Math.max(0, stream.durable + 1 - first));
    for (let start = 0; start < ready.length; ) {
      let end = start;
      let bytes = 0;
      // An entry that is larger than all that travels alone.
      do bytes += ready[end++]?.bytes.length ?? 0;
      while (
        end < ready.length &&
        end - start < maxEntriesPerDelivery &&
        bytes + (ready[end]?.bytes.length ?? 0) <= maxBytesPerDelivery
      );
      this.#deliver(stream.receiver, ready.slice(start, end), stream.since);
      start = end;
    }
    const newest = ready.at(-1);
    if (newest !== undefined) stream.handed = newest.number;
  }

  #stream(receiver: number): Stream {
    let stream = this.#streams.get(receiver);
    if (stream === undefined) {
      stream = new Stream(receiver);
      this.#streams.set(receiver, stream);
    }
    return stream;
  }
}

export function takenKey(sender: number): string {
  return `w/${sender}`;
}

/** The origin of the entry that was taken last of a sender: incarnation, counter, owner and number, with spaces between. */
function originKey(sender: number): string {
  return `u/${sender}`;
}

export function outboxKey(receiver: number, number: number): string {
  return `o/${receiver}/${number}`;
}

/** What to do with an entry that arrived from another shard. */
export type Arrival = 'take' | 'repeat' | 'gap';

/** The receiving side: the last number taken from each sender. */
export class Received {
  readonly #last = new Map<number, number>();
  /** By sender: of the entry that was taken last; an owner of an older version has not said it. */
  readonly #origins = new Map<number, StreamOrigin>();

  restore(sender: number, number: number): void {
    this.#last.set(sender, number);
  }

  last(sender: number): number {
    return this.#last.get(sender) ?? 0;
  }

  judge(sender: number, number: number): Arrival {
    const last = this.last(sender);
    return number <= last ? 'repeat' : number === last + 1 ? 'take' : 'gap';
  }

  restoreOrigin(sender: number, value: Uint8Array): void {
    const [incarnation = 0, counter = 0, owner = 0, since = 0] = decodeCounts(value);
    this.#origins.set(sender, { incarnation, counter, owner, since });
  }

  /** Takes an entry, and writes that it has. */
  take(sender: number, number: number, origin: StreamOrigin | undefined, changes: ChangeSet): void {
    changes.put(takenKey(sender), encodeCount(number));
    this.#last.set(sender, number);
    const known = this.#origins.get(sender);
    if (origin === undefined || (known !== undefined && sameOrigin(origin, known))) return;
    const { incarnation, counter, owner, since } = origin;
    changes.put(originKey(sender), encodeCounts([incarnation, counter, owner, since]));
    this.#origins.set(sender, origin);
  }

  /**
   * Whether a later owner of the sender has begun below what was taken from an earlier one: commits of the sender are gone,
   * and its numbers are given a second time.
   */
  contradicts(sender: number, origin: StreamOrigin): boolean {
    const known = this.#origins.get(sender);
    if (known === undefined || origin.since >= this.last(sender)) return false;
    // A claim may have got lost with its commits, and its term be given again; a delivery of a former owner is only late.
    return !newerTerm(known, origin) && !sameOrigin(origin, known);
  }
}

function sameOrigin(one: StreamOrigin, other: StreamOrigin): boolean {
  return one.incarnation === other.incarnation && one.counter === other.counter && one.owner === other.owner;
}
