/**
 * The RPC service: starts flows and tells clients what became of them.
 * It holds no truth: flows are started by their shards, and what is told is the topic `flow.status`.
 */
import { WeirError } from '../../errors/index.ts';
import { type ChainPoint, type StatusRecord, statusRecord } from '../../persistence/index.ts';
import type { Authority, Authorize, MemberDirectory, Random } from '../../ports/index.ts';
import type { Log, Table } from '../../transport/log/index.ts';
import {
  type Answer,
  bodyHash,
  clientRoutingKey,
  encodeStart,
  type FlowRequest,
  flowTopics,
  routingKeyOf,
  type Started,
} from '../flow/protocol.ts';
import type { ActorContext, Behavior, Ref } from '../kernel/index.ts';
import type { RoutedMessage, Router } from '../shard/index.ts';
import { AuditDesk } from './audit/audit-desk.ts';
import type { Chain } from './audit/chain-reader.ts';
import type { FlowCatalogue } from './flow-catalogue.ts';
import { FlowDesk } from './flow-desk.ts';
import { FlowFeed } from './flow-feed.ts';
import { FlowIndex } from './flow-index.ts';
import { FlowReader } from './flow-reader.ts';
import { Hospital } from './hospital.ts';
import { LogAsks } from './log-asks.ts';
import { LogStarts } from './log-starts.ts';
import type { RpcMessage, RpcRequest } from './protocol.ts';
import { checkRequestId } from './request-id.ts';
import { leftBehind, ShardAsker } from './shard-asker.ts';
import type { Unanswered } from './unanswered.ts';
import { UnseenStatuses } from './unseen-statuses.ts';

export interface RpcSetup {
  readonly log: Log;
  readonly random: Random;
  readonly partitions: number;
  readonly router: Router<FlowRequest>;
  readonly catalogue: FlowCatalogue;
  readonly directory: MemberDirectory;
  readonly authorize: Authorize;
  /** Whether a worker that runs flows is there, as far as is known here. */
  readonly flowsRun: () => boolean;
  /** How long ended flows are kept, in milliseconds: a feed that comes back later begins anew. */
  readonly retentionMs: number;
  /** What former incarnations have left unanswered. */
  readonly unanswered: Unanswered;
}

