/**
 * The commit loop of a shard: what advances want to become durable gathers in a batch; one batch is in flight, the next
 * one fills meanwhile. There is no tick: a batch leaves at the end of the turn that began it, or when the one before it
 * is durable.
 */
import { ensureError } from '../../errors/index.ts';
import { shardRecord } from '../../persistence/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { Claim } from '../../transport/log/index.ts';
import { Batch } from './batch.ts';
import type { ChangeSet } from './change-set.ts';
import type { ShardTimers } from './timers.ts';

export interface CommitLoopSetup {
  readonly partitions: number;
  readonly maxBatchBytes: number;
  readonly congestionBytes: number;
  readonly clock: Clock;
  readonly timers: ShardTimers;
  /** Runs something as a turn of the shard, unless its incarnation has ended. */
  readonly turn: (run: () => void) => void;
  readonly beforeCommit: () => void;
  /** Runs in a turn when a batch is durable; the next one is on its way by then. */
  readonly onDurable: (batch: Batch) => void;
  /** The log refused: this incarnation is over. */
  readonly onRefused: (error: Error) => void;
}

/** What nobody waits for is carried by the next commit, or by one of its own after this time. */
const lazyMs = 1_000;

export class CommitLoop {
  readonly #setup: CommitLoopSetup;
  #claim: Claim | undefined;
  /** Oldest first; the last one is being filled. */
  readonly #waiting: Batch[] = [];
  #inFlight: Batch | undefined;
  #scheduled = false;
  #lastNumber = 0;
  #lazyArmed = false;
  #released = false;
  #ended = false;
  #settled: Array<() => void> = [];
  commits = 0;

  constructor(setup: CommitLoopSetup) {
    this.#setup = setup;
  }

  /** Commits go on from number `last`, under this claim. */
  open(claim: Claim, last: number): void {
    this.#claim = claim;
    this.#lastNumber = last;
  }

  /** The batch that is being filled. */
  filling(): Batch {
    let batch = this.#waiting.at(-1);
    if (batch === undefined) {
      batch = new Batch(++this.#lastNumber);
      this.#waiting.push(batch);
    }
    return batch;
  }

  /** The batch that a change set of this size will join. */
  batchFor(bytes: number): Batch {
    const batch = this.filling();
    if (batch.bytes === 0 || batch.bytes + bytes <= this.#setup.maxBatchBytes / 2) return batch;
    const next = new Batch(++this.#lastNumber);
    this.#waiting.push(next);
    return next;
  }

  add(batch: Batch, changes: ChangeSet): void {
    batch.add(changes);
    batch.awaited = true;
    this.#schedule();
  }

  /** Adds what nobody waits for: an acknowledged outbox entry that stays would only be acknowledged again. */
  addLazily(batch: Batch, changes: ChangeSet): void {
    batch.add(changes);
    if (this.#lazyArmed) return;
    this.#lazyArmed = true;
    this.#setup.timers.at(this.#setup.clock.now() + lazyMs, () => {
      this.#lazyArmed = false;
      this.#await();
      this.#flush();
    });
  }

  /** What writes nothing waits for what was added before it, and for no commit of its own. */
  repeat({ afterCommit }: ChangeSet): void {
    const last = this.#waiting.findLast((batch) => !batch.empty) ?? this.#inFlight;
    if (last === undefined) {
      for (const run of afterCommit) run();
      return;
    }
    for (const run of afterCommit) last.afterCommit.push(run);
    if (last === this.#inFlight) return;
    last.awaited = true;
    this.#schedule();
  }

  /** Commits do not keep up: new work should be refused (W7). */
  get congested(): boolean {
    let bytes = this.#inFlight?.bytes ?? 0;
    for (const batch of this.#waiting) bytes += batch.bytes;
    return bytes > this.#setup.congestionBytes;
  }

  /** Resolves when nothing is in flight and nothing waits, or the incarnation has ended. */
  async settle(): Promise<void> {
    while (!this.#ended && (this.#inFlight !== undefined || this.#waiting.some((batch) => !batch.empty))) {
      this.#await();
      this.#flush();
      await new Promise<void>((resolve) => void this.#settled.push(resolve));
    }
  }

  /** The last commit: it says that the shard was given up in peace. */
  async release(): Promise<void> {
    this.#released = true;
    this.filling();
    this.#flush();
    await this.settle();
  }

  /** Whoever waits for what is not known to be durable asks the next owner. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const batch of [this.#inFlight, ...this.#waiting]) for (const run of batch?.ifLost ?? []) run();
    this.#wake();
  }

  /** The rest of this turn still joins the batch: it leaves in a microtask, when the turn is over. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== undefined) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#setup.turn(() => this.#flush());
    });
  }

  /** From now on what nobody waited for is waited for. */
  #await(): void {
    for (const batch of this.#waiting) batch.awaited = true;
  }

  #flush(): void {
    const first = this.#waiting[0];
    if (this.#inFlight !== undefined || this.#claim === undefined || this.#ended || first === undefined) return;
    if (!this.#released && (first.empty || !this.#waiting.some(({ awaited }) => awaited))) return;
    this.#waiting.shift();
    const { partitions, turn, beforeCommit, onRefused } = this.#setup;
    const { counter } = this.#claim.term;
    const own = { partitions, commit: first.number, released: this.#released, claim: counter };
    first.put({ key: 'shard', value: shardRecord.encode(own) });
    this.#inFlight = first;
    beforeCommit();
    this.#claim.commit(first.seal()).then(
      () => turn(() => this.#durable(first)),
      (error: unknown) => onRefused(ensureError(error)),
    );
  }

  #durable(batch: Batch): void {
    this.#inFlight = undefined;
    this.commits++;
    // The next batch leaves first: what follows may take a while.
    this.#flush();
    this.#setup.onDurable(batch);
    this.#wake();
  }

  #wake(): void {
    for (const settled of this.#settled.splice(0)) settled();
  }
}
