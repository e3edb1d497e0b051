/**
 * Sends the publications of one claim to their `table` topics.
 *
 * A publication is durable in the commit that carries it, as a record `!s/<n>`; it is sent after that, in order, by the
 * same producer as the claim's, and its record is removed once the topic has acknowledged it. What a claim leaves
 * behind is sent by the next one before anything of its own. The first batch of a claim in a table partition is its
 * fence there: an older claim has nothing on its way that the newer one does not send again.
 */
import type { Publication, TopicName } from '../port.ts';
import { writeDeadFences } from './claiming.ts';
import { FencedWriter, type FencedWriterSetup } from './fenced-writer.ts';
import { storedKey } from './own-records.ts';

export interface PublisherSetup extends Omit<FencedWriterSetup, 'topic' | 'renews'> {
  /** The name of a topic with the prefix. */
  readonly nameOf: (topic: TopicName) => string;
  readonly formerProducers: readonly string[];
  readonly maxBatchBytes: number;
  /** These publications are acknowledged by their topic. */
  readonly onPublished: (numbers: readonly number[]) => void;
  /** The claim can publish no more, or the log has closed. */
  readonly onFailed: (error: unknown) => void;
}

interface Waiting extends Publication {
  readonly number: number;
}

interface Lane {
  readonly topic: TopicName;
  readonly waiting: Waiting[];
  writer: FencedWriter | undefined;
  running: Promise<void> | undefined;
}

/** Publications that may wait before commits do: a topic without a leader must not fill the memory. */
const congestedBytes = 16 * 1024 * 1024;
const maxBatchRecords = 10_000;

export class Publisher {
  readonly #setup: PublisherSetup;
  readonly #lanes = new Map<TopicName, Lane>();
  #bytes = 0;
  #over = false;
  #roomMade: Array<() => void> = [];

  constructor(setup: PublisherSetup) {
    this.#setup = setup;
  }

  /** Takes publications that are durable; they are sent in the order of the calls. */
  send(publications: ReadonlyArray<readonly [number, Publication]>): void {
    if (this.#over) return;
    for (const [number, publication] of publications) {
      const lane = this.#lane(publication.topic);
      lane.waiting.push({ ...publication, number });
      this.#bytes += sizeOf(publication);
    }
    for (const lane of this.#lanes.values()) if (lane.waiting.length > 0) lane.running ??= this.#run(lane);
  }

  /** Resolves when there is room for more; undefined when there is now. */
  room(): Promise<void> | undefined {
    if (this.#over || this.#bytes <= congestedBytes) return undefined;
    return new Promise((resolve) => void this.#roomMade.push(resolve));
  }

  /** Resolves when nothing waits, or nothing will be sent any more. */
  async settle(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map(({ running }) => running));
  }

  /** Nothing further is sent; what waits is left to the next claim. */
  end(): void {
    this.#over = true;
    for (const resolve of this.#roomMade.splice(0)) resolve();
  }

  #lane(topic: TopicName): Lane {
    const known = this.#lanes.get(topic);
    if (known !== undefined) return known;
    const lane: Lane = { topic, waiting: [], writer: undefined, running: undefined };
    this.#lanes.set(topic, lane);
    return lane;
  }

  async #run(lane: Lane): Promise<void> {
    try {
      while (lane.waiting.length > 0 && !this.#over) {
        lane.writer ??= await this.#open(lane.topic);
        const batch = this.#take(lane);
        await lane.writer.write(batch.map(({ key, value }) => ({ key: storedKey(key), value })));
        for (const publication of batch) this.#bytes -= sizeOf(publication);
        this.#setup.onPublished(batch.map(({ number }) => number));
        if (this.#bytes <= congestedBytes) for (const resolve of this.#roomMade.splice(0)) resolve();
      }
      lane.running = undefined;
    } catch (error) {
      this.end();
      this.#setup.onFailed(error);
    }
  }

  async #open(topic: TopicName): Promise<FencedWriter> {
    const { formerProducers, nameOf, wire, clock, patience, partition, ended = () => undefined } = this.#setup;
    const target = { ...this.#setup, topic: nameOf(topic) };
    await writeDeadFences({ wire, clock, patience, topic: target.topic, partition, ended }, formerProducers);
    return new FencedWriter({ ...target, renews: false });
  }

  #take({ waiting }: Lane): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const publication of waiting) {
      bytes += sizeOf(publication);
      if (count > 0 && (bytes > this.#setup.maxBatchBytes || count >= maxBatchRecords)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }
}

/** The newest publication of each key, in order: what a former claim left is sent as its outcome alone. */
export function newestOfEachKey(
  publications: ReadonlyArray<readonly [number, Publication]>,
): ReadonlyArray<readonly [number, Publication]> {
  const newest = new Map<string, number>();
  for (const [number, { topic, key }] of publications) newest.set(`${topic}\n${key}`, number);
  return publications.filter(([number, { topic, key }]) => newest.get(`${topic}\n${key}`) === number);
}

function sizeOf({ key, value }: Publication): number {
  return key.length + (value?.byteLength ?? 0) + 64;
}
