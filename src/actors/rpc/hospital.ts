/**
 * The hospital over all shards of the node: who is in it, and one act on many of them. Who is there says the index of
 * statuses; whether an act takes effect decides each flow's shard, which audits it like any other.
 */
import { ensureError, WeirError } from '../../errors/index.ts';
import type { StatusRecord } from '../../persistence/index.ts';
import type { Authority } from '../../ports/index.ts';
import { type Acted, type Answer, type FlowDescription, type FlowRequest, routingKeyOf } from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import { flowFilter } from './flow-filter.ts';
import type { FlowIndex, Listed } from './flow-index.ts';
import { viewOf } from './flow-view.ts';
import type {
  HospitalCase,
  HospitalFilter,
  HospitalPage,
  HospitalRequest,
  Treated,
  Treatment,
} from './hospital-messages.ts';
import type { Question } from './log-asks.ts';
import { checkedLimit, cursorOf, maxLimit, placeOf } from './paging.ts';
import type { ShardAsker } from './shard-asker.ts';

export interface HospitalSetup {
  readonly index: FlowIndex;
  readonly shards: ShardAsker;
  readonly mayRead: (authority: Authority, record: StatusRecord) => boolean;
}

/** Flows that are asked or acted on at one time. */
const atOnce = 32;
/** How long a shard may take to describe one of its flows: the list is of use without that. */
const describeMs = 5_000;
/** Requests that go on at one time. */
const maxRequests = 4;

type Refusal = Treated['refused'][number];

export class Hospital {
  readonly #setup: HospitalSetup;
  #requests = 0;

  constructor(setup: HospitalSetup) {
    this.#setup = setup;
  }

  /** @throws WeirError `WEIR_HOSPITAL_BUSY` */
  handle(request: HospitalRequest): void {
    if (this.#requests >= maxRequests) throw new WeirError('WEIR_HOSPITAL_BUSY', { requests: this.#requests });
    this.#requests++;
    this.#answer(request)
      .catch((thrown: unknown) => {
        const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, ensureError(thrown));
        request.replyTo.tell({ type: 'error', error });
      })
      .finally(() => {
        this.#requests--;
      });
  }

  async #answer(request: HospitalRequest): Promise<void> {
    if (request.type === 'hospital') request.replyTo.tell({ type: 'ok', value: await this.#page(request) });
    else request.replyTo.tell({ type: 'ok', value: await this.#treat(request) });
  }

  async #page(request: Extract<HospitalRequest, { type: 'hospital' }>): Promise<HospitalPage> {
    const { filter, authority, limit, cursor } = request;
    const { flows, next } = this.#setup.index.list({
      status: 'STUCK',
      matches: this.#admits(filter, authority),
      limit: checkedLimit(limit),
      before: placeOf(cursor),
    });
    const silent = new Set<number>();
    return { cases: await inBatches(flows, (flow) => this.#case(flow, silent)), ...cursorOf(next) };
  }

  async #case({ flowId, record }: Listed, silent: Set<number>): Promise<HospitalCase> {
    const question = (replyTo: Ref<Answer<FlowDescription>>): FlowRequest => ({ type: 'describe', flowId, replyTo });
    const answer = await this.#ask(flowId, question, silent, describeMs);
    const view = viewOf(flowId, record);
    return answer.type === 'ok' && answer.value.status === 'STUCK' ? { view, description: answer.value } : { view };
  }

  async #treat(request: Extract<HospitalRequest, { type: 'treat' }>): Promise<Treated> {
    const { filter, flowIds, treatment, limit = maxLimit, cursor, dryRun, authority } = request;
    const admits = this.#admits(filter, authority);
    const refused: Refusal[] = [];
    const chosen: string[] = [];
    let next: number | undefined;
    if (flowIds === undefined) {
      const found = this.#setup.index.list({
        status: 'STUCK',
        matches: admits,
        limit: checkedLimit(limit),
        before: placeOf(cursor),
      });
      chosen.push(...found.flows.map(({ flowId }) => flowId));
      next = found.next;
    } else {
      checkedLimit(flowIds.length);
      for (const flowId of new Set(flowIds)) {
        const record = this.#setup.index.get(flowId);
        const error = this.#unfit(flowId, record, authority);
        if (error !== undefined) refused.push(refusal(flowId, error));
        else if (record !== undefined && admits(record)) chosen.push(flowId);
      }
    }
    const silent = new Set<number>();
    const act = (flowId: string) => this.#act(flowId, treatment, authority, silent);
    const outcomes = dryRun ? [] : await inBatches(chosen, act);
    for (const [index, error] of outcomes.entries()) {
      if (error !== undefined) refused.push(refusal(chosen[index] ?? '', error));
    }
    const done = outcomes.filter((error) => error === undefined).length;
    return { flowIds: chosen, done, refused, ...cursorOf(next) };
  }

  /** Acts on one flow; answers why not. */
  async #act(
    flowId: string,
    treatment: Treatment,
    authority: Authority,
    silent: Set<number>,
  ): Promise<WeirError | undefined> {
    const question = (replyTo: Ref<Answer<Acted>>): FlowRequest =>
      treatment.type === 'kill'
        ? { type: 'kill', flowId, authority, stuckOnly: true, replyTo }
        : { type: 'retry', flowId, correction: treatment, authority, replyTo };
    const answer = await this.#ask(flowId, question, silent);
    return answer.type === 'error' ? answer.error : undefined;
  }

  /** Asks the shard of a flow, unless it was silent to this very request: one that is down must not hold all of it up. */
  async #ask<T>(flowId: string, question: Question<T>, silent: Set<number>, withinMs?: number): Promise<Answer<T>> {
    const { shards } = this.#setup;
    const key = routingKeyOf(flowId);
    const partition = shards.partitionOf(key);
    if (silent.has(partition)) {
      return { type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition }) };
    }
    const answer = await shards.askFor(key, question, withinMs);
    if (answer.type === 'error' && answer.error.code === 'WEIR_ASK_TIMEOUT') silent.add(partition);
    return answer;
  }

  #admits({ stage, code, ...query }: HospitalFilter, authority: Authority): (record: StatusRecord) => boolean {
    const fits = flowFilter(query, (record) => this.#setup.mayRead(authority, record));
    return (record) =>
      record.status === 'STUCK' &&
      (stage === undefined || record.stage === stage) &&
      (code === undefined || record.fault?.code === code) &&
      fits(record);
  }

  /** Why a flow that was named is none that could be acted on. */
  #unfit(flowId: string, record: StatusRecord | undefined, authority: Authority): WeirError | undefined {
    if (record === undefined) return new WeirError('WEIR_FLOW_NOT_FOUND', { flowId });
    if (!this.#setup.mayRead(authority, record)) {
      return new WeirError('WEIR_FORBIDDEN', { principal: authority.principal.name, action: 'flow.read' });
    }
    if (record.status === 'STUCK') return undefined;
    return new WeirError('WEIR_FLOW_NOT_STUCK', { flowId, status: record.status });
  }
}

function refusal(flowId: string, { code, message }: WeirError): Refusal {
  return { flowId, code, message };
}

/** Does the same for each, some at a time; the outcomes stand in the order of the items. */
async function inBatches<Item, Outcome>(
  items: readonly Item[],
  run: (item: Item) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let start = 0; start < items.length; start += atOnce) {
    outcomes.push(...(await Promise.all(items.slice(start, start + atOnce).map(run))));
  }
  return outcomes;
}
