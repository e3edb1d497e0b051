/**
 * Sends the publications of one claim to their `table` topics.
 *
 * A publication is durable in the commit that carries it, as a record `!s/<n>`; it is sent after that, in order, by the
 * same producer as the claim's, and its record is removed once the topic has acknowledged it, or a newer one of its key
 * that took its place while it waited. What a claim leaves behind is sent by the next one before anything of its own. The
 * first batch of a claim in a table partition is its fence there: an older claim has nothing on its way that the newer
 * one does not send again.
 */
import type { Publication, TopicName } from '../port.ts';
import { writeDeadFences } from './claiming.ts';
import { PublicationLane, type PublicationLaneSetup } from './publication-lane.ts';

export interface PublisherSetup extends Omit<PublicationLaneSetup, 'topic' | 'open' | 'onPublished' | 'onFailed'> {
  /** The name of a topic with the prefix. */
  readonly nameOf: (topic: TopicName) => string;
  readonly formerProducers: readonly string[];
  /** These publications are acknowledged by their topic. */
  readonly onPublished: (numbers: readonly number[]) => void;
  /** The claim can publish no more, or the log has closed. */
  readonly onFailed: (error: unknown) => void;
}

/** Publications that may wait before commits do: a topic without a leader must not fill the memory. */
const congestedBytes = 16 * 1024 * 1024;

export class Publisher {
  readonly #setup: PublisherSetup;
  readonly #lanes = new Map<TopicName, PublicationLane>();
  #over = false;
  #roomMade: Array<() => void> = [];

  constructor(setup: PublisherSetup) {
    this.#setup = setup;
  }

  /** Takes publications that are durable; each topic is sent them in the order of the calls. */
  send(publications: ReadonlyArray<readonly [number, Publication]>): void {
    if (this.#over || publications.length === 0) return;
    for (const [number, publication] of publications) this.#lane(publication.topic).add(number, publication);
    for (const lane of this.#lanes.values()) lane.start();
  }

  /** Resolves when there is room for more; undefined when there is now. */
  room(): Promise<void> | undefined {
    if (this.#over || !this.#congested) return undefined;
    return new Promise((resolve) => void this.#roomMade.push(resolve));
  }

  /** Sends all that waits for the topic; resolves when it is acknowledged, or nothing will be sent any more. */
  async flush(topic: TopicName): Promise<void> {
    await this.#lanes.get(topic)?.flush();
  }

  /** Resolves when nothing waits, or nothing will be sent any more. */
  async settle(): Promise<void> {
    await Promise.all([...this.#lanes.keys()].map((topic) => this.flush(topic)));
  }

  /** The claim is given up: it has made its last commit, and what it has made durable is sent at once. */
  release(): void {
    for (const lane of this.#lanes.values()) {
      lane.fallSilent();
      lane.hurry();
    }
  }

  /** Nothing further is sent; what waits is left to the next claim. */
  end(): void {
    this.#over = true;
    for (const lane of this.#lanes.values()) lane.close();
    for (const resolve of this.#roomMade.splice(0)) resolve();
  }

  get #congested(): boolean {
    let bytes = 0;
    for (const lane of this.#lanes.values()) bytes += lane.bytes;
    return bytes > congestedBytes;
  }

  #lane(topic: TopicName): PublicationLane {
    const known = this.#lanes.get(topic);
    if (known !== undefined) return known;
    const { formerProducers, nameOf, wire, clock, patience, partition, ended = () => undefined } = this.#setup;
    const target = { ...this.#setup, topic: nameOf(topic) };
    const lane = new PublicationLane({
      ...target,
      open: async () => {
        await writeDeadFences({ wire, clock, patience, topic: target.topic, partition, ended }, formerProducers);
      },
      onPublished: (numbers) => {
        this.#setup.onPublished(numbers);
        if (!this.#congested) for (const resolve of this.#roomMade.splice(0)) resolve();
      },
      onFailed: (error) => {
        this.end();
        this.#setup.onFailed(error);
      },
    });
    this.#lanes.set(topic, lane);
    return lane;
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
