/**
 * The streams between shards after some of them have lost commits, each for itself: the two ends of a stream may have
 * come apart, and would never meet again. Its sender would give numbers that the receiver has taken already, and so drops;
 * or have nothing left of what the receiver asks for. Owns who is to go on from which number.
 */
import type { LogRecord } from '../../transport/log/index.ts';
import { decodeCount, encodeCount } from './count.ts';
import { outboxKey, takenKey } from './outbox.ts';
import { decodeRouted } from './protocol.ts';

/** What is known of one stream. */
interface Ends {
  /** Numbers of the entries that its sender still has: the oldest and the newest; none, or one that was acknowledged. */
  oldest: number;
  newest: number;
  /** The last one that its receiver has taken. */
  taken: number;
  /** The greatest one that was ever heard of, in a delivery or an acknowledgement that still lies in the log. */
  heard: number;
}

export interface Mended {
  /** To be written over the sender's state, before any receiver's. */
  readonly sent: readonly LogRecord[];
  /** To be written over the receiver's state. */
  readonly taken: readonly LogRecord[];
}

const streamKey = /^o\/(\d+)\/(\d+)$/;
const taking = /^w\/(\d+)$/;

export class StreamEnds {
  /** By sender and receiver. */
  readonly #streams = new Map<string, Ends>();

  /** A record of a shard's state. */
  survey(shard: number, { key, value }: LogRecord): void {
    if (value === null) return;
    const [, receiver, text] = streamKey.exec(key) ?? [];
    if (receiver !== undefined) {
      const stream = this.#stream(shard, Number(receiver));
      const number = Number(text);
      stream.oldest = stream.oldest === 0 ? number : Math.min(stream.oldest, number);
      stream.newest = Math.max(stream.newest, number);
      return;
    }
    const [, sender] = taking.exec(key) ?? [];
    if (sender !== undefined) this.#stream(Number(sender), shard).taken = decodeCount(value);
  }

  /** An event of a shard, one that it has taken too. */
  hear(shard: number, { value }: LogRecord): void {
    const message = value === null ? undefined : routed(value);
    if (message === undefined || message.type === 'service') return;
    const ack = message.type === 'ack';
    const stream = ack ? this.#stream(shard, message.from) : this.#stream(message.from, shard);
    const numbers = ack ? [message.number] : message.entries.map(({ number }) => number);
    stream.heard = Math.max(stream.heard, ...numbers);
  }

  /**
   * What makes the ends of the shard's streams meet again: beyond every number that was ever given, with what its receiver
   * has not taken. Nothing for those that have never come apart.
   */
  mend(shard: number, records: readonly LogRecord[]): Mended {
    const sent: LogRecord[] = [];
    const taken: LogRecord[] = [];
    const kept = entriesOf(records);
    for (const [name, ends] of this.#streams) {
      const [sender = 0, receiver = 0] = name.split('/').map(Number);
      if (!apart(ends)) continue;
      const from = Math.max(ends.newest, ends.taken, ends.heard);
      if (receiver === shard) taken.push({ key: takenKey(sender), value: encodeCount(from) });
      if (sender !== shard) continue;
      const entries = kept.get(receiver) ?? [];
      const waiting = entries.filter(({ number }) => number > ends.taken);
      sent.push(...entries.map(({ number }) => ({ key: outboxKey(receiver, number), value: null })));
      // Without any the newest number still has to be remembered; the receiver knows it, and looks at nothing else.
      const again = waiting.length === 0 ? [{ key: outboxKey(receiver, from), value: new Uint8Array() }] : [];
      sent.push(...again, ...waiting.map(({ value }, at) => ({ key: outboxKey(receiver, from + 1 + at), value })));
    }
    return { sent: lastOfEach(sent), taken };
  }

  #stream(sender: number, receiver: number): Ends {
    const key = `${sender}/${receiver}`;
    const known = this.#streams.get(key) ?? { oldest: 0, newest: 0, taken: 0, heard: 0 };
    this.#streams.set(key, known);
    return known;
  }
}

/** No shard that has all its commits has taken or heard of what was never sent, or lacks what nobody has taken. */
function apart({ oldest, newest, taken, heard }: Ends): boolean {
  return taken > newest || heard > newest || oldest > taken + 1;
}

function entriesOf(
  records: readonly LogRecord[],
): ReadonlyMap<number, ReadonlyArray<{ number: number; value: Uint8Array }>> {
  const found = new Map<number, Array<{ number: number; value: Uint8Array }>>();
  for (const { key, value } of records) {
    const [, receiver, number] = streamKey.exec(key) ?? [];
    if (receiver === undefined || value === null) continue;
    const entries = found.get(Number(receiver)) ?? [];
    found.set(Number(receiver), entries);
    entries.push({ number: Number(number), value });
  }
  for (const entries of found.values()) entries.sort((a, b) => a.number - b.number);
  return found;
}

/** A number may be given up and given again: what was put last counts. */
function lastOfEach(records: readonly LogRecord[]): LogRecord[] {
  return [...new Map(records.map((record) => [record.key, record])).values()];
}

function routed(value: Uint8Array) {
  try {
    return decodeRouted(value);
  } catch {
    // Nobody could read it: it is no message of a stream.
    return undefined;
  }
}
