/**
 * The shard region of a service on one worker: follows the group's assignment, and runs one shard for each partition
 * that is assigned here. Assignment is only a hint; the claim of each shard makes it safe.
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import type { Clock, Logger, Meter, Random } from '../../ports/index.ts';
import type { AssignmentListener, Log, Membership } from '../../transport/log/index.ts';
import type { ActorContext, Behavior, Decision, Failure, Ref } from '../kernel/index.ts';
import { ShardPreview } from './preview.ts';
import type { ShardPreparation } from './program.ts';
import type { ShardMessage } from './protocol.ts';
import type { Router } from './router.ts';
import { shardBehavior } from './shard.ts';
import type { CrashPoint, ShardPhase, ShardSettings, ShardTopics } from './shard-setup.ts';

export type RegionMessage =
  /** Something was noted. */
  | { readonly type: 'look' }
  /** Leaves the group, which takes every shard, and drains what is left; then `done`. */
  | { readonly type: 'leave'; readonly done: () => void };

/** What the group and the shards say. */
type Note =
  | { readonly type: 'assigned'; readonly partitions: readonly number[] }
  | { readonly type: 'revoked'; readonly partitions: readonly number[]; readonly done: () => void }
  /** `opening` tells the shards apart that this region has run for one partition. */
  | { readonly type: 'phase'; readonly partition: number; readonly opening: number; readonly phase: ShardPhase };

export interface ShardStatus {
  readonly partition: number;
  readonly phase: ShardPhase;
  readonly restarts: number;
  readonly lastFailure: string | undefined;
}

export interface RegionSetup<Local> {
  readonly service: string;
  readonly topics: ShardTopics;
  readonly partitions: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter?: Meter | undefined;
  readonly settings: ShardSettings;
  readonly router: Router<Local>;
  readonly preparation: () => ShardPreparation<Local>;
  /** Told of every change; the worker's readiness is made of it. */
  readonly onStatus?: (shards: readonly ShardStatus[]) => void;
  readonly crashPoint?: ((point: CrashPoint, partition: number) => void) | undefined;
}

/** Restarts of one shard within the window; the next failure is the region's own. */
const restartsAllowed = 10;
const restartWindowMs = 60_000;
const hopelessCodes = ['WEIR_SHARD_PARTITIONS', 'WEIR_LOG_ADOPTION', 'WEIR_LOG_REPLACED', 'WEIR_LOG_LOST'] as const;
const longestDelayMs = 5_000;
const mailboxCapacity = 20_000;
/** A shard does not wait in its turns: one that holds messages up for so long hangs. */
const progressWithinMs = 10_000;

interface Running<Local> {
  readonly ref: Ref<ShardMessage<Local>>;
  readonly opening: number;
  phase: ShardPhase;
  /** It is being stopped: whatever it still enters, nothing is sent there any more. */
  closing: boolean;
  restarts: number;
  lastFailure: string | undefined;
  drained: Array<() => void>;
}

export function regionBehavior<Local>(setup: RegionSetup<Local>): Behavior<RegionMessage> {
  return async (context) => {
    const region = new Region(setup, context);
    // Also when its turn hangs and is given up: the next incarnation joins the group in its place.
    context.signal.addEventListener('abort', () => region.end(), { once: true });
    await region.join();
    return { message: (message) => region.handle(message), ended: () => region.end() };
  };
}

class Region<Local> {
  readonly #setup: RegionSetup<Local>;
  readonly #context: ActorContext<RegionMessage>;
  readonly #shards = new Map<number, Running<Local>>();
  /** Assigned, but the former incarnation here has not ended yet. */
  readonly #wanted = new Set<number>();
  /** What is read of shards that are to run here. */
  readonly #previews = new Map<number, ShardPreview<Local>>();
  #membership: Membership | undefined;
  /** Not in the mailbox, which may be full: a shard of which nobody takes note runs nowhere (W6). */
  #notes: Note[] = [];
  #openings = 0;
  /** The group has said what is to be run here; before that nothing is reported. */
  #assigned = false;
  #ended = false;