/** How long a shard may take to answer before the client is told to try again; a start that comes later starts nothing. */
export const shardAnswerMs = 30_000;
/** How long a flow that another worker has started may take to be heard of here, in milliseconds, before nobody has started it. */
const unheardMs = 500;

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
  readonly #reader: FlowReader;
  readonly #desk: FlowDesk;
  readonly #shards: ShardAsker;
  readonly #logAsks: LogAsks;
  readonly #audit: AuditDesk;
  readonly #hospital: Hospital;
  readonly #logStarts: LogStarts;
  readonly #unseen: UnseenStatuses;
  /** Flows that clients ask for, and that shards of other workers may just have started, by routing key. */
  readonly #unheard: UnseenStatuses;
  #over = false;
  /** Flows that ended while this incarnation looked on. */
  readonly #ended = { COMPLETED: 0, FAILED: 0, KILLED: 0 };

  constructor(setup: RpcSetup, context: ActorContext<RpcMessage>, table: Table) {
    this.#setup = setup;
    this.#context = context;
    this.#table = table;
    const { log, random, partitions, router, authorize, catalogue } = setup;
    const { clock } = context;
    const route = (partition: number, message: RoutedMessage): void => router.route(partition, message);
    const elsewhere = new LogAsks({ log, clock, random, logger: context.log, route });
    const shards = new ShardAsker({ context, router, partitions, withinMs: shardAnswerMs, elsewhere });
    this.#shards = shards;
    this.#logAsks = elsewhere;
    this.#audit = new AuditDesk({ log, partitions, authorize, headOf: (chain) => headOf(shards, chain) });
    this.#logStarts = new LogStarts({
      ...{ clock, withinMs: shardAnswerMs, route },
      unanswered: (partition) =>
        setup.flowsRun()
          ? new WeirError('WEIR_SHARD_UNAVAILABLE', { partition })
          : new WeirError('WEIR_FLOWS_ABSENT', { withinMs: shardAnswerMs }),
    });
    this.#unseen = new UnseenStatuses({ clock, withinMs: shardAnswerMs });
    this.#unheard = new UnseenStatuses({ clock, withinMs: unheardMs });
    const index = new FlowIndex(setup.partitions);
    this.#index = index;
    const reader = new FlowReader({ index, clock, authorize });
    this.#reader = reader;
    const mayRead = (authority: Authority, record: StatusRecord): boolean => reader.mayRead(authority, record);
    this.#desk = new FlowDesk({
      ...{ reader, index, shards, catalogue, authorize, unseen: this.#unseen },
      over: () => this.#over,
    });
    this.#hospital = new Hospital({ index, shards, mayRead });
    this.#feed = new FlowFeed({
      ...{ clock, index, partitions: setup.partitions, retentionMs: setup.retentionMs },
      find: (name) => reader.find(name),
      mayRead,
    });
    // Held once, in the form of the index.
    index.load(table.handOver());
    // Applied at once, not by mailbox: a client that was just told "accepted" finds its flow.
    table.onChange((flowId, value) => this.#changed(flowId, value));
  }

  handle(given: RpcMessage): void {
    const message = this.#setup.unanswered.noted(given, this.#context.clock.monotonic());
    const key = this.#unheardOf(message);
    if (key === undefined) this.#answer(message);
    else this.#unheard.wait(key, 0, () => this.#over || this.#answer(message));
  }

  /**
   * The routing key of a flow that is asked for, when nothing of it has come here yet and it may be on its way: its shard
   * runs elsewhere, or has just told of something that the others may have heard of first.
   */
  #unheardOf(message: RpcMessage): string | undefined {
    if (!('name' in message)) return undefined;
    const { name } = message;
    const key = 'flowId' in name ? routingKeyOf(name.flowId) : clientRoutingKey(name.member, name.clientRequestId);
    if (this.#index.byRoutingKey(key) !== undefined) return undefined;
    const partition = this.#shards.partitionOf(key);
    const isAllHere = this.#shards.runsHere(partition) && !this.#table.isBehind(partition);
    return isAllHere ? undefined : key;
  }

  #answer(message: RpcMessage): void {
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
    const { waiting } = this.#reader;
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
    this.#unheard.end();
    this.#feed.end();
    this.#reader.end();
  }

  #handle(message: RpcMessage): void {
    switch (message.type) {
      case 'start':
        this.#start(message);
        return;
      case 'get': {
        const flowId = this.#reader.find(message.name);
        message.replyTo.tell({ type: 'ok', value: this.#reader.view(flowId, message.authority) });
        return;
      }
      case 'result':
        this.#reader.result(message);
        return;
      case 'list':
        this.#reader.list(message);
        return;
      case 'retry':
      case 'kill':
      case 'cancel':
      case 'signal':
      case 'query':
      case 'describe':
      case 'checkpoint':
      case 'note':
      case 'askActor':
        this.#desk.handle(message);
        return;
      case 'changes':
        this.#feed.changes(message);
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
      // The shard goes to another worker, and has not looked at it; or ended before it did. Asked twice it starts once.
      if (answer.type === 'error' && leftBehind.has(answer.error.code)) return void throughLog();
      const seen = answer.type === 'error' || this.#index.has(answer.value.flowId);
      if (seen) return void replyTo.tell(answer);
      this.#unseen.wait(answer.value.flowId, 0, (now) => {
        if (this.#over) return;
        replyTo.tell(now ? answer : { type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition }) });
      });
    });
  }

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
    this.#unheard.seen(routingKeyOf(flowId), record.commit);
    const { status } = record;
    if (status !== 'RUNNING' && status !== 'STUCK') this.#ended[status]++;
    this.#reader.changed(flowId, record);
  }
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
