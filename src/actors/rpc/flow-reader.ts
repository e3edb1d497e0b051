/**
 * What clients are told of flows, from the index of their statuses. Owns by which name a flow is found, who may read it,
 * and whoever waits for its end.
 */
import { WeirError } from '../../errors/index.ts';
import type { StatusRecord } from '../../persistence/index.ts';
import { type Authority, type Authorize, type Clock, memberId, type Timer } from '../../ports/index.ts';
import { clientRoutingKey } from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import { flowFilter } from './flow-filter.ts';
import type { FlowIndex } from './flow-index.ts';
import { viewOf } from './flow-view.ts';
import { checkedLimit, cursorOf, placeOf } from './paging.ts';
import type { FlowName, FlowView, RpcAnswer, RpcRequest } from './protocol.ts';

export interface FlowReaderSetup {
  readonly index: FlowIndex;
  readonly clock: Clock;
  readonly authorize: Authorize;
}

interface Waiter {
  readonly replyTo: Ref<RpcAnswer<FlowView>>;
  readonly timer: Timer;
}

export class FlowReader {
  readonly #setup: FlowReaderSetup;
  readonly #index: FlowIndex;
  readonly #waiters = new Map<string, Set<Waiter>>();

  constructor(setup: FlowReaderSetup) {
    this.#setup = setup;
    this.#index = setup.index;
  }

  /** How many wait for the end of a flow. */
  get waiting(): number {
    let waiting = 0;
    for (const waiters of this.#waiters.values()) waiting += waiters.size;
    return waiting;
  }

  /** @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND` */
  find(name: FlowName): string {
    if ('flowId' in name) return name.flowId;
    const { member, clientRequestId } = name;
    const flowId = this.#index.byRoutingKey(clientRoutingKey(member, clientRequestId));
    if (flowId === undefined) throw new WeirError('WEIR_REQUEST_NOT_FOUND', { clientRequestId, member: member.name });
    return flowId;
  }

  /** @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_FORBIDDEN` */
  view(flowId: string, authority: Authority): FlowView {
    return viewOf(flowId, this.#readable(flowId, authority));
  }

  mayRead({ principal }: Authority, { memberName, memberGroup, flow }: StatusRecord): boolean {
    const member = memberId({ name: memberName, group: memberGroup });
    return this.#setup.authorize(principal, 'flow.read', { member, flow });
  }

  /** Answers with the flow as it stands, whoever asks: they were allowed to before. */
  tell(flowId: string, replyTo: Ref<RpcAnswer<FlowView>>): void {
    const record = this.#index.get(flowId);
    if (record !== undefined) replyTo.tell({ type: 'ok', value: viewOf(flowId, record) });
    else replyTo.tell({ type: 'error', error: new WeirError('WEIR_FLOW_NOT_FOUND', { flowId }) });
  }

  /** Answers once the flow has ended or is STUCK, or with the flow as it is when the time is over. */
  result({ name, waitMs, authority, replyTo }: Extract<RpcRequest, { type: 'result' }>): void {
    const flowId = this.find(name);
    const found = this.#readable(flowId, authority);
    if (waitMs <= 0 || settled(found)) return void replyTo.tell({ type: 'ok', value: viewOf(flowId, found) });
    const waiters = this.#waiters.get(flowId) ?? new Set<Waiter>();
    const waiter: Waiter = {
      replyTo,
      timer: this.#setup.clock.after(waitMs, () => {
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(flowId);
        this.tell(flowId, replyTo);
      }),
    };
    waiters.add(waiter);
    this.#waiters.set(flowId, waiters);
  }

  list({ query, authority, replyTo }: Extract<RpcRequest, { type: 'list' }>): void {
    const { member, status, flow, cursor } = query;
    const [limit, before] = [checkedLimit(query.limit), placeOf(cursor)];
    const fits = flowFilter({ member, flow }, (record) => this.mayRead(authority, record));
    const { flows, next } = this.#index.list({ status, matches: fits, limit, before });
    const page = flows.map(({ flowId, record }) => viewOf(flowId, record));
    replyTo.tell({ type: 'ok', value: { flows: page, ...cursorOf(next) } });
  }

  /** A flow has changed: whoever waits for its end is told when it has come. */
  changed(flowId: string, record: StatusRecord): void {
    if (!settled(record)) return;
    const waiters = this.#waiters.get(flowId);
    if (waiters === undefined) return;
    const view = viewOf(flowId, record);
    this.#waiters.delete(flowId);
    for (const { replyTo, timer } of waiters) {
      timer.cancel();
      replyTo.tell({ type: 'ok', value: view });
    }
  }

  end(): void {
    for (const waiters of this.#waiters.values()) for (const { timer } of waiters) timer.cancel();
  }

  #readable(flowId: string, authority: Authority): StatusRecord {
    const record = this.#index.get(flowId);
    if (record === undefined) throw new WeirError('WEIR_FLOW_NOT_FOUND', { flowId });
    if (!this.mayRead(authority, record)) {
      throw new WeirError('WEIR_FORBIDDEN', { principal: authority.principal.name, action: 'flow.read' });
    }
    return record;
  }
}

/** Nothing will change unless an operator acts. */
function settled({ status }: Pick<StatusRecord, 'status'>): boolean {
  return status !== 'RUNNING';
}
