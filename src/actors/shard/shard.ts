/**
 * A shard: the single writer of one partition of a sharded service (W1), as an actor.
 *
 * `claiming -> restoring -> running -> draining -> released`. It owns the commit loop (one batch in flight, the next
 * one fills meanwhile), the outbox, both input lanes and the timers. When a commit is refused the whole incarnation is
 * thrown away and restored from the log: partial rollback does not exist.
 */
import { ensureError, messageOf, WeirError } from '../../errors/index.ts';
import { silentMeter } from '../../ports/index.ts';
import type { Claim, Tail, TailRecord } from '../../transport/log/index.ts';
import type { ActorContext, Behavior } from '../kernel/index.ts';
import type { Batch } from './batch.ts';
import { ChangeSet } from './change-set.ts';
import { CommitLoop } from './commit-loop.ts';
import { encodeCount } from './count.ts';
import { withDeadline } from './deadline.ts';
import { Outbox, Received, takenKey } from './outbox.ts';
import type { ShardPreview } from './preview.ts';
import type { ShardHost, ShardProgram } from './program.ts';
import { decodeRouted, type RoutedMessage, type ShardMessage, type StreamOrigin } from './protocol.ts';
import { restoreShard } from './restore.ts';
import type { CrashPoint, ShardPhase, ShardSetup } from './shard-setup.ts';
import { ShardTimers } from './timers.ts';

/** Parked records that are named; all of them are counted. */
const shownParked = 10;
/** Positions of `events[p]` are trimmed after this many records. */
const trimEvery = 1_000;

export function shardBehavior<Local>(
  setup: ShardSetup<Local>,
  expose: (inspect: () => Readonly<Record<string, unknown>>) => void,
): Behavior<ShardMessage<Local>> {
  return async (context) => {
    const shard = new Shard(setup, context);
    // Also when its turn hangs and is given up: its claim must not be heard beside that of the next incarnation.
    context.signal.addEventListener('abort', () => shard.end(), { once: true });
    expose(() => shard.facts());
    await shard.start();
    return {
      message: (message) => shard.handle(message),
      ended: () => shard.end(),
    };
  };
}

/** Marks that an owner of a shard draws from. */
const owners = 2 ** 48;

class Shard<Local> {
  readonly #setup: ShardSetup<Local>;
  readonly #context: ActorContext<ShardMessage<Local>>;
  readonly #timers: ShardTimers;
  readonly #outbox: Outbox;
  readonly #received = new Received();
  readonly #commits: CommitLoop;
  readonly #preview: ShardPreview<Local>;
  readonly #program: ShardProgram<Local>;
  #claim: Claim | undefined;
  #phase: ShardPhase = 'claiming';
  #over = false;
  #drained: (() => void) | undefined;
  /** Numbers taken from each sender that are durable; only these are acknowledged. */
  readonly #durableTaken = new Map<number, number>();
  #resendArmed = false;
  #tail: Tail | undefined;
  #roomMade: (() => void) | undefined;
  #position = 0;
  #durablePosition = 0;
  /** Somebody knows more of it than it does. */
  #suspicious = false;
  #trimmed = 0;
  /** Keys of inputs that nobody could read: they are kept until somebody looks at them. */
  readonly #parked = new Set<string>();
  readonly #counts = { poison: 0, repeats: 0, gaps: 0 };

