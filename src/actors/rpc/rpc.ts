/**
 * The RPC service: starts flows and tells clients what became of them.
 * It holds no truth: flows are started by their shards, and what is told is the topic `flow.status`.
 */
import { WeirError } from '../../errors/index.ts';
import { type ChainPoint, encodeValue, isTerminal, type StatusRecord, statusRecord } from '../../persistence/index.ts';
import {
  type Action,
  type Authority,
  type Authorize,
  type Identity,
  type MemberDirectory,
  memberId,
  type Random,
  type Timer,
} from '../../ports/index.ts';
import type { Log, Table } from '../../transport/log/index.ts';
import {
  type Acted,
  type ActorReply,
  type Answer,
  actorAddress,
  bodyHash,
  type CheckpointPart,
  clientRoutingKey,
  encodeStart,
  type FlowDescription,
  type FlowRequest,
  flowTopics,
  routingKeyOf,
  type Signalled,
  type Started,
} from '../flow/protocol.ts';
import type { ActorContext, Behavior, Ref } from '../kernel/index.ts';
import type { RoutedMessage, Router } from '../shard/index.ts';
import { AuditDesk } from './audit/audit-desk.ts';
import type { Chain } from './audit/chain-reader.ts';
import { FlowFeed } from './flow-feed.ts';
import { flowFilter } from './flow-filter.ts';
import { FlowIndex } from './flow-index.ts';
import { decodeReply, viewOf } from './flow-view.ts';
import { Hospital } from './hospital.ts';
import { LogAsks } from './log-asks.ts';
import { LogStarts } from './log-starts.ts';
import { checkedLimit, cursorOf, placeOf } from './paging.ts';
import type { ActorAnswer, FlowName, FlowView, RpcAnswer, RpcMessage, RpcRequest } from './protocol.ts';
import { ShardAsker } from './shard-asker.ts';
import type { Unanswered } from './unanswered.ts';
import { UnseenStatuses } from './unseen-statuses.ts';

/** What the service has to know of flows' definitions. */
export interface FlowCatalogue {
  /**
   * The canonical bytes of an input that fits, and the version of the flow whose schema has said so.
   * @throws WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_FLOW_UNKNOWN`, `WEIR_FLOW_RESPONDS`, `WEIR_FLOW_INPUT_INVALID`
   */
  parseInput(member: Identity, flow: string, input: unknown): { readonly bytes: Uint8Array; readonly version: number };
  /**
   * The canonical bytes of the body of a signal that fits.
   * @throws WeirError `WEIR_FLOW_UNKNOWN`, `WEIR_SIGNAL_UNKNOWN`, `WEIR_SIGNAL_INVALID`
   */
  parseSignal(member: Identity, flow: string, signal: string, body: unknown): Uint8Array;
  /** @throws WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_ACTOR_UNKNOWN`, `WEIR_MESSAGE_INVALID` */
  checkMessage(member: Identity, actor: string, message: string, body: unknown): void;
}

export interface RpcSetup {
  readonly log: Log;
  readonly random: Random;
  readonly partitions: number;
  readonly router: Router<FlowRequest>;
  readonly catalogue: FlowCatalogue;
  readonly directory: MemberDirectory;
  readonly authorize: Authorize;
  /** How long ended flows are kept, in milliseconds: a feed that comes back later begins anew. */
  readonly retentionMs: number;
  /** What former incarnations have left unanswered. */
  readonly unanswered: Unanswered;
}

interface Waiter {
  readonly replyTo: Ref<RpcAnswer<FlowView>>;
  readonly timer: Timer;
}

/** How long a shard may take to answer before the client is told to try again; a start that comes later starts nothing. */
export const shardAnswerMs = 30_000;
const noBytes = new Uint8Array();

