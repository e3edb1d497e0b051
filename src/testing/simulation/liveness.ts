/**
 * What is unfinished in a world: flows that have not ended, and outbox entries that nobody has acknowledged.
 *
 * Owns the counts, kept up from what commits write, so that asking costs nothing. Once faults have stopped they must
 * come to zero within stated virtual time (W6): a flow that stays is a lost wake-up.
 */
import { type FlowHead, isTerminal } from '../../persistence/index.ts';
import type { ShardId } from '../../transport/log/index.ts';
import { ByShard } from './by-shard.ts';
import { shardName } from './commit-contents.ts';
import type { SimEvent } from './events.ts';

/** What one shard sends another. */
interface Stream {
  readonly name: string;
  /** Numbers of the last entry sent and of the last one that the receiver has taken. */
  sent: number;
  taken: number;
  /** Numbers of the entries whose records are there. */
  readonly entries: Set<number>;
}

type Applied = Extract<SimEvent, { type: 'applied' }>;

export class Liveness {
  readonly name = 'liveness';
  readonly hears: readonly SimEvent['type'][] = ['append', 'sent', 'applied'];
  /** When a message between shards or flows was sent last. */
  sentAt = 0;
  /** By id: the name of each flow that runs, or is stuck. */
  readonly #running = new Map<string, string>();
  readonly #stuck = new Map<string, string>();
  /** Messages of sessions that the peer has not acknowledged. */
  readonly #messages = new Set<string>();
  /** By sender and receiver. */
  readonly #streams = new ByShard(() => new Map<number, Stream>());
  /** Streams with entries that the receiver has not taken, or whose sender does not know it. */
  readonly #behind = new Set<Stream>();

  event(event: SimEvent): void {
    if (event.type === 'applied') this.#applied(event);
    else this.sentAt = event.at;
  }

  #applied({ node, shard, contents }: Applied): void {
    const { stream, marks, sessions, heads } = contents;
    const { topic, partition } = shard;
    for (const { receiver, number, value } of stream) {
      const entries = this.#stream(node, shard, receiver);
      if (value === null) entries.entries.delete(number);
      else {
        entries.entries.add(number);
        entries.sent = number;
      }
      this.#judge(entries);
    }
    for (const { sender, taken } of marks) {
      const entries = this.#stream(node, { topic, partition: sender }, partition);
      entries.taken = taken;
      this.#judge(entries);
    }
    for (const { key, value } of sessions) {
      if (value === null) this.#messages.delete(key);
      else this.#messages.add(key);
    }
    for (const { flowId, value } of heads) this.#head(flowId, value);
  }

  #stream(node: string, sender: ShardId, receiver: number): Stream {
    const streams = this.#streams.of(node, sender);
    let stream = streams.get(receiver);
    if (stream === undefined) {
      stream = { name: `${shardName(node, sender)}>${receiver}`, sent: 0, taken: 0, entries: new Set() };
      streams.set(receiver, stream);
    }
    return stream;
  }

  /** The newest acknowledged entry keeps its record, so it is the number that tells what is still on its way. */
  #judge(stream: Stream): void {
    if (stream.entries.size > 1 || stream.taken < stream.sent) this.#behind.add(stream);
    else this.#behind.delete(stream);
  }

  #head(flowId: string, head: FlowHead | undefined): void {
    this.#running.delete(flowId);
    this.#stuck.delete(flowId);
    if (head === undefined || isTerminal(head.status)) return;
    (head.status === 'STUCK' ? this.#stuck : this.#running).set(flowId, head.flow);
  }

  /** Whether everything has come to an end; STUCK flows count unless `mayBeStuck` says that they belong there. */
  finished(mayBeStuck: (flow: string) => boolean): boolean {
    if (this.#running.size > 0 || this.#messages.size > 0 || this.#behind.size > 0) return false;
    for (const flow of this.#stuck.values()) if (!mayBeStuck(flow)) return false;
    return true;
  }

  /** What is left, in words. */
  describe(): string {
    const some = (what: string, names: Iterable<string>): string[] => {
      const all = [...names];
      return all.length === 0 ? [] : [`${all.length} ${what} (${all.slice(0, 3).join(', ')})`];
    };
    const flows = (kind: ReadonlyMap<string, string>): string[] => [...kind].map(([id, flow]) => `${flow} ${id}`);
    return [
      ...some('running flows', flows(this.#running)),
      ...some('stuck flows', flows(this.#stuck)),
      ...some('session messages', this.#messages),
      ...some(
        'streams between shards',
        [...this.#behind].map(({ name }) => name),
      ),
    ].join('; ');
  }
}
