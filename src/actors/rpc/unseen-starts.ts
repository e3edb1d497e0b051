/**
 * Starts that a shard has accepted, whose status this worker has not seen yet: on a log of several workers the status
 * comes a little behind the commit. The client is told once it is here, so that whoever was told "accepted" finds the
 * flow where it was told (W8).
 */
import { WeirError } from '../../errors/index.ts';
import type { Clock, Timer } from '../../ports/index.ts';
import type { Started } from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import type { RpcAnswer } from './protocol.ts';

interface Waiting {
  readonly started: Started;
  readonly replyTo: Ref<RpcAnswer<Started>>;
  readonly timer: Timer;
}

export interface UnseenStartsSetup {
  readonly clock: Clock;
  /** After this time the client is told to ask again, in milliseconds. */
  readonly withinMs: number;
}

export class UnseenStarts {
  readonly #setup: UnseenStartsSetup;
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(setup: UnseenStartsSetup) {
    this.#setup = setup;
  }

  /** The client hears of it when the flow's status is seen. */
  wait(partition: number, started: Started, replyTo: Ref<RpcAnswer<Started>>): void {
    const { clock, withinMs } = this.#setup;
    const { flowId } = started;
    const same = this.#waiting.get(flowId) ?? new Set();
    const timer = clock.after(withinMs, () => {
      same.delete(waiting);
      if (same.size === 0) this.#waiting.delete(flowId);
      replyTo.tell({ type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition }) });
    });
    const waiting: Waiting = { started, replyTo, timer };
    same.add(waiting);
    this.#waiting.set(flowId, same);
  }

  /** The status of a flow is here. */
  seen(flowId: string): void {
    const waiting = this.#waiting.get(flowId);
    if (waiting === undefined) return;
    this.#waiting.delete(flowId);
    for (const { started, replyTo, timer } of waiting) {
      timer.cancel();
      replyTo.tell({ type: 'ok', value: started });
    }
  }

  end(): void {
    for (const same of this.#waiting.values()) for (const { timer } of same) timer.cancel();
    this.#waiting.clear();
  }
}