/** @param expose told how to read the facts of each incarnation */
export function rpcBehavior(
  setup: RpcSetup,
  expose: (inspect: () => Readonly<Record<string, unknown>>) => void = () => undefined,
): Behavior<RpcMessage> {
  return async (context) => {
    const table = await setup.log.table(flowTopics.status);
    const rpc = new Rpc(setup, context, table);
    // Also when its turn hangs and is given up: nobody would close its table before that turn settles.
    context.signal.addEventListener('abort', () => rpc.end(), { once: true });
    expose(() => rpc.facts());
    for (const request of setup.unanswered.take(context.clock.monotonic())) rpc.handle(request);
    return { message: (message) => rpc.handle(message), ended: () => rpc.end() };
  };
}

class Rpc {
  readonly #setup: RpcSetup;
  readonly #context: ActorContext<RpcMessage>;
  readonly #table: Table;
  readonly #index: FlowIndex;
  readonly #feed: FlowFeed;
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #shards: ShardAsker;
  readonly #logAsks: LogAsks;
  readonly #audit: AuditDesk;
  readonly #hospital: Hospital;
  readonly #logStarts: LogStarts;
  readonly #unseen: UnseenStatuses;
  #over = false;
  /** Flows that ended while this incarnation looked on. */
  readonly #ended = { COMPLETED: 0, FAILED: 0, KILLED: 0 };

  constructor(setup: RpcSetup, context: ActorContext<RpcMessage>, table: Table) {
    this.#setup = setup;
    this.#context = context;
    this.#table = table;
    const { log, random, partitions, router, authorize } = setup;
    const { clock } = context;
    const route = (partition: number, message: RoutedMessage): void => router.route(partition, message);
    const elsewhere = new LogAsks({ log, clock, random, logger: context.log, route });
    const shards = new ShardAsker({ context, router, partitions, withinMs: shardAnswerMs, elsewhere });
    this.#shards = shards;
    this.#logAsks = elsewhere;
    this.#audit = new AuditDesk({ log, partitions, authorize, headOf: (chain) => headOf(shards, chain) });
    this.#logStarts = new LogStarts({ clock, withinMs: shardAnswerMs, route });
    this.#unseen = new UnseenStatuses({ clock, withinMs: shardAnswerMs });
    this.#index = new FlowIndex(setup.partitions);
    const mayRead = (authority: Authority, record: StatusRecord): boolean =>
      this.#allowed(authority, 'flow.read', record);
    this.#hospital = new Hospital({ index: this.#index, shards, mayRead });
    this.#feed = new FlowFeed({
      ...{ clock, index: this.#index, partitions: setup.partitions, retentionMs: setup.retentionMs },
      find: (name) => this.#find(name),
      mayRead,
    });
    // Held once, in the form of the index.
    this.#index.load(table.handOver());
    // Applied at once, not by mailbox: a client that was just told "accepted" finds its flow.
    table.onChange((flowId, value) => this.#changed(flowId, value));
  }