  constructor(setup: RegionSetup<Local>, context: ActorContext<RegionMessage>) {
    this.#setup = setup;
    this.#context = context;
  }

  async join(): Promise<void> {
    const { log, service, partitions: count, topics } = this.#setup;
    const listener: AssignmentListener = {
      assigned: (partitions) => this.#note({ type: 'assigned', partitions }),
      revoked: (partitions) => new Promise<void>((done) => this.#note({ type: 'revoked', partitions, done })),
      coming: (partition) => {
        const preview = this.#emptyPreview();
        this.#previews.set(partition, preview);
        return preview;
      },
    };
    this.#membership = await log.join(service, count, listener, topics.state);
    if (this.#ended) this.#leave();
  }

  handle(message: RegionMessage): void {
    this.#look();
    switch (message.type) {
      case 'look':
        return;
      case 'leave':
        // The group first: others may read ahead what runs here before it is drained.
        void Promise.resolve(this.#membership?.leave())
          .then(() => this.#drain([...this.#shards.keys()]))
          .then(message.done, message.done);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const partition of this.#shards.keys()) this.#setup.router.closed(partition);
    for (const note of this.#notes.splice(0)) if (note.type === 'revoked') note.done();
    this.#leave();
  }

  /** What comes from outside of its turns is looked at in one of them. */
  #note(note: Note): void {
    if (this.#ended) {
      if (note.type === 'revoked') note.done();
      return;
    }
    this.#notes.push(note);
    if (this.#notes.length > 1 || this.#context.self.tell({ type: 'look' }) === 'accepted') return;
    // A mailbox that takes no messages still takes timers.
    this.#context.startTimer('look', { type: 'look' }, 0);
  }

  #look(): void {
    for (const note of this.#notes.splice(0)) this.#take(note);
  }

  #take(note: Note): void {
    switch (note.type) {
      case 'assigned':
        this.#assigned = true;
        for (const partition of note.partitions) this.#open(partition);
        this.#report();
        return;
      case 'revoked':
        void this.#drain(note.partitions).then(note.done);
        return;
      case 'phase':
        this.#entered(note);
    }
  }

  /** A region that has ended must not stay in the group: what is assigned to it would run nowhere (W6). */
  #leave(): void {
    this.#membership?.leave().catch((error: unknown) => {
      this.#setup.logger.warn({ error: messageOf(error) }, 'could not leave the group');
    });
  }

  #open(partition: number): void {
    if (this.#shards.has(partition)) {
      this.#wanted.add(partition);
      return;
    }
    const { topics, partitions, log, clock, random, meter, settings, router, crashPoint } = this.#setup;
    const opening = ++this.#openings;
    let inspect: () => Readonly<Record<string, unknown>> = () => ({});
    const behavior = shardBehavior<Local>(
      {
        topics,
        partition,
        partitions,
        log,
        clock,
        random,
        meter,
        settings,
        preview: () => this.#takePreview(partition),
        route: (receiver, message) => router.route(receiver, message),
        onPhase: (phase) => this.#phase(partition, opening, phase),
        revoked: () => this.#revoked(partition, opening),
        crashPoint,
      },
      (facts) => {
        inspect = facts;
      },
    );
    const failures: number[] = [];
    const ref = this.#context.spawn<ShardMessage<Local>>(`shard-${partition}`, behavior, {
      capacity: mailboxCapacity,
      shutdownMs: settings.drainMs,
      // Claims keep the shard from two writers; a hung turn must not keep it from its next one.
      besideAbandoned: true,
      progressWithinMs,
      inspect: () => inspect(),
      onFailure: (failure) => this.#failed(partition, failure, failures),
    });
    const running: Running<Local> = {
      ...{ ref, opening, phase: 'claiming', closing: false },
      ...{ restarts: 0, lastFailure: undefined, drained: [] },
    };
    this.#shards.set(partition, running);
    this.#context.watch(ref);
    this.#report();
  }

  #failed(partition: number, { error }: Failure, failures: number[]): Decision {
    const { clock, router, logger, random } = this.#setup;
    router.closed(partition);
    const running = this.#shards.get(partition);
    if (running !== undefined) {
      running.restarts++;
      running.lastFailure = error.message;
    }
    logger.error({ partition, err: error, stack: error.stack }, 'a shard has failed');
    // Nothing more is claimed until an operator has mended it; what runs here is as it was, and goes on.
    if (WeirError.is(error, 'WEIR_LOG_PARTITIONS')) return { type: 'restart', delayMs: longestDelayMs };
    const now = clock.now();
    while (failures[0] !== undefined && now - failures[0] > restartWindowMs) failures.shift();
    failures.push(now);
    // A log of another shape, another log, or one that has lost something will not get better by trying again.
    const hopeless = hopelessCodes.some((code) => WeirError.is(error, code));
    if (failures.length > restartsAllowed || hopeless) return { type: 'escalate' };
    return {
      type: 'restart',
      delayMs: Math.min(longestDelayMs, 100 * 2 ** (failures.length - 1)) * (1 + random.next() / 4),
    };
  }

  #emptyPreview(): ShardPreview<Local> {
    return new ShardPreview(this.#setup.clock, this.#setup.preparation());
  }

  /** For one incarnation of the shard: the next one begins with nothing. */
  #takePreview(partition: number): ShardPreview<Local> {
    const known = this.#previews.get(partition);
    this.#previews.delete(partition);
    return known ?? this.#emptyPreview();
  }

  #revoked(partition: number, opening: number): boolean {
    const running = this.#shards.get(partition);
    return running?.opening !== opening || running.closing;
  }

  /** Phases come from inside the shard's turns: the route opens and closes at once, the report follows as a message. */
  #phase(partition: number, opening: number, phase: ShardPhase): void {
    const running = this.#shards.get(partition);
    // One that is stopped while it starts still goes through its phases; by then another may stand in its place.
    if (running?.opening !== opening) return;
    running.phase = phase;
    if (phase === 'running' && !running.closing) this.#setup.router.opened(partition, running.ref);
    // What comes while it drains is for the next owner, and waits for that in the log.
    if (phase !== 'running') this.#setup.router.closed(partition);
    this.#note({ type: 'phase', partition, opening, phase });
  }

  #entered({ partition, opening, phase }: Extract<Note, { type: 'phase' }>): void {
    this.#setup.logger.debug({ partition, phase }, 'shard phase');
    const current = this.#shards.get(partition)?.opening === opening;
    if (current && (phase === 'released' || phase === 'lost')) this.#closed(partition, phase);
    this.#report();
  }

  #closed(partition: number, phase?: ShardPhase): void {
    const running = this.#shards.get(partition);
    if (running === undefined || running.closing) return;
    running.closing = true;
    this.#setup.router.closed(partition);
    void this.#context.stop(running.ref).then(() => {
      this.#shards.delete(partition);
      for (const done of running.drained) done();
      if (this.#wanted.delete(partition)) this.#note({ type: 'assigned', partitions: [partition] });
      // Whoever took it may be a worker that only woke up late: the group says whether it belongs here still (W6).
      else if (phase === 'lost' && !this.#ended) this.#membership?.lost(partition);
      this.#report();
    });
  }

  async #drain(partitions: readonly number[]): Promise<void> {
    await Promise.all(partitions.map((partition) => this.#drainOne(partition)));
  }

  #drainOne(partition: number): Promise<void> {
    const running = this.#shards.get(partition);
    this.#wanted.delete(partition);
    if (running === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      running.drained.push(resolve);
      // It may be wanted by another worker than at first; it goes when it has drained.
      if (running.phase === 'draining') return;
      const asked = running.phase === 'running' ? running.ref.tell({ type: 'drain', done: () => undefined }) : 'dead';
      // A shard that is not running has nothing to drain: it is simply stopped.
      if (asked !== 'accepted') this.#closed(partition);
    });
  }

  #report(): void {
    if (!this.#assigned) return;
    this.#setup.onStatus?.(
      [...this.#shards.entries()].map(([partition, { phase, restarts, lastFailure }]) => ({
        partition,
        phase,
        restarts,
        lastFailure,
      })),
    );
  }
}
