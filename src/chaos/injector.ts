/**
 * The injector: which faults one worker has at this moment, and what they do to each request, message and reading of
 * the clock. Decorators of the ports ask it; without a fault each question costs one look at an empty list.
 *
 * Owns the life of faults: how often, how likely, until when. All of it follows from the clock and the randomness it is
 * given, so a seed gives the same run again.
 */
import { WeirError } from '../errors/index.ts';
import { type Clock, type Identity, memberId, type Random } from '../ports/index.ts';
import type { ShardId, TopicName } from '../transport/log/index.ts';
import { describeRead } from './describe-fault.ts';
import { type ClockError, type MessageFate, untouchedMessage, untouchedWrite, type WriteFate } from './fates.ts';
import type { Fault, FaultWord } from './fault.ts';
import { type ActiveFault, type Live, viewOf } from './live-fault.ts';
import { readFault } from './read-fault.ts';
import { type ActorAnswer, type ProcessFaults, type Seams, whyUnreachable } from './seams.ts';
import type { Aim, Shard } from './target.ts';
import { faultWords } from './words.ts';

export interface InjectorSetup {
  /** True time, never one that is skewed itself. */
  readonly clock: Clock;
  readonly random: Random;
  readonly process: ProcessFaults;
  /** Name of the node that a member is on, so that a fault can name the node. Default: members only. */
  readonly nodeOf?: (member: Identity) => string | undefined;
  /** Told of each strike; for traces and logs. */
  readonly onStrike?: (fault: ActiveFault) => void;
}

/** Of several faults that strike one write, the one that stands first here does; `slow` adds to any of them. */
const writeOrder: readonly FaultWord[] = ['partition', 'crash', 'torn-write', 'full-disk', 'lost-ack', 'duplicate'];

export class FaultInjector {
  readonly #setup: InjectorSetup;
  readonly #struck = new Map<FaultWord, number>();
  #seams: Partial<Seams> = {};
  #lastId = 0;
  #live: readonly Live[] = [];
  /** By what they strike, so that a question looks at nothing else. */
  #writes: readonly Live[] = [];
  #messages: readonly Live[] = [];
  #clocks: readonly Live[] = [];
  /** The error when nothing strikes: what former drifts have left behind, since that clock never steps. */
  #rightClock: ClockError = { wallMs: 0, monotonicMs: 0, rate: 1 };

  constructor(setup: InjectorSetup) {
    this.#setup = setup;
  }

  /** True time. */
  get clock(): Clock {
    return this.#setup.clock;
  }

  /** The process that the worker is. */
  get process(): ProcessFaults {
    return this.#setup.process;
  }

