/**
 * The crash guard of a shard: finds the flow that ends its worker, before it has ended every worker of the cluster (FE17).
 *
 * After an unclean end code of a flow runs only behind a mark in its checkpoint, a few flows at a time, and the mark goes
 * when the flow next waits for anything but a step. A flow that is found with a mark was running when its worker ended: it
 * runs alone, until a step of it has ended. One that was alone each time when its worker ended, and never got further, is
 * what ended it: whatever else ends workers does not strike the same place again and again. Where it is known that the
 * process has ended by its own doing, once is enough. Where steps of others last too long for that, no
 * other flow begins while it does; if the worker ends then, it goes first after the restart, when nothing runs yet.
 */
import { WeirError } from '../../errors/index.ts';
import type { MarkRecord, Stand } from '../../persistence/index.ts';
import { type Alarm, ChangeSet, type FormerEnd, type ShardHost } from '../shard/index.ts';
import type { FlowInstance } from './instance.ts';
import type { LoneRun, WorkerGuard } from './worker-guard.ts';

/** Flows of a shard that run behind a mark at the same time. */
const atOnce = 8;
/** How long such a flow may run before the next one need not wait for it. */
const turnMs = 1_000;
/** How long others wait for a flow that runs alone; longer after each further death, for what ends its worker slowly. */
const patience = { firstMs: 1_000, growth: 4, longestMs: 60_000 };
/** How long after an unclean end flows are marked before their code runs: what woke them may come again. */
const watchMs = 30_000;
/** Flows that go on in one turn after a lone run. */
const releasedAtOnce = 100;

export interface CrashGuardSetup {
  readonly host: Pick<ShardHost, 'clock' | 'timers' | 'turn' | 'add'>;
  readonly worker: WorkerGuard;
  /** How many ends of its worker a flow must have been alone at, each time in the same place, to be STUCK as their cause. */
  readonly deathsAlone: number;
  /** Writes the head of a flow. */
  readonly store: (flow: FlowInstance, changes: ChangeSet) => void;
  /** Lets a flow run on. */
  readonly goOn: (flow: FlowInstance) => void;
}

export class CrashGuard {
  readonly #setup: CrashGuardSetup;
  /** Until when flows are marked before they run. */
  #until = Number.NEGATIVE_INFINITY;
  /** Flows that are not run before everything has been restored. */
  #restoring = false;
  /** Flows that wait for their turn. */
  readonly #queue = new Set<FlowInstance>();
  /** Flows that run behind a mark; with an alarm while others wait for them. */
  readonly #running = new Map<FlowInstance, Alarm | undefined>();
  /** Flows that are to run alone. */
  readonly #suspects = new Set<FlowInstance>();
  isRestored = false;
  #draining = false;
  /** Flows that have run since the restore, and came to wait. */
  readonly #proved = new WeakSet<FlowInstance>();
  readonly #lone = new Map<FlowInstance, LoneRun>();
  /** What waits while a flow runs alone. */
  readonly #heldFlows = new Set<FlowInstance>();
  readonly #heldBodies: Array<() => void> = [];
  #scheduled = false;

  constructor(setup: CrashGuardSetup) {
    this.#setup = setup;
    setup.worker.join(this);
  }

  /** Flows that a mark holds, or that wait to be marked. */
  get guarded(): number {
    return this.#queue.size + this.#running.size;
  }