  handle(given: RpcMessage): void {
    const message = this.#setup.unanswered.noted(given, this.#context.clock.monotonic());
    try {
      this.#handle(message);
    } catch (thrown) {
      if (!('replyTo' in message)) throw thrown;
      // The service holds no truth that a failed request could have harmed; whoever asked is told at once, and logs it.
      const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, thrown);
      message.replyTo.tell({ type: 'error', error });
    }
  }

  facts(): Readonly<Record<string, unknown>> {
    let waiting = 0;
    for (const waiters of this.#waiters.values()) waiting += waiters.size;
    const { COMPLETED: completed, FAILED: failed, KILLED: killed } = this.#ended;
    const asked = this.#logAsks.waiting;
    return { known: this.#index.size, waiting, watching: this.#feed.waiting, asked, completed, failed, killed };
  }

  end(): void {
    this.#over = true;
    this.#table.close();
    this.#logStarts.end();
    this.#logAsks.end();
    this.#unseen.end();
    this.#feed.end();
    for (const waiters of this.#waiters.values()) for (const { timer } of waiters) timer.cancel();
  }

  #handle(message: RpcMessage): void {
    switch (message.type) {
      case 'start':
        this.#start(message);
        return;
      case 'get': {
        const flowId = this.#find(message.name);
        message.replyTo.tell(ok(this.#readable(flowId, message.authority)));
        return;
      }
      case 'result':
        this.#result(message);
        return;
      case 'list':
        this.#list(message);
        return;
      case 'retry':
      case 'kill':
      case 'cancel':
        this.#operate(message);
        return;
      case 'signal':
        this.#signal(message);
        return;
      case 'query':
        this.#query(message);
        return;
      case 'describe':
        this.#read<FlowDescription>(message, (flowId, replyTo) => ({ type: 'describe', flowId, replyTo }));
        return;
      case 'checkpoint':
        this.#read<readonly CheckpointPart[]>(message, (flowId, replyTo) => ({ type: 'checkpoint', flowId, replyTo }));
        return;
      case 'note': {
        const { note, authority, replyTo } = message;
        const noted = this.#shards.askAny((to: Ref<Answer<null>>) => ({ type: 'note', note, authority, replyTo: to }));
        void noted.then((answer) => replyTo.tell(answer));
        return;
      }
      case 'changes':
        this.#feed.changes(message);
        return;
      case 'askActor':
        this.#askActor(message);
        return;
      case 'audit':
      case 'auditChains':
      case 'auditChain':
        this.#audit.handle(message);
        return;
      case 'hospital':
      case 'treat':
        this.#hospital.handle(message);
        return;
      case 'changed':
        this.#changed(message.flowId, message.value);
    }
  }

  #start({
    member,
    flow,
    clientRequestId,
    input,
    authority,
    trace,
    replyTo,
  }: Extract<RpcRequest, { type: 'start' }>): void {
    checkRequestId(clientRequestId);
    // While commits wait, "accepted" could not be said in time: better the cause at once.
    const { state, error: stalled } = this.#setup.log.health();
    if (state === 'stalled' && WeirError.is(stalled)) throw stalled;
    const { bytes, version } = this.#setup.catalogue.parseInput(member, flow, input);
    const key = clientRoutingKey(member, clientRequestId);
    const partition = this.#shards.partitionOf(key);
    const request = { member, flow, clientRequestId, input: bytes, version, authority, trace };
    const throughLog = (): void => {
      const known = this.#index.byRoutingKey(key);
      this.#logStarts.start({
        partition,
        routingKey: key,
        clientRequestId,
        bytes: encodeStart({ ...request, expires: this.#context.clock.now() + shardAnswerMs }),
        flow,
        inputHash: bodyHash(bytes),
        replyTo,
      });
      if (known !== undefined) this.#logStarts.seen(key, known, () => this.#index.get(known), false);
    };
    if (!this.#shards.runsHere(partition)) return void throughLog();
    const asked = this.#shards.askHere(partition, (reply: Ref<Answer<Started>>) => ({
      type: 'start',
      ...request,
      replyTo: reply,
    }));
    void asked.then((answer) => {
      // The next incarnation asks again.
      if (this.#over) return;
      // The shard is on its way to another worker, and has not looked at it.
      if (answer.type === 'error' && answer.error.code === 'WEIR_SHARD_UNAVAILABLE') return void throughLog();
      const seen = answer.type === 'error' || this.#index.has(answer.value.flowId);
      if (seen) return void replyTo.tell(answer);
      const late = { type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition }) } as const;
      this.#unseen.wait(answer.value.flowId, 0, (now) => {
        if (!this.#over) replyTo.tell(now ? answer : late);
      });
    });
  }

  #result({ name, waitMs, authority, replyTo }: Extract<RpcRequest, { type: 'result' }>): void {
    const flowId = this.#find(name);
    const found = this.#readableRecord(flowId, authority);
    if (waitMs <= 0 || settled(found)) return void replyTo.tell(ok(viewOf(flowId, found)));
    const waiters = this.#waiters.get(flowId) ?? new Set<Waiter>();
    const waiter: Waiter = {
      replyTo,
      timer: this.#context.clock.after(waitMs, () => {
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(flowId);
        const record = this.#index.get(flowId);
        replyTo.tell(record === undefined ? notFound(flowId) : ok(viewOf(flowId, record)));
      }),
    };
    waiters.add(waiter);
    this.#waiters.set(flowId, waiters);
  }

  #list({ query, authority, replyTo }: Extract<RpcRequest, { type: 'list' }>): void {
    const { member, status, flow, cursor } = query;
    const [limit, before] = [checkedLimit(query.limit), placeOf(cursor)];
    const fits = flowFilter({ member, flow }, (record) => this.#allowed(authority, 'flow.read', record));
    const { flows, next } = this.#index.list({ status, matches: fits, limit, before });
    const page = flows.map(({ flowId, record }) => viewOf(flowId, record));
    replyTo.tell(ok({ flows: page, ...cursorOf(next) }));
  }

  #operate(request: Extract<RpcRequest, { type: 'retry' | 'kill' | 'cancel' }>): void {
    const { type, name, authority, replyTo } = request;
    const flowId = this.#find(name);
    const view = this.#readable(flowId, authority);
    if (isTerminal(view.status)) throw new WeirError('WEIR_FLOW_FINISHED', { flowId, status: view.status });
    const asked = this.#shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<Acted>>) =>
      type !== 'retry'
        ? { type, flowId, authority, replyTo: reply }
        : { type, flowId, correction: request.correction, authority, replyTo: reply },
    );
    void asked.then((answer) => {
      if (answer.type === 'error') return void replyTo.tell(answer);
      const { commit } = answer.value;
      const tell = (): void => {
        const record = this.#index.get(flowId);
        replyTo.tell(record === undefined ? notFound(flowId) : ok(viewOf(flowId, record)));
      };
      const seen = this.#over || (this.#index.find(flowId)?.commit ?? 0) >= commit;
      if (seen) tell();
      else this.#unseen.wait(flowId, commit, tell);
    });
  }

  #signal({ name, signal, signalId, body, authority, replyTo }: Extract<RpcRequest, { type: 'signal' }>): void {
    checkRequestId(signalId);
    const flowId = this.#find(name);
    const { member, flow, status } = this.#readable(flowId, authority);
    const bytes = this.#setup.catalogue.parseSignal(member, flow, signal, body);
    if (isTerminal(status)) throw new WeirError('WEIR_FLOW_FINISHED', { flowId, status });
    const asked = this.#shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<Signalled>>) => ({
      type: 'signal',
      ...{ flowId, signal, signalId, body: bytes, authority },
      replyTo: reply,
    }));
    void asked.then((answer) => replyTo.tell(answer));
  }

  /** What the shard of a flow says of it. */
  #read<T>(
    { name, authority, replyTo }: { name: FlowName; authority: Authority; replyTo: Ref<Answer<T>> },
    question: (flowId: string, replyTo: Ref<Answer<T>>) => FlowRequest,
  ): void {
    const flowId = this.#find(name);
    this.#readable(flowId, authority);
    const asked = this.#shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<T>>) => question(flowId, reply));
    void asked.then((answer) => replyTo.tell(answer));
  }

  #query({ name, query, input, authority, replyTo }: Extract<RpcRequest, { type: 'query' }>): void {
    const flowId = this.#find(name);
    const { status } = this.#readable(flowId, authority);
    if (isTerminal(status)) throw new WeirError('WEIR_FLOW_FINISHED', { flowId, status });
    const bytes = input === undefined ? noBytes : encodeValue(input, `the input of query ${query}`);
    const asked = this.#shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<Uint8Array>>) => ({
      type: 'query',
      ...{ flowId, query, input: bytes },
      replyTo: reply,
    }));
    void asked.then((answer) =>
      replyTo.tell(answer.type === 'error' ? answer : ok({ value: decodeReply(answer.value) })),
    );
  }

  #askActor(request: Extract<RpcRequest, { type: 'askActor' }>): void {
    const { member, actor, key, message, body, authority, replyTo } = request;
    const { principal } = authority;
    if (!this.#setup.authorize(principal, 'actor.ask', { member: memberId(member) })) {
      throw new WeirError('WEIR_FORBIDDEN', { principal: principal.name, action: 'actor.ask' });
    }
    this.#setup.catalogue.checkMessage(member, actor, message, body);
    const bytes = encodeValue(body, `message "${message}" to actor ${actor}`);
    const asked = this.#shards.askFor(actorAddress(member, actor, key), (reply: Ref<Answer<ActorReply>>) => ({
      type: 'ask',
      ...{ member, actor, key, message, body: bytes },
      replyTo: reply,
    }));
    void asked.then((answer) => replyTo.tell(answer.type === 'error' ? answer : ok(replyOf(answer.value))));
  }

  // --- the index

  #changed(flowId: string, value: Uint8Array | undefined): void {
    if (value === undefined) {
      this.#index.remove(flowId);
      this.#feed.changed(flowId);
      return;
    }
    const record = statusRecord.decode(value);
    if (!this.#index.put(flowId, value, record)) return;
    this.#feed.changed(flowId);
    this.#logStarts.seen(routingKeyOf(flowId), flowId, () => this.#index.get(flowId));
    this.#unseen.seen(flowId, record.commit);
    const { status } = record;
    if (status === 'RUNNING') return;
    if (status !== 'STUCK') this.#ended[status]++;
    const waiters = this.#waiters.get(flowId);
    if (waiters === undefined) return;
    const view = viewOf(flowId, record);
    this.#waiters.delete(flowId);
    for (const { replyTo, timer } of waiters) {
      timer.cancel();
      replyTo.tell(ok(view));
    }
  }

  /** @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND` */
  #find(name: FlowName): string {
    if ('flowId' in name) return name.flowId;
    const { member, clientRequestId } = name;
    const flowId = this.#index.byRoutingKey(clientRoutingKey(member, clientRequestId));
    if (flowId === undefined) throw new WeirError('WEIR_REQUEST_NOT_FOUND', { clientRequestId, member: member.name });
    return flowId;
  }

  #readable(flowId: string, authority: Authority): FlowView {
    return viewOf(flowId, this.#readableRecord(flowId, authority));
  }

  #readableRecord(flowId: string, authority: Authority): StatusRecord {
    const record = this.#index.get(flowId);
    if (record === undefined) throw new WeirError('WEIR_FLOW_NOT_FOUND', { flowId });
    if (!this.#allowed(authority, 'flow.read', record)) {
      throw new WeirError('WEIR_FORBIDDEN', { principal: authority.principal.name, action: 'flow.read' });
    }
    return record;
  }

  #allowed({ principal }: Authority, action: Action, { memberName, memberGroup, flow }: StatusRecord): boolean {
    return this.#setup.authorize(principal, action, {
      member: memberId({ name: memberName, group: memberGroup }),
      flow,
    });
  }
}

