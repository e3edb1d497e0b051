/**
 * A claim of the embedded log: the right to write one shard until a newer claim, or its release, ends it.
 * Owns that state only; all claims are of this process, so a fence is known at once.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Claim, CommitBatch, LogRecord, ShardId, Term } from '../port.ts';
import { readPrefix, type StreamSetup } from './read-prefix.ts';

export interface ClaimSetup {
  readonly streams: StreamSetup;
  readonly shard: ShardId;
  /** What the keys of its records begin with. */
  readonly prefix: string;
  readonly term: Term;
  /** Writes a batch; asked only while the claim is held. */
  readonly commit: (shard: ShardId, batch: CommitBatch) => Promise<void>;
}

export class EmbeddedClaim implements Claim {
  readonly shard: ShardId;
  readonly term: Claim['term'];
  readonly #setup: ClaimSetup;
  readonly #listeners: Array<() => void> = [];
  #state: 'held' | 'fenced' | 'released' = 'held';

  constructor(setup: ClaimSetup) {
    this.#setup = setup;
    this.shard = setup.shard;
    this.term = setup.term;
  }

  async *restore(): AsyncIterable<readonly LogRecord[]> {
    for await (const chunk of readPrefix(this.#setup.streams, this.#setup.prefix)) {
      this.#assertHeld();
      yield chunk;
    }
    this.#assertHeld();
  }

  async commit(batch: CommitBatch): Promise<void> {
    this.#assertHeld();
    await this.#setup.commit(this.shard, batch);
  }

  onLost(listener: () => void): void {
    this.#listeners.push(listener);
    if (this.#state === 'fenced') this.#tell();
  }

  async release(): Promise<void> {
    if (this.#state === 'held') this.#state = 'released';
  }

  /** A newer claim exists. */
  fence(): void {
    if (this.#state !== 'held') return;
    this.#state = 'fenced';
    this.#tell();
  }

  #tell(): void {
    this.#setup.streams.clock.soon(() => {
      for (const listener of this.#listeners.splice(0)) listener();
    });
  }

  #assertHeld(): void {
    if (this.#state === 'held') return;
    const term = `${this.term.incarnation}.${this.term.counter}`;
    throw new WeirError('WEIR_LOG_FENCED', { ...this.shard, term });
  }
}