  /** Tells where faults can get at the worker; what was attached before stays, unless it is attached anew. */
  attach(seams: Partial<Seams>): void {
    const words = [...(this.#seams.writes ?? []), ...(seams.writes ?? [])];
    this.#seams = { ...this.#seams, ...seams, ...(words.length === 0 ? {} : { writes: words }) };
  }

  /**
   * Lets a fault strike from now on. What strikes at once has struck when this returns.
   * @throws WeirError `WEIR_FAULT_INVALID`; `WEIR_FAULT_UNREACHABLE` when nothing here could ever be struck by it
   */
  inject(fault: Fault): ActiveFault {
    const read = readFault(fault);
    const { clock } = this.#setup;
    const why = whyUnreachable(read, this.#seams);
    if (why !== undefined) throw unreachable(fault, why);
    const { forMs, times = Number.POSITIVE_INFINITY } = read;
    const sinceMonotonic = clock.monotonic();
    const live: Live = {
      ...read,
      id: ++this.#lastId,
      fault,
      text: describeRead(read),
      since: clock.now(),
      sinceMonotonic,
      untilMonotonic: sinceMonotonic + (forMs ?? Number.POSITIVE_INFINITY),
      left: times,
      struck: 0,
      over: Promise.withResolvers<void>(),
      timer: undefined,
      undo: undefined,
    };
    this.#set([...this.#live, live]);
    try {
      this.#begin(live);
    } catch (error) {
      this.#end(live);
      throw error;
    }
    if (forMs !== undefined && this.#live.includes(live)) live.timer = clock.after(forMs, () => this.#end(live));
    return viewOf(live);
  }

  /** Ends one fault; false when it is over already. */
  lift(id: number): boolean {
    const live = this.#live.find((one) => one.id === id);
    if (live !== undefined) this.#end(live);
    return live !== undefined;
  }

  /** Ends every fault. What they did stays done. */
  clear(): void {
    for (const live of this.#live) this.#end(live);
  }

  /** Faults that are not over, oldest first. */
  active(): readonly ActiveFault[] {
    this.#expire();
    return this.#live.map(viewOf);
  }

  /** How often each word has struck since the injector was made. */
  struck(): Readonly<Record<FaultWord, number>> {
    const counts = faultWords.map((word) => [word, this.#struck.get(word) ?? 0] as const);
    return Object.fromEntries(counts) as Record<FaultWord, number>;
  }

  /** Asked once for each commit, when it is sent. */
  fateOfCommit({ topic, partition }: ShardId): WriteFate {
    if (this.#writes.length === 0) return untouchedWrite;
    return this.fateOfWrite((shard) => shard.partition === partition && (shard.topic ?? topic) === topic);
  }

  /** Asked once for each append, when it is sent. */
  fateOfAppend(topic: TopicName, partition: number): WriteFate {
    return this.fateOfCommit({ topic, partition });
  }

  /** For a write of several shards at once, such as a group commit; `touches` tells whether it concerns a shard. */
  fateOfWrite(touches: (shard: Shard) => boolean): WriteFate {
    if (this.#writes.length === 0) return untouchedWrite;
    const meant = (aim: Aim): boolean => aim.type !== 'shard' || touches(aim);
    const delayMs = this.#delay(this.#writes, meant);
    for (const word of writeOrder) {
      const live = this.#pick(this.#writes, (one) => one.word === word && meant(one.aim));
      if (live === undefined) continue;
      switch (live.word) {
        case 'crash':
          return { delayMs, what: live.when === 'before' ? 'crash-before' : 'crash-after' };
        case 'full-disk':
        case 'partition':
          return { delayMs, what: live.word, over: live.over.promise };
        case 'lost-ack':
        case 'duplicate':
        case 'torn-write':
          return { delayMs, what: live.word };
      }
    }
    return delayMs === 0 ? untouchedWrite : { delayMs, what: 'ok' };
  }

  /** Asked for each request to the log that is no write: false while a partition cuts the worker off. */
  reachesLog(): boolean {
    return this.#writes.length === 0 || this.#pick(this.#writes, ({ word }) => word === 'partition') === undefined;
  }

  /** What holds writes up at this moment: a fault that a write has met already, since nobody knows of it before. */
  heldUp(): ActiveFault | undefined {
    if (this.#writes.length === 0) return undefined;
    this.#expire();
    const live = this.#writes.find(({ word, struck }) => struck > 0 && (word === 'full-disk' || word === 'partition'));
    return live === undefined ? undefined : viewOf(live);
  }

  /** Asked once for each message, when it is sent. */
  fateOfMessage(source: Identity, destination: Identity): MessageFate {
    if (this.#messages.length === 0) return untouchedMessage;
    const meant = (aim: Aim): boolean => this.#concerns(aim, source, destination);
    const lost = this.#pick(this.#messages, ({ word, aim }) => (word === 'partition' || word === 'lose') && meant(aim));
    if (lost !== undefined) return { delayMs: 0, copies: 0, overtakenMs: undefined };
    const delayMs = this.#delay(this.#messages, meant);
    const twice = this.#pick(this.#messages, ({ word, aim }) => word === 'duplicate' && meant(aim));
    const overtaken = this.#pick(this.#messages, ({ word, aim }) => word === 'reorder' && meant(aim));
    if (delayMs === 0 && twice === undefined && overtaken === undefined) return untouchedMessage;
    return { delayMs, copies: twice === undefined ? 1 : 2, overtakenMs: overtaken?.byMs };
  }

  /** Asked once for each message that arrives: false when a partition keeps it out. */
  admits(source: Identity, destination: Identity): boolean {
    if (this.#messages.length === 0) return true;
    const cut = ({ word, aim }: Live): boolean => word === 'partition' && this.#concerns(aim, source, destination);
    return this.#pick(this.#messages, cut) === undefined;
  }

  /** How far the clocks are off. */
  clockError(): ClockError {
    if (this.#clocks.length > 0) this.#expire();
    if (this.#clocks.length === 0) return this.#rightClock;
    const now = this.#setup.clock.monotonic();
    let skewMs = 0;
    let driftMs = 0;
    let rate = 1;
    for (const { byMs, drift, sinceMonotonic } of this.#clocks) {
      skewMs += byMs;
      driftMs += drift * (now - sinceMonotonic);
      rate += drift;
    }
    return {
      wallMs: skewMs + driftMs,
      monotonicMs: this.#rightClock.monotonicMs + driftMs,
      // Drifts that were injected one by one may add up to a clock that stands still.
      rate: Math.max(slowestRate, rate),
    };
  }

  /** What strikes at once does so here; the rest waits to be asked. */
  #begin(live: Live): void {
    const { process } = this.#setup;
    const { actors, cutOff, takeOver } = this.#seams;
    const { word, aim, forMs } = live;
    switch (word) {
      case 'crash':
        if (aim.type === 'worker') {
          this.#strike(live);
          process.crash();
        } else if (aim.type === 'actor') {
          const error = new Error('a crash was injected (chaos)');
          this.#steer(live, actors?.crash(aim.path, error));
        }
        return;
      case 'hang':
        if (aim.type === 'actor') {
          this.#steer(live, actors?.hang(aim.path, forMs));
          live.undo = () => this.#release(aim.path);
        } else {
          this.#strike(live);
          live.undo = process.freeze(forMs ?? 0);
        }
        return;
      case 'full-mailbox':
        if (aim.type !== 'actor') return;
        this.#steer(live, actors?.fill(aim.path));
        live.undo = () => this.#release(aim.path);
        return;
      case 'partition':
        if (aim.type !== 'log' || cutOff === undefined) return;
        this.#strike(live);
        live.undo = cutOff();
        return;
      case 'clock-skew':
        this.#strike(live);
        return;
      case 'fenced-writer': {
        live.undo = takeOver?.(aim.type === 'shard' ? aim : undefined);
        if (live.undo === undefined) throw unreachable(live.fault, 'this worker has no such shard at this moment');
        this.#strike(live);
        return;
      }
    }
  }

  #steer(live: Live, answer: ActorAnswer | undefined): void {
    const path = live.aim.type === 'actor' ? live.aim.path : '';
    if (answer === 'no-such-actor') throw unreachable(live.fault, `there is no actor ${path}`);
    if (answer === 'not-allowed') throw unreachable(live.fault, `the actor ${path} is starting or stopping just now`);
    this.#strike(live);
  }

  /** Lets an actor go; what else still holds it up does so on. */
  #release(path: string): void {
    const { actors } = this.#seams;
    actors?.release(path);
    for (const { word, aim } of this.#live) {
      if (word === 'full-mailbox' && aim.type === 'actor' && aim.path === path) actors?.fill(path);
    }
  }

  #concerns(aim: Aim, source: Identity, destination: Identity): boolean {
    if (aim.type !== 'peer') return aim.type === 'peers';
    const { name } = aim;
    const { nodeOf } = this.#setup;
    return [source, destination].some(
      (member) =>
        member.name === name || nodeOf?.(member) === name || (idPattern.test(name) && memberId(member) === name),
    );
  }

  #delay(list: readonly Live[], meant: (aim: Aim) => boolean): number {
    return this.#pick(list, ({ word, aim }) => word === 'slow' && meant(aim))?.byMs ?? 0;
  }

  /** The first fault of the list that fits and strikes by its odds; it has struck then. */
  #pick(list: readonly Live[], fits: (live: Live) => boolean): Live | undefined {
    let now: number | undefined;
    for (const live of list) {
      if (live.left <= 0 || !fits(live)) continue;
      // Reading the clock costs more than all else here.
      now ??= this.#setup.clock.monotonic();
      if (live.untilMonotonic <= now) continue;
      if (live.odds < 1 && this.#setup.random.next() >= live.odds) continue;
      this.#strike(live);
      return live;
    }
    return undefined;
  }

  #strike(live: Live): void {
    live.struck += 1;
    live.left -= 1;
    this.#struck.set(live.word, (this.#struck.get(live.word) ?? 0) + 1);
    this.#setup.onStrike?.(viewOf(live));
    if (live.left <= 0) this.#end(live);
  }

  #expire(): void {
    const now = this.#setup.clock.monotonic();
    for (const live of this.#live) if (live.untilMonotonic <= now) this.#end(live);
  }

  #end(live: Live): void {
    if (!this.#live.includes(live)) return;
    if (live.word === 'clock-skew') {
      const until = Math.min(live.untilMonotonic, this.#setup.clock.monotonic());
      const driftMs = live.drift * (until - live.sinceMonotonic);
      this.#rightClock = { ...this.#rightClock, monotonicMs: this.#rightClock.monotonicMs + driftMs };
    }
    this.#set(this.#live.filter((one) => one !== live));
    live.timer?.cancel();
    live.undo?.();
    live.over.resolve();
  }

  #set(live: readonly Live[]): void {
    this.#live = live;
    const aimedAt = (...types: readonly Aim['type'][]): readonly Live[] =>
      live.filter(({ aim }) => types.includes(aim.type));
    this.#writes = aimedAt('log', 'shard').filter(({ word }) => word !== 'fenced-writer');
    this.#messages = aimedAt('peers', 'peer');
    this.#clocks = aimedAt('clock');
  }
}

const slowestRate = 0.01;
const idPattern = /^[0-9a-f]{16}$/;

function unreachable(fault: Fault, why: string): WeirError {
  return new WeirError('WEIR_FAULT_UNREACHABLE', { fault: fault.type, why });
}

/** Makes the injector of one worker. */
export function faultInjector(setup: InjectorSetup): FaultInjector {
  return new FaultInjector(setup);
}