function ok<T>(value: T): RpcAnswer<T> {
  return { type: 'ok', value };
}

/** The newest entry of a chain, when its shard runs here and answers. */
async function headOf(shards: ShardAsker, { chain, partition }: Chain): Promise<ChainPoint | undefined> {
  const question = (replyTo: Ref<Answer<ChainPoint | undefined>>): FlowRequest => ({
    type: 'auditHead',
    chain,
    replyTo,
  });
  const answer = await shards.askHere(partition, question);
  return answer.type === 'ok' ? answer.value : undefined;
}

function notFound(flowId: string): RpcAnswer<never> {
  return { type: 'error', error: new WeirError('WEIR_FLOW_NOT_FOUND', { flowId }) };
}

/** Nothing will change unless an operator acts. */
function settled({ status }: Pick<StatusRecord, 'status'>): boolean {
  return status !== 'RUNNING';
}

function replyOf(reply: ActorReply): ActorAnswer {
  if (reply.type === 'reply') return { type: 'reply', value: decodeReply(reply.body) };
  const { code, message, details } = reply.fault;
  return { type: 'refused', code, message, details: decodeReply(details) };
}

function checkRequestId(id: string): void {
  let why: string | undefined;
  if (id.length === 0) why = 'it is empty';
  else if (id.length > 200) why = `it has ${id.length} characters`;
  else if (/\p{Cc}/u.test(id)) why = 'it contains control characters';
  if (why !== undefined) throw new WeirError('WEIR_FLOW_REQUEST_ID_INVALID', { why });
}