  /** Whether it holds the flow: to run it, or to run it alone when it runs next. */
  has(flow: FlowInstance): boolean {
    if (flow.head.mark !== null || this.#suspects.has(flow)) return true;
    return this.#queue.has(flow) || this.#running.has(flow) || this.#heldFlows.has(flow) || this.#lone.has(flow);
  }

  // --- after a restore

  /**
   * Looks at a flow that was restored, before it runs.
   * @returns why it must not run any more; undefined when it may
   */
  judge(flow: FlowInstance, before: FormerEnd): WeirError | undefined {
    const { worker, deathsAlone } = this.#setup;
    const { head } = flow;
    if (head.mark === null) return undefined;
    const mark = found(head.mark, before, worker.life);
    const diedAlone = mark.lonely > head.mark.lonely;
    // What ends a process from outside says nothing of a flow; of an end that is its own doing only one can be the cause.
    if (diedAlone && worker.endedByItself(head.mark.life)) return crashed(flow, mark.deaths);
    if (mark.lonely >= deathsAlone) return crashed(flow, mark.deaths);
    if (mark.stand === 'suspect' || mark.stand === 'chief') this.#suspects.add(flow);
    head.mark = mark;
    flow.dirty = true;
    return undefined;
  }

  /** Flows run from now on; behind a mark, unless the last owner has let the shard go. */
  watch(before: FormerEnd): void {
    if (before === 'released') return;
    this.#until = this.#setup.host.clock.now() + watchMs;
    this.#restoring = true;
  }

  /** Everything that was restored has been looked at. */
  restored(): void {
    this.#restoring = false;
    this.isRestored = true;
    const [only] = this.#queue;
    // Nobody is delayed by it, and one death less is needed to know.
    if (only !== undefined && this.#setup.worker.guarded === 1) this.#suspects.add(only);
    this.#runNext();
    this.#setup.worker.restored();
  }

  // --- while flows run

  /** Whether code of a flow may run now; else it goes on by itself when it may. */
  admits(flow: FlowInstance): boolean {
    if (this.holds(flow)) {
      this.#heldFlows.add(flow);
      return false;
    }
    if (this.#running.has(flow)) return true;
    // It has asked for its turn; of a second one nobody would ever say that it is over.
    if (this.#lone.has(flow)) return false;
    const watched = this.#until > this.#setup.host.clock.now() && !this.#proved.has(flow);
    if (!watched && flow.head.mark === null && !this.#suspects.has(flow)) return true;
    this.#queue.add(flow);
    if (!this.#restoring) this.#runLater();
    return false;
  }

  /** An operator lets a flow go on that has ended its worker. */
  suspect(flow: FlowInstance): void {
    this.#suspects.add(flow);
  }

  /**
   * A step of a flow has ended: if that worker ends now, it is not the doing of what has ended others before. One that
   * runs alone has passed the place for which it was suspected, and nobody waits for it any longer.
   */
  progressed(flow: FlowInstance): void {
    const { mark } = flow.head;
    if (mark === null) return;
    if (mark.lonely > 0) {
      flow.head.mark = { ...mark, lonely: 0 };
      flow.dirty = true;
    }
    if (this.#lone.has(flow)) this.#whenTurnIsOver(() => this.#notAlone(flow));
  }

  /** A flow waits for something else than a step, or runs no more: it has survived. */
  survived(flow: FlowInstance, changes: ChangeSet): void {
    this.#queue.delete(flow);
    if (flow.head.mark === null && !this.#running.has(flow)) return;
    this.#free(flow);
    this.#running.delete(flow);
    this.#suspects.delete(flow);
    this.#proved.add(flow);
    flow.head.mark = null;
    flow.dirty = true;
    // Its mark must be gone before anybody else could end the worker in its place.
    if (this.#lone.has(flow)) changes.after(() => this.#loneOver(flow));
    this.#runLater();
  }

  /** Whether a flow has to wait until another one has run alone. */
  holds(flow: FlowInstance): boolean {
    return this.#setup.worker.closed && !(this.#lone.has(flow) && this.#running.has(flow));
  }

  /** Starts the body of a step when no other flow runs alone any more. */
  holdBody(start: () => void): void {
    this.#heldBodies.push(start);
  }

  bodyStarted(): void {
    this.#setup.worker.bodyStarted();
  }

  bodyEnded(): void {
    this.#setup.worker.bodyEnded();
  }

  /** What was held back goes on, a part of it at a time. */
  opened(): void {
    if (this.#draining || this.#heldFlows.size + this.#heldBodies.length + this.#queue.size === 0) return;
    const { host, goOn } = this.#setup;
    host.turn(() => {
      for (const start of this.#heldBodies.splice(0)) start();
      let left = releasedAtOnce;
      for (const flow of this.#heldFlows) {
        if (left-- === 0) break;
        this.#heldFlows.delete(flow);
        goOn(flow);
      }
      this.#runNext();
      if (this.#heldFlows.size === 0 || this.#setup.worker.closed) return;
      const changes = new ChangeSet();
      changes.after(() => this.opened());
      host.add(changes);
    });
  }

  /** The shard is given up: what has not begun to run is for its next owner. */
  drain(): void {
    this.#draining = true;
    this.#heldFlows.clear();
    this.#heldBodies.length = 0;
    for (const flow of [...this.#lone.keys()]) if (!this.#running.has(flow)) this.#loneOver(flow);
  }

  /** The shard's incarnation is over. */
  end(): void {
    this.drain();
    this.#setup.worker.leave(this);
    for (const flow of [...this.#lone.keys()]) this.#loneOver(flow);
  }

  // --- turns

  #runLater(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#whenTurnIsOver(() => {
      this.#scheduled = false;
      this.#runNext();
    });
  }

  /** What a turn changes of a flow must join a commit before the mark of that flow does (W2). */
  #whenTurnIsOver(run: () => void): void {
    queueMicrotask(() => this.#setup.host.turn(run));
  }

  #runNext(): void {
    if (this.#draining) return;
    const { worker } = this.#setup;
    for (const flow of this.#queue) {
      if (this.#suspects.has(flow)) {
        this.#queue.delete(flow);
        this.#requestAlone(flow);
      } else if (!worker.closed && this.#turns() < atOnce) {
        this.#queue.delete(flow);
        this.#run(flow, 'beside', turnMs, () => this.#free(flow));
      }
    }
  }

  #turns(): number {
    let turns = 0;
    for (const alarm of this.#running.values()) if (alarm !== undefined) turns++;
    return turns;
  }

  #requestAlone(flow: FlowInstance): void {
    const before = (flow.head.mark?.deaths ?? 1) - 1;
    const patienceMs = Math.min(patience.longestMs, patience.firstMs * patience.growth ** before);
    const run: LoneRun = {
      patienceMs,
      urgent: flow.head.mark?.stand === 'chief',
      begin: (alone) => {
        const { host } = this.#setup;
        host.turn(() => this.#run(flow, alone ? 'alone' : 'nearly', patienceMs, () => this.#notAlone(flow)));
      },
    };
    this.#lone.set(flow, run);
    this.#setup.worker.alone(run);
  }

  /** Marks a flow, and runs it when that is durable. */
  #run(flow: FlowInstance, stand: Stand, withinMs: number, late: () => void): void {
    const { host, worker, goOn } = this.#setup;
    const { head } = flow;
    if (head.status !== 'RUNNING') {
      this.#loneOver(flow);
      return;
    }
    const { deaths = 1, lonely = 0 } = head.mark ?? {};
    head.mark = { deaths, lonely, stand, life: worker.life };
    this.#running.set(flow, host.timers.at(host.clock.now() + withinMs, late));
    this.#commit(flow, () => goOn(flow));
  }

  /** The next one may run beside it. */
  #free(flow: FlowInstance): void {
    const alarm = this.#running.get(flow);
    if (alarm === undefined) return;
    this.#setup.host.timers.cancel(alarm);
    this.#running.set(flow, undefined);
    this.#runLater();
  }

  /** It has run alone for long enough: others go on beside it, and what happens then may not be its doing. */
  #notAlone(flow: FlowInstance): void {
    const { mark } = flow.head;
    if (!this.#running.has(flow)) return;
    this.#free(flow);
    if (mark === null) return;
    flow.head.mark = { ...mark, stand: 'beside' };
    this.#commit(flow, () => this.#loneOver(flow));
  }

  #commit(flow: FlowInstance, then: () => void): void {
    const changes = new ChangeSet();
    flow.dirty = true;
    this.#setup.store(flow, changes);
    changes.after(then);
    this.#setup.host.add(changes);
  }

  #loneOver(flow: FlowInstance): void {
    const run = this.#lone.get(flow);
    if (run === undefined) return;
    this.#lone.delete(flow);
    this.#setup.worker.over(run);
  }
}

/** What a mark says to whoever restores its flow. */
function found(mark: MarkRecord, before: FormerEnd, life: string): MarkRecord {
  const { stand, deaths, lonely } = mark;
  // Who ended in silence had marked nothing: whoever has set the mark has let the flow go.
  const died = before === 'unclean' && mark.life !== life;
  switch (stand) {
    case 'beside':
      return died ? { deaths: deaths + 1, lonely, stand: 'suspect', life } : { ...mark, life };
    case 'nearly':
      return died ? { deaths: deaths + 1, lonely, stand: 'chief', life } : { ...mark, stand: 'suspect', life };
    case 'alone':
      return { deaths: deaths + Number(died), lonely: lonely + Number(died), stand: 'suspect', life };
    case 'suspect':
    case 'chief':
      // It did not run.
      return { ...mark, life };
  }
}

function crashed({ head, journal }: FlowInstance, deaths: number): WeirError {
  const { flow, stage } = head;
  return new WeirError('WEIR_FLOW_CRASHED', { flow, stage, deaths, index: journal.length });
}
