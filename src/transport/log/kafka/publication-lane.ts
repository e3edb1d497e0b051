/**
 * The way of a claim's publications to one partition of a table: one batch in flight, what comes meanwhile shares the
 * next one.
 *
 * Owns what waits. A newer value of a key takes the place of one that still waits, at the end of the order; so what is
 * sent is in the order of the commits, and each key ends with its newest value. Publications that nobody waits for are
 * lazy: alone they wait a little for others.
 */

import type { Timer } from '../../../ports/index.ts';
import type { Publication } from '../port.ts';
import { FencedWriter, type FencedWriterSetup } from './fenced-writer.ts';
import type { OwnLane, OwnPublications } from './own-publications.ts';
import { storedKey } from './own-records.ts';
import type { ProducerIdentity } from './wire.ts';

export interface PublicationLaneSetup extends Omit<FencedWriterSetup, 'renews'> {
  readonly own: OwnPublications;
  readonly maxBatchBytes: number;
  /** Runs before the first batch. */
  readonly open: () => Promise<void>;
  /** Their topic has acknowledged the publications of these numbers, or newer ones of their keys. */
  readonly onPublished: (numbers: readonly number[]) => void;
  /** Nothing more can be sent. */
  readonly onFailed: (error: unknown) => void;
}

interface Waiting extends Publication {
  /** Its own, and those of the publications that it took the place of, which are less. */
  readonly numbers: number[];
}

/** How long lazy publications wait for others. */
const lazyMs = 50;
const maxBatchRecords = 10_000;

export class PublicationLane implements OwnLane {
  readonly #setup: PublicationLaneSetup;
  /** By key, in the order of the newest values. */
  readonly #waiting = new Map<string, Waiting>();
  #sending: readonly Waiting[] = [];
  #writer: FencedWriter | undefined;
  #running: Promise<void> | undefined;
  /** Something waits that somebody may wait for. */
  #hurried = false;
  #lazily: Timer | undefined;
  #over = false;
  /** Of the publication that was added last. */
  #last = 0;
  #acknowledged: Array<() => void> = [];
  /** Of what waits and of what is in flight. */
  bytes = 0;
  end: number | undefined;

  constructor(setup: PublicationLaneSetup) {
    this.#setup = setup;
    setup.own.begin(setup.topic, setup.partition, this);
  }

  get producer(): ProducerIdentity {
    return this.#setup.producer;
  }

  *unacknowledged(): Generator<Publication> {
    yield* this.#sending;
    yield* this.#waiting.values();
  }

  /** Takes a publication that is durable. */
  add(number: number, publication: Publication): void {
    if (this.#over) return;
    const { own, topic, partition } = this.#setup;
    const { key } = publication;
    const former = this.#waiting.get(key);
    if (former !== undefined) {
      this.#waiting.delete(key);
      this.bytes -= sizeOf(former);
    }
    const numbers = former?.numbers ?? [];
    numbers.push(number);
    this.#last = number;
    this.#waiting.set(key, { ...publication, numbers });
    this.bytes += sizeOf(publication);
    if (publication.lazy !== true) this.#hurried = true;
    own.publish(topic, partition, this, publication);
  }

  /** Sends what has been added; what is lazy, a little later. */
  start(): void {
    if (this.#running !== undefined || this.#waiting.size === 0 || this.#over) return;
    if (this.#hurried) this.#run();
    else this.#lazily ??= this.#setup.clock.after(lazyMs, () => this.hurry());
  }

  /** Sends everything that waits. */
  hurry(): void {
    this.#hurried = this.#waiting.size > 0;
    this.start();
  }

  /**
   * Sends everything that waits; resolves when the topic has acknowledged what was added so far, or newer values of the
   * same keys, or nothing will be sent any more.
   */
  async flush(): Promise<void> {
    const last = this.#last;
    this.hurry();
    while (!this.#over && this.#isUnacknowledged(last)) {
      await new Promise<void>((resolve) => void this.#acknowledged.push(resolve));
    }
  }

  /** Tables of this worker hear of what comes by way of the brokers again. */
  fallSilent(): void {
    const { own, topic, partition } = this.#setup;
    own.end(topic, partition, this);
  }

  /** Nothing further is sent; what waits is left to the next claim. */
  close(): void {
    this.#over = true;
    this.#lazily?.cancel();
    this.fallSilent();
    this.#wake();
  }

  #run(): void {
    this.#lazily?.cancel();
    this.#lazily = undefined;
    this.#running = this.#send().then(
      () => {
        this.#running = undefined;
        this.start();
      },
      (error: unknown) => this.#setup.onFailed(error),
    );
  }

  async #send(): Promise<void> {
    const { own, topic, partition, open, onPublished } = this.#setup;
    if (this.#writer === undefined) {
      await open();
      this.#writer = new FencedWriter({ ...this.#setup, renews: false });
    }
    while (this.#hurried && !this.#over) {
      this.#sending = this.#take();
      await this.#writer.write(this.#sending.map(({ key, value }) => ({ key: storedKey(key), value })));
      const sent = this.#sending;
      this.#sending = [];
      this.end = this.#writer.end;
      for (const publication of sent) this.bytes -= sizeOf(publication);
      onPublished(sent.flatMap(({ numbers }) => numbers));
      own.acknowledged(topic, partition, this);
      this.#wake();
    }
  }

  #isUnacknowledged(last: number): boolean {
    const isOne = ({ numbers: [first = 0] }: Waiting): boolean => first <= last;
    return this.#sending.some(isOne) || [...this.#waiting.values()].some(isOne);
  }

  #wake(): void {
    for (const resolve of this.#acknowledged.splice(0)) resolve();
  }

  #take(): Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 0;
    for (const publication of this.#waiting.values()) {
      bytes += sizeOf(publication);
      if (taken.length > 0 && (bytes > this.#setup.maxBatchBytes || taken.length >= maxBatchRecords)) break;
      taken.push(publication);
    }
    for (const { key } of taken) this.#waiting.delete(key);
    this.#hurried = this.#waiting.size > 0;
    return taken;
  }
}

function sizeOf({ key, value }: Publication): number {
  return key.length + (value?.byteLength ?? 0) + 64;
}
