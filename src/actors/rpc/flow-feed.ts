/**
 * Tells clients what becomes of flows. Owns what each page of a feed holds: nobody who follows it, or comes back within
 * the time that ended flows are kept, misses how a flow ended.
 *
 * The feed keeps nothing for a client but a request that waits: what a client has not seen stands in the index, in the
 * order of changes, and how far it has come is in its cursor (W7).
 */
import { WeirError } from '../../errors/index.ts';
import { type FlowStatus, isTerminal, type StatusRecord } from '../../persistence/index.ts';
import type { Authority, Clock, Timer } from '../../ports/index.ts';
import { FeedPlace } from './feed-place.ts';
import { type FeedPosition, positionOf } from './feed-position.ts';
import { flowFilter } from './flow-filter.ts';
import type { FlowIndex } from './flow-index.ts';
import type { IndexedFlow } from './indexed-flow.ts';
import type { FeedPage, FlowName, FlowView, RpcRequest } from './protocol.ts';
import { StatusReadings } from './status-readings.ts';

export interface FlowFeedSetup {
  readonly clock: Clock;
  readonly index: FlowIndex;
  readonly partitions: number;
  readonly retentionMs: number;
  /** @throws WeirError `WEIR_REQUEST_NOT_FOUND` */
  readonly find: (name: FlowName) => string;
  readonly mayRead: (authority: Authority, record: StatusRecord) => boolean;
}

type Request = Extract<RpcRequest, { type: 'changes' }>;

interface Waiting {
  readonly request: Request;
  place: FeedPlace;
  /** The one flow that it is about. */
  readonly flowId: string | undefined;
  readonly timer: Timer;
  /** Answers it with what there is. */
  readonly finish: () => void;
}

const maxFlows = 100;
const maxBytes = 256 * 1024;
/** Flows that are looked at for one page; where few of many fit, a page may hold none. */
const maxLooks = 5_000;
/** Requests that may wait at one time. */
const maxWaiting = 10_000;
/** A position may be older by this part of the time that ended flows are kept than it says: clocks of hosts differ. */
const marginOfRetention = 0.1;
const longestMarginMs = 60_000;

export class FlowFeed {
  readonly #setup: FlowFeedSetup;
  readonly #marginMs: number;
  readonly #waiting = new Set<Waiting>();
  /** Those that are about many flows, and that nothing has woken yet. */
  readonly #asleep = new Set<Waiting>();
  readonly #byFlow = new Map<string, Set<Waiting>>();
  readonly #woken = new Set<Waiting>();
  readonly #readings: StatusReadings;