  constructor(setup: ShardSetup<Local>, context: ActorContext<ShardMessage<Local>>) {
    this.#setup = setup;
    this.#context = context;
    this.#timers = new ShardTimers(setup.clock, (turn) => this.#turn(turn));
    const owner = Math.floor(setup.random.next() * owners);
    this.#outbox = new Outbox({
      deliver: (receiver, entries, since) => {
        const term = this.#claim?.term;
        const origin = term === undefined ? undefined : { ...term, owner, since };
        setup.route(receiver, { type: 'delivery', from: setup.partition, entries, origin });
      },
    });
    this.#commits = new CommitLoop({
      partitions: setup.partitions,
      maxBatchBytes: setup.log.limits.maxBatchBytes,
      congestionBytes: setup.settings.congestionBytes,
      clock: setup.clock,
      timers: this.#timers,
      turn: (run) => this.#turn(run),
      beforeCommit: () => this.#point('commit.before'),
      onDurable: (batch) => this.#durable(batch),
      onRefused: (error) => this.#refused(error),
    });
    this.#preview = setup.preview();
    this.#program = this.#preview.preparation.program(this.#host());
  }

  async start(): Promise<void> {
    const { log, topics, partition, partitions, clock, settings, meter = silentMeter } = this.#setup;
    const began = clock.monotonic();
    this.#enter('claiming');
    const shard = { topic: topics.state, partition };
    const what = `${topics.state}/${partition}`;
    const claiming = log.claim(shard, this.#preview);
    const claim = await withDeadline(clock, claiming, settings.claimMs, `claim of ${what}`).catch(asFenced);
    // Another worker was given it meanwhile: no failure of anybody.
    if (claim instanceof WeirError) return this.#lost(claim);
    const claimed = clock.monotonic();
    this.#claim = claim;
    this.#point('claimed');
    this.#enter('restoring');
    const restoring = restoreShard({
      ...{ claim, partitions, clock, outbox: this.#outbox, received: this.#received },
      ...{ program: this.#program, preview: this.#preview },
      ended: () => this.#over,
    });
    const restored = await withDeadline(clock, restoring, settings.restoreMs, `restore of ${what}`).catch(asFenced);
    if (restored instanceof WeirError) return this.#lost(restored);
    this.#point('restored');
    // What it committed now would look like the work of an owner that has died.
    if (this.#over || this.#setup.revoked()) return this.end();
    const { before, lastCommit, position, taken, parked } = restored;
    this.#position = position;
    this.#durablePosition = position;
    this.#trimmed = position;
    for (const [sender, number] of taken) this.#durableTaken.set(sender, number);
    for (const key of parked) this.#parked.add(key);
    claim.onLost(() => this.#lost(new WeirError('WEIR_LOG_FENCED', this.#where())));
    if (before !== 'released')
      this.#context.log.info(this.#where(), 'the last owner ended without giving the shard up');
    this.#commits.open(claim, lastCommit);
    this.#enter('running');
    this.#turn(() => {
      // First the outbox: flows that run on at once send, and their numbers follow those that are durable already.
      this.#outbox.restored();
      this.#program.restored(before);
    });
    this.#tail = log.tail(topics.events, partition, this.#position, (records) => {
      this.#turn(() => this.#absorb(records));
      return this.#room();
    });
    this.#armResend();
    meter.time('restore', clock.monotonic() - claimed);
    meter.time('takeover', clock.monotonic() - began);
  }

  handle(message: ShardMessage<Local>): void {
    switch (message.type) {
      case 'local':
        if (this.#phase === 'running') this.#program.local(message.message);
        else this.#program.refuse(message.message);
        return;
      case 'drain':
        void this.#drain(message.done);
        return;
      default:
        if (this.#phase === 'running') this.#routed(message);
    }
  }

  /** The incarnation ends: whatever comes back from outside later finds nobody. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#tail?.close();
    this.#timers.close();
    this.#program.ended();
    this.#commits.end();
  }

  facts(): Readonly<Record<string, unknown>> {
    const term = this.#claim?.term;
    return {
      phase: this.#phase,
      term: term === undefined ? undefined : `${term.incarnation}.${term.counter}`,
      commits: this.#commits.commits,
      position: this.#position,
      unacknowledged: this.#outbox.unacknowledged,
      ...this.#counts,
      // Named where an operator looks; a shard has few of them or a defect.
      parked: this.#parked.size === 0 ? undefined : [...this.#parked].slice(0, shownParked).join(' '),
      ...this.#program.facts(),
    };
  }

  #host(): ShardHost {
    const { partition, partitions, clock, random, log, meter = silentMeter } = this.#setup;
    return {
      partition,
      partitions,
      clock,
      random,
      meter,
      log: this.#context.log,
      limits: log.limits,
      timers: this.#timers,
      commitNumber: () => this.#commits.filling().number,
      add: (changes) => this.#add(changes),
      turn: (run) => this.#turn(run),
      backlogBytes: (receiver) => this.#outbox.backlogBytes(receiver),
      congested: () => this.#commits.congested,
      parked: (key) => void this.#parked.add(key),
      removeLazily: (keys) => this.#removeLazily(keys),
    };
  }

  // --- inputs

  #routed(message: RoutedMessage): void {
    switch (message.type) {
      case 'delivery':
        this.#delivered(message);
        return;
      case 'ack': {
        if (message.number > this.#outbox.last(message.from)) this.#overtaken(message.from, message.number);
        this.#removeLazily(this.#outbox.acknowledged(message.from, message.number, message.resend));
        return;
      }
      case 'service':
        this.#program.service(message.kind, message.bytes);
    }
  }

  #delivered({ from: sender, entries, origin }: Extract<RoutedMessage, { type: 'delivery' }>): void {
    if (origin !== undefined && this.#received.contradicts(sender, origin)) {
      const last = this.#received.last(sender);
      const why = `shard ${this.#setup.partition} has taken its message ${last}, and term ${origin.incarnation}.${origin.counter} of it goes on from ${origin.since}`;
      this.#condemn(sender, why);
      return;
    }
    let repeats = 0;
    let gaps = 0;
    for (const { number, bytes } of entries) {
      switch (this.#received.judge(sender, number)) {
        case 'repeat':
          repeats++;
          break;
        case 'gap':
          gaps++;
          break;
        case 'take':
          this.#take(sender, number, bytes, origin);
      }
    }
    this.#counts.repeats += repeats;
    if (repeats > 0) this.#setup.meter?.count('repeatedDelivery', repeats);
    this.#counts.gaps += gaps;
    // One answer for all of them: each one that asks for a resend brings a whole stream again.
    if (repeats + gaps > 0) this.#acknowledge(sender, gaps > 0);
  }

  /**
   * A receiver has more of this shard than was ever sent: its commits have got lost; or another owner has sent it, and its
   * answer came here. A commit tells which: an owner's goes through (W1).
   */
  #overtaken(receiver: number, number: number): void {
    if (this.#suspicious) return;
    this.#suspicious = true;
    const why = `shard ${receiver} has taken its message ${number}, and it remembers ${this.#outbox.last(receiver)}`;
    const proof = new ChangeSet();
    proof.put(takenKey(receiver), encodeCount(this.#received.last(receiver)));
    proof.after(() => this.#condemn(this.#setup.partition, why));
    this.#add(proof);
  }

  /** Nothing more is written: the next numbers would be taken for those that are gone. */
  #condemn(partition: number, why: string): void {
    const { log, topics } = this.#setup;
    this.#commits.end();
    const shard = { topic: topics.state, partition };
    const over = (): void =>
      this.#turn(() => {
        throw new WeirError('WEIR_LOG_LOST', { ...shard, why });
      });
    log.condemn(shard, why).then(over, (error: unknown) => {
      // Whoever claims it next finds out in the same way.
      this.#context.log.error({ ...shard, error: messageOf(error) }, 'could not note that the shard has lost commits');
      over();
    });
  }

  #take(sender: number, number: number, bytes: Uint8Array, origin: StreamOrigin | undefined): void {
    const changes = new ChangeSet();
    this.#program.receive(bytes, changes);
    this.#received.take(sender, number, origin, changes);
    this.#add(changes);
    this.#commits.filling().taken.set(sender, number);
  }

  /** Absorbs a chunk of the log lane; the position is part of the same state (W2). */
  #absorb(records: readonly TailRecord[]): void {
    for (const { key, value, offset } of records) {
      try {
        this.#routed(decodeRouted(value));
      } catch (error) {
        // A record that nobody can read must not stop the partition: it is kept with its offset, for an operator.
        if (!WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) throw error;
        this.#counts.poison++;
        const parked = new ChangeSet();
        parked.put(`d/${offset}`, value);
        this.#parked.add(`d/${offset}`);
        this.#add(parked);
        this.#context.log.error({ key, offset, err: error }, 'parked an unreadable record of the log lane');
      }
      this.#position = offset + 1;
    }
    const changes = new ChangeSet();
    const position = this.#position;
    changes.put('w/log', encodeCount(position));
    changes.after(() => {
      this.#durablePosition = position;
    });
    // What it stands for has joined a batch before it, or needed none: then it may wait, and be read again.
    this.#add(changes, 'lazily');
  }

  /** Holds the log lane back while commits do not keep up (W7); undefined when there is room. */
  #room(): Promise<void> | undefined {
    if (this.#over || !this.#commits.congested) return undefined;
    return new Promise((resolve) => {
      this.#roomMade = resolve;
    });
  }

  #acknowledge(sender: number, resend: boolean): void {
    const number = this.#durableTaken.get(sender) ?? 0;
    this.#setup.route(sender, { type: 'ack', from: this.#setup.partition, number, resend });
  }

  // --- commit loop

  #add(changes: ChangeSet, when: 'soon' | 'lazily' = 'soon'): void {
    if (this.#over) return;
    changes.joining();
    if (changes.onlyRepeats) {
      this.#commits.repeat(changes);
      return;
    }
    const batch = this.#commits.batchFor(changes.bytes);
    if (changes.outgoing.length > 0) {
      this.#outbox.absorb(changes, batch.sent);
      this.#armResend();
    }
    if (when === 'lazily' || changes.onlyRemoves) this.#commits.addLazily(batch, changes);
    else this.#commits.add(batch, changes);
  }

  #removeLazily(keys: readonly string[]): void {
    const changes = new ChangeSet();
    for (const key of keys) changes.remove(key);
    if (!changes.empty) this.#add(changes, 'lazily');
  }

  #durable(batch: Batch): void {
    this.#point('commit.after');
    this.#outbox.committed(batch.sent);
    for (const [sender, number] of batch.taken) {
      this.#durableTaken.set(sender, number);
      this.#acknowledge(sender, false);
    }
    for (const run of batch.afterCommit) run();
    this.#trim();
    if (!this.#commits.congested) this.#roomMade?.();
  }

  #trim(): void {
    // Never beyond what is durable: after a crash the log lane is read again from there.
    if (this.#durablePosition - this.#trimmed < trimEvery) return;
    const { log, topics, partition } = this.#setup;
    this.#trimmed = this.#durablePosition;
    log.trim(topics.events, partition, this.#trimmed).catch((error: unknown) => {
      // Only space is at stake, and the next trim covers this one.
      this.#context.log.warn({ error: messageOf(error) }, 'could not trim consumed events');
    });
  }

  /** Armed while something is unacknowledged; only what has waited a whole period is delivered again. */
  #armResend(): void {
    if (this.#resendArmed || this.#outbox.unacknowledged === 0) return;
    this.#resendArmed = true;
    const { clock, settings } = this.#setup;
    const oldest = this.#outbox.progress;
    this.#timers.at(clock.now() + settings.resendMs, () => {
      this.#resendArmed = false;
      if (this.#outbox.progress === oldest) this.#outbox.resendAll();
      this.#armResend();
    });
  }

  // --- life

  async #drain(done: () => void): Promise<void> {
    if (this.#phase !== 'running') return done();
    const { clock, settings } = this.#setup;
    this.#enter('draining');
    this.#drained = done;
    this.#tail?.close();
    // What a timer would start now is for the next owner: it stands in the checkpoints.
    this.#timers.close();
    try {
      await withDeadline(clock, this.#program.drain(), settings.drainMs, 'drain').catch((error: unknown) => {
        // What does not finish in time is abandoned: its last checkpoint stands, the next owner runs it again.
        this.#context.log.warn({ error: messageOf(error) }, 'drained by deadline');
      });
      await this.#commits.settle();
      if (this.#over) return;
      await this.#commits.release();
      if (this.#over) return;
      await this.#claim?.release();
      this.#point('released');
      this.#enter('released');
    } catch (error) {
      this.#context.log.warn({ error: messageOf(error) }, 'gave the shard up without a clean release');
    }
    this.#finish();
  }

  #finish(): void {
    this.end();
    const done = this.#drained;
    this.#drained = undefined;
    this.#context.finish();
    done?.();
  }

  /** A commit was refused: this incarnation ends, whatever the cause. */
  #refused(error: Error): void {
    if (WeirError.is(error, 'WEIR_LOG_FENCED') || WeirError.is(error, 'WEIR_LOG_CLOSED')) {
      this.#lost(error);
      return;
    }
    // The shard is still ours: only a failure, seen and counted, brings it back (W6).
    this.#turn(() => {
      throw error;
    });
  }

  /** Fenced, or the log is gone: this incarnation stops at once, and does not claim again by itself. */
  #lost(error: Error): void {
    if (this.#over) return;
    this.#context.log.warn({ error: error.message, ...this.#where() }, 'lost the shard');
    this.#enter('lost');
    this.#finish();
  }

  #turn(run: () => void): void {
    if (this.#over) return;
    try {
      run();
    } catch (thrown) {
      const error = ensureError(thrown);
      // It is being given up: another start would take it back from whoever has it by then.
      if (this.#phase === 'draining') {
        this.#lost(error);
        return;
      }
      this.end();
      this.#context.fail(error);
    }
  }

  #enter(phase: ShardPhase): void {
    this.#phase = phase;
    this.#setup.onPhase(phase);
  }

  #point(point: CrashPoint): void {
    this.#setup.crashPoint?.(point, this.#setup.partition);
  }

  #where(): { topic: string; partition: number; term: string } {
    const { topics, partition } = this.#setup;
    return { topic: topics.state, partition, term: String(this.#claim?.term.counter ?? 0) };
  }
}

/** The error of a claim that a newer one has taken the place of; throws any other. */
function asFenced(error: unknown): WeirError {
  if (WeirError.is(error, 'WEIR_LOG_FENCED')) return error;
  throw error;
}
