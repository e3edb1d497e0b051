/**
 * The part of the crash guard that the shards of a worker share: lets one flow at a time run alone, while the code of all
 * others waits. That has limits of time, so that nobody waits longer than a suspicion is worth (W5).
 */
import type { Clock, Timer } from '../../ports/index.ts';

/** A life of a process: marks of flows name the one that has set them. */
export interface Life {
  readonly name: string;
  /** Whether another one is known to have ended by its own doing, not by a signal from outside. */
  readonly endedByItself: (life: string) => boolean;
}

/** A flow that is to run alone. */
export interface LoneRun {
  /** How long it is waited for that nothing else runs, in milliseconds. */
  readonly patienceMs: number;
  /** It goes before those that are not: nothing at all runs beside the first one after a restart. */
  readonly urgent: boolean;
  /** No other flow begins to run now; unless `alone`, bodies of steps that began before still do. */
  readonly begin: (alone: boolean) => void;
}

/** One shard of the worker, as the guard sees it. */
export interface GuardedShard {
  /** Flows that run behind a mark, or wait for that. */
  readonly guarded: number;
  readonly isRestored: boolean;
  /** What was held back may go on. */
  opened(): void;
}

/** How long a lone run waits for the other shards of the worker to be restored. */
const restoreMs = 1_000;

export class WorkerGuard {
  /** Names this life of the process: a mark of another life was left by one that has ended, or lost the shard. */
  readonly life: string;
  readonly endedByItself: Life['endedByItself'];
  readonly #clock: Clock;
  readonly #shards = new Set<GuardedShard>();
  #waiting: LoneRun[] = [];
  #current: LoneRun | undefined;
  #begun = false;
  #timer: Timer | undefined;
  /** Bodies of steps that are under way in the worker. */
  #bodies = 0;
  /** Some of them have outlasted a lone run that waited for them: the next one need not wait, too. */
  #noisy = false;

  constructor({ name, endedByItself }: Life, clock: Clock) {
    this.life = name;
    this.endedByItself = endedByItself;
    this.#clock = clock;
  }

  /** A flow runs alone, or is about to: no other one may run. */
  get closed(): boolean {
    return this.#current !== undefined;
  }

  /** Flows of the worker that run behind a mark, or wait for that. */
  get guarded(): number {
    let count = 0;
    for (const shard of this.#shards) count += shard.guarded;
    return count;
  }

  join(shard: GuardedShard): void {
    this.#shards.add(shard);
  }

  leave(shard: GuardedShard): void {
    this.#shards.delete(shard);
    this.restored();
  }

  /** A shard has been restored: its most urgent flow may have to go before those of others. */
  restored(): void {
    this.#next();
  }

  bodyStarted(): void {
    this.#bodies++;
  }

  bodyEnded(): void {
    this.#bodies--;
    if (this.#bodies === 0) this.#noisy = false;
    if (this.#bodies === 0 && this.#current !== undefined && !this.#begun) this.#begin(this.#current, true);
  }

  alone(run: LoneRun): void {
    this.#waiting.push(run);
    this.#next();
  }

  /** A lone run has ended, or is not wanted any more. */
  over(run: LoneRun): void {
    if (this.#current !== run) {
      this.#waiting = this.#waiting.filter((other) => other !== run);
      return;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#current = undefined;
    // Between two lone runs everybody else gets on.
    for (const shard of [...this.#shards]) shard.opened();
    this.#next();
  }

  #next(): void {
    if (this.#current !== undefined || this.#waiting.length === 0) return;
    if ([...this.#shards].some(({ isRestored }) => !isRestored)) {
      this.#timer ??= this.#clock.after(restoreMs, () => this.#take());
      return;
    }
    this.#take();
  }

  #take(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const run = this.#waiting.find(({ urgent }) => urgent) ?? this.#waiting[0];
    if (run === undefined) return;
    this.#waiting = this.#waiting.filter((other) => other !== run);
    this.#current = run;
    this.#begun = false;
    if (this.#bodies === 0) this.#begin(run, true);
    else if (this.#noisy) this.#begin(run, false);
    else {
      this.#timer = this.#clock.after(run.patienceMs, () => {
        this.#noisy = true;
        this.#begin(run, false);
      });
    }
  }

  #begin(run: LoneRun, alone: boolean): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#begun = true;
    run.begin(alone);
  }
}
