/**
 * What a shard has told of a flow whose status this worker has not seen yet: on a log of several workers the status
 * comes a little behind the commit. The client is told once it is here, so that whoever was told "accepted", or that a
 * flow is killed, finds the flow as it was told (W8).
 */
import type { Clock, Timer } from '../../ports/index.ts';

interface Waiting {
  /** A status of this commit, or a later one, is what it waits for. */
  readonly commit: number;
  readonly timer: Timer;
  readonly settle: (seen: boolean) => void;
}

export interface UnseenStatusesSetup {
  readonly clock: Clock;
  /** After this time it is given up, in milliseconds. */
  readonly withinMs: number;
}

export class UnseenStatuses {
  readonly #setup: UnseenStatusesSetup;
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(setup: UnseenStatusesSetup) {
    this.#setup = setup;
  }

  /**
   * Calls `settle` once a status of the flow is seen that is not older than the commit, or never will be here.
   * @param flow its id, or its routing key; `seen` is told the same
   */
  wait(flow: string, commit: number, settle: (seen: boolean) => void): void {
    const { clock, withinMs } = this.#setup;
    const same = this.#waiting.get(flow) ?? new Set();
    const timer = clock.after(withinMs, () => {
      this.#leave(flow, waiting);
      settle(false);
    });
    const waiting: Waiting = { commit, timer, settle };
    same.add(waiting);
    this.#waiting.set(flow, same);
  }

  /** The status of a flow is here. */
  seen(flow: string, commit: number): void {
    for (const waiting of [...(this.#waiting.get(flow) ?? [])]) {
      if (waiting.commit > commit) continue;
      this.#leave(flow, waiting);
      waiting.settle(true);
    }
  }

  end(): void {
    const all = [...this.#waiting];
    for (const [flow, same] of all) {
      for (const waiting of [...same]) {
        this.#leave(flow, waiting);
        waiting.settle(false);
      }
    }
  }

  #leave(flow: string, waiting: Waiting): void {
    waiting.timer.cancel();
    const same = this.#waiting.get(flow);
    same?.delete(waiting);
    if (same?.size === 0) this.#waiting.delete(flow);
  }
}