  constructor(setup: FlowFeedSetup) {
    this.#setup = setup;
    this.#readings = new StatusReadings(setup.index);
    this.#marginMs = Math.min(longestMarginMs, setup.retentionMs * marginOfRetention);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Answers a request, now or when there is something to tell.
   * @throws WeirError `WEIR_REQUEST_INVALID`, `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FORBIDDEN`,
   *   `WEIR_WAITING_FULL`
   */
  changes(request: Request): void {
    const start = this.#placeOf(request);
    const { page, place, flowId } = this.#look(request, start);
    const { since, waitMs, signal, replyTo } = request;
    // Who begins, or comes back, is told at once that there is nothing new.
    const waits = since === start && waitMs > 0 && signal?.aborted !== true;
    if (hasNews(page) || !waits) replyTo.tell({ type: 'ok', value: page });
    else this.#wait(request, place, flowId);
  }

  /** A flow has changed, or is forgotten. */
  changed(flowId: string): void {
    if (this.#waiting.size === 0) return;
    const idle = this.#woken.size === 0;
    for (const waiting of this.#asleep) this.#woken.add(waiting);
    this.#asleep.clear();
    for (const waiting of this.#byFlow.get(flowId) ?? []) this.#woken.add(waiting);
    // The other flows of this commit follow at once: one look finds them all.
    if (idle && this.#woken.size > 0) this.#setup.clock.soon(() => this.#wake());
  }

  /** Whoever waits is told to ask again: the next incarnation knows how far they are. */
  end(): void {
    if (this.#waiting.size === 0) return;
    const error = new WeirError('WEIR_NODE_NOT_READY', { waitsOn: 'rpc is stopping' });
    for (const waiting of [...this.#waiting]) {
      this.#leave(waiting);
      waiting.request.replyTo.tell({ type: 'error', error });
    }
  }

  // --- waiting

  #wait(request: Request, place: FeedPlace, flowId: string | undefined): void {
    if (this.#waiting.size >= maxWaiting) throw new WeirError('WEIR_WAITING_FULL', { waiting: this.#waiting.size });
    const finish = (): void => this.#tell(waiting, true);
    const timer = this.#setup.clock.after(request.waitMs, finish);
    const waiting: Waiting = { request, place, flowId, timer, finish };
    this.#waiting.add(waiting);
    request.signal?.addEventListener('abort', finish, { once: true });
    if (flowId === undefined) {
      this.#asleep.add(waiting);
      return;
    }
    const same = this.#byFlow.get(flowId) ?? new Set();
    same.add(waiting);
    this.#byFlow.set(flowId, same);
  }

  #wake(): void {
    const woken = [...this.#woken];
    this.#woken.clear();
    for (const waiting of woken) this.#tell(waiting, false);
  }

  /** @param always also when there is nothing new */
  #tell(waiting: Waiting, always: boolean): void {
    if (!this.#waiting.has(waiting)) return;
    const { replyTo } = waiting.request;
    try {
      const { page, place } = this.#look(waiting.request, waiting.place);
      if (!always && !hasNews(page)) {
        waiting.place = place;
        if (waiting.flowId === undefined) this.#asleep.add(waiting);
        return;
      }
      this.#leave(waiting);
      replyTo.tell({ type: 'ok', value: page });
    } catch (thrown) {
      // Whoever asked may no longer read it, or it is forgotten: they are told, and nobody else is concerned.
      this.#leave(waiting);
      const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, thrown);
      replyTo.tell({ type: 'error', error });
    }
  }

  #leave(waiting: Waiting): void {
    const { flowId, timer, request, finish } = waiting;
    timer.cancel();
    request.signal?.removeEventListener('abort', finish);
    this.#waiting.delete(waiting);
    this.#asleep.delete(waiting);
    this.#woken.delete(waiting);
    const same = flowId === undefined ? undefined : this.#byFlow.get(flowId);
    same?.delete(waiting);
    if (flowId !== undefined && same?.size === 0) this.#byFlow.delete(flowId);
  }

  // --- pages

  #placeOf({ since, query }: Request): FeedPlace {
    const { index, partitions, clock } = this.#setup;
    if (since instanceof FeedPlace && since.parts.index === index) return since;
    const text = typeof since === 'string' ? since : since?.position;
    if (text === undefined) return FeedPlace.before(index, partitions, clock.now());
    if (text !== 'now') return FeedPlace.before(index, partitions, clock.now(), positionOf(text));
    // Of one flow everybody wants to know first how it stands.
    if (query.name !== undefined) return FeedPlace.before(index, partitions, clock.now());
    return FeedPlace.behind(index, partitions, clock.now());
  }

  #look(request: Request, place: FeedPlace): Looked {
    const { name } = request.query;
    return name === undefined
      ? this.#lookAtMany(request, place)
      : this.#lookAtOne(request, this.#setup.find(name), place);
  }

  #lookAtOne({ authority }: Request, flowId: string, place: FeedPlace): Looked {
    const { index, mayRead, clock } = this.#setup;
    const flow = index.find(flowId);
    if (flow === undefined) {
      const { since } = place.parts;
      // This worker may hear of it later than the one that gave the position.
      if (since !== undefined && !this.#isTooOld(since)) return looked(place, [], { current: true, flowId });
      throw new WeirError('WEIR_FLOW_NOT_FOUND', { flowId });
    }
    const { record, view } = this.#readings.of(flow);
    if (!mayRead(authority, record)) {
      throw new WeirError('WEIR_FORBIDDEN', { principal: authority.principal.name, action: 'flow.read' });
    }
    const ended = isTerminal(record.status);
    const isNew = flow.changed > place.parts.number && (ended || !place.wasTold(flow));
    const next = place.with({
      number: flow.changed,
      at: clock.now(),
      commits: new Map([[index.partitionOf(flowId), flow.commit]]),
    });
    return looked(next, isNew ? [view()] : [], { current: true, ended, flowId });
  }

  #lookAtMany({ query, authority }: Request, from: FeedPlace): Looked {
    const { index, partitions, clock, mayRead } = this.#setup;
    const now = clock.now();
    const reset = this.#whyAnew(from);
    const place = reset === undefined ? from : FeedPlace.before(index, partitions, now);
    const fits = flowFilter(query, (record) => mayRead(authority, record));
    const commits = new Map(place.parts.commits);
    const flows: FlowView[] = [];
    let { number } = place.parts;
    let looks = 0;
    let bytes = 0;
    for (const flow of index.changedAfter(number)) {
      if (looks++ === maxLooks || flows.length === maxFlows || bytes > maxBytes) {
        return looked(place.with({ number, commits }), flows, { reset });
      }
      number = flow.changed;
      const partition = index.partitionOf(flow.flowId);
      commits.set(partition, Math.max(commits.get(partition) ?? 0, flow.commit));
      if (place.wasTold(flow)) continue;
      const { record, view } = this.#readings.of(flow);
      if (!fits(record) || !hasStatus(query.status, flow, record, place)) continue;
      flows.push(view());
      bytes += flow.size;
    }
    const behind = FeedPlace.behind(index, partitions, now);
    return looked(behind, flows, { reset, current: true });
  }

  /** Why whoever stands here has missed something for good, and has to begin anew. */
  #whyAnew({ parts: { index, partitions, number, until, since } }: FeedPlace): string | undefined {
    if (since !== undefined && since.partitions !== partitions) return 'the position is not of this node';
    if (since !== undefined && number < until && this.#isTooOld(since)) {
      return 'the position is older than ended flows are kept';
    }
    return index.lastRemoved > Math.max(number, until) ? 'flows have ended and were forgotten meanwhile' : undefined;
  }

  #isTooOld({ at }: FeedPosition): boolean {
    const { clock, retentionMs } = this.#setup;
    return clock.now() - at >= retentionMs - this.#marginMs;
  }
}

interface Looked {
  readonly page: FeedPage;
  readonly place: FeedPlace;
  readonly flowId: string | undefined;
}

function looked(
  place: FeedPlace,
  flows: readonly FlowView[],
  told: {
    readonly reset?: string | undefined;
    readonly current?: true;
    readonly ended?: boolean;
    readonly flowId?: string;
  },
): Looked {
  const { reset, current = false, ended = false, flowId } = told;
  const page = { flows, cursor: place, current, ended, ...(reset === undefined ? {} : { reset }) };
  return { page, place, flowId };
}

function hasNews({ flows, reset, ended, current }: FeedPage): boolean {
  return flows.length > 0 || reset !== undefined || ended || !current;
}

/**
 * Whoever follows the flows of one status is told of those that leave it, too. Of a flow that has changed before the feed
 * was resumed nobody knows whether it was one of them; so it is told.
 */
function hasStatus(
  wanted: FlowStatus | undefined,
  flow: IndexedFlow,
  { status }: StatusRecord,
  place: FeedPlace,
): boolean {
  if (wanted === undefined || status === wanted) return true;
  return place.isOld(flow) ? place.parts.since !== undefined : flow.was(wanted);
}
