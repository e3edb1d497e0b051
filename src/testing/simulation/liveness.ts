/**
 * What is unfinished in a world: flows that have not ended, and outbox entries that nobody has acknowledged.
 *
 * Owns the counts, kept up from what commits write, so that asking costs nothing. Once faults have stopped they must
 * come to zero within stated virtual time (W6): a flow that stays is a lost wake-up.
 */
import { decodeCount } from '../../actors/shard/index.ts';
import { isTerminal } from '../../persistence/index.ts';
import type { SimEvent } from './events.ts';
import { headOf, isFlowHead } from './records.ts';

const watched: ReadonlySet<string> = new Set(['o/', 'w/', 'c/']);
/** Receivers of the shards' own outbox are partitions; those of sessions have longer names. */
const shardNumber = /^\d{1,5}$/;

export class Liveness {
  /** When a message between shards or flows was sent last. */
  sentAt = 0;
  readonly #running = new Map<string, string>();
  readonly #stuck = new Map<string, string>();
  /** Messages of sessions that the peer has not acknowledged. */
  readonly #messages = new Set<string>();
  /** By node, sending and receiving shard: numbers of the last entry sent and of the last one taken. */
  readonly #sent = new Map<string, number>();
  readonly #taken = new Map<string, number>();
  /** Numbers of the entries whose records are there, by stream. */
  readonly #entries = new Map<string, Set<string>>();

  event(event: SimEvent): void {
    if (event.type === 'append' || event.type === 'sent') this.sentAt = event.at;
    if (event.type !== 'applied') return;
    const { topic, partition } = event.shard;
    for (const { key, value } of event.batch.records) {
      if (!watched.has(key.slice(0, 2))) continue;
      const name = `${event.node}/${topic}/${partition}/${key}`;
      const [kind, peer = '', number = ''] = key.split('/');
      if (kind === 'o' && shardNumber.test(peer)) {
        // The newest acknowledged entry keeps its record, so it is the number that tells what is still on its way.
        const stream = `${event.node}/${topic}/${partition}>${peer}`;
        const entries = this.#entries.get(stream) ?? new Set();
        this.#entries.set(stream, entries);
        if (value === null) entries.delete(number);
        else {
          entries.add(number);
          this.#sent.set(stream, Number(number));
        }
      } else if (kind === 'w' && value !== null) {
        this.#taken.set(`${event.node}/${topic}/${peer}>${partition}`, decodeCount(value));
      } else if (kind === 'o') {
        if (value === null) this.#messages.delete(name);
        else this.#messages.add(name);
      } else if (isFlowHead(key)) this.#head(name, value);
    }
  }

  /** Streams between shards with entries that the receiver has not taken, or whose sender does not know it. */
  #behind(): string[] {
    return [...this.#sent].flatMap(([stream, last]) => {
      const unheard = (this.#entries.get(stream)?.size ?? 0) > 1;
      return unheard || (this.#taken.get(stream) ?? 0) < last ? [stream] : [];
    });
  }

  #head(name: string, value: Uint8Array | null): void {
    const head = value === null ? undefined : headOf(value);
    this.#running.delete(name);
    this.#stuck.delete(name);
    if (head === undefined || isTerminal(head.status)) return;
    (head.status === 'STUCK' ? this.#stuck : this.#running).set(name, head.flow);
  }

  /** Whether everything has come to an end; STUCK flows count unless `mayBeStuck` says that they belong there. */
  finished(mayBeStuck: (flow: string) => boolean): boolean {
    if (this.#running.size > 0 || this.#messages.size > 0 || this.#behind().length > 0) return false;
    for (const flow of this.#stuck.values()) if (!mayBeStuck(flow)) return false;
    return true;
  }

  /** What is left, in words. */
  describe(): string {
    const some = (what: string, names: Iterable<string>): string[] => {
      const all = [...names];
      return all.length === 0 ? [] : [`${all.length} ${what} (${all.slice(0, 3).join(', ')})`];
    };
    const flows = (kind: ReadonlyMap<string, string>): string[] => [...kind].map(([name, flow]) => `${flow} ${name}`);
    return [
      ...some('running flows', flows(this.#running)),
      ...some('stuck flows', flows(this.#stuck)),
      ...some('session messages', this.#messages),
      ...some('streams between shards', this.#behind()),
    ].join('; ');
  }
}
