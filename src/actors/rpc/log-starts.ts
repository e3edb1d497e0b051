/**
 * Starts for shards that run on another worker, or not yet: the request goes through the log, and the flow's status is
 * the answer. It is sent again until that shows; start dedupe makes one flow of it.
 */
import { WeirError } from '../../errors/index.ts';
import type { StatusRecord } from '../../persistence/index.ts';
import type { Clock, Timer } from '../../ports/index.ts';
import { type Started, serviceKinds } from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import type { RoutedMessage } from '../shard/index.ts';
import type { RpcAnswer } from './protocol.ts';

/** A request is sent again after this time. */
const retryMs = 1_000;

export interface LogStart {
  readonly partition: number;
  readonly routingKey: string;
  readonly clientRequestId: string;
  /** The request in bytes. */
  readonly bytes: Uint8Array;
  /** What was asked for: a flow of the same key with another one is a conflict. */
  readonly flow: string;
  readonly inputHash: string;
  readonly replyTo: Ref<RpcAnswer<Started>>;
}

interface Waiting extends LogStart {
  timer: Timer | undefined;
  readonly end: number;
}

export interface LogStartsSetup {
  readonly clock: Clock;
  readonly withinMs: number;
  /** What is said of a start that nobody has answered in time. */
  readonly unanswered: (partition: number) => WeirError;
  readonly route: (partition: number, message: RoutedMessage) => void;
}

export class LogStarts {
  readonly #setup: LogStartsSetup;
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(setup: LogStartsSetup) {
    this.#setup = setup;
  }

  start(request: LogStart): void {
    const { clock, withinMs } = this.#setup;
    const waiting: Waiting = { ...request, timer: undefined, end: clock.now() + withinMs };
    const same = this.#waiting.get(request.routingKey) ?? new Set();
    same.add(waiting);
    this.#waiting.set(request.routingKey, same);
    this.#send(waiting);
  }

  /**
   * The status of a flow is known; `created` is false when it was before the request came. A flow that an earlier
   * request has started in this very moment looks like one's own.
   */
  seen(routingKey: string, flowId: string, status: () => StatusRecord | undefined, created = true): void {
    const waiting = this.#waiting.get(routingKey);
    const record = waiting === undefined ? undefined : status();
    if (waiting === undefined || record === undefined) return;
    this.#waiting.delete(routingKey);
    for (const { timer, replyTo, flow, inputHash, clientRequestId } of waiting) {
      timer?.cancel();
      if (record.flow === flow && record.inputHash === inputHash) {
        replyTo.tell({ type: 'ok', value: { flowId, created } });
      } else {
        replyTo.tell({ type: 'error', error: new WeirError('WEIR_FLOW_CONFLICT', { clientRequestId, flowId }) });
      }
    }
  }

  end(): void {
    for (const same of this.#waiting.values()) for (const { timer } of same) timer?.cancel();
    this.#waiting.clear();
  }

  #send(waiting: Waiting): void {
    const { clock, route, unanswered } = this.#setup;
    const { partition, routingKey, bytes, replyTo } = waiting;
    if (clock.now() >= waiting.end) {
      const same = this.#waiting.get(routingKey);
      same?.delete(waiting);
      if (same?.size === 0) this.#waiting.delete(routingKey);
      replyTo.tell({ type: 'error', error: unanswered(partition) });
      return;
    }
    route(partition, { type: 'service', kind: serviceKinds.start, bytes });
    waiting.timer = clock.after(retryMs, () => this.#send(waiting));
  }
}
