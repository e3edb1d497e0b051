/** Typed access to a running node, for programs that embed it: the same requests as over HTTP, without the network. */

import type { input, ZodType } from 'zod';
import {
  type ActorMessageTypes,
  type AnswerTo,
  type AnyFlow,
  ApplicationError,
  type FlowDefinition,
  type MessageTypes,
  type PersistentActor,
} from '../actors/flow/index.ts';
import type { Correction, FlowDescription, Signalled, Started } from '../actors/flow/protocol.ts';
import type { ActorSystem, Ref } from '../actors/kernel/index.ts';
import type {
  ActorAnswer,
  FeedPage,
  FlowPage,
  FlowView,
  QueryAnswer,
  RpcAnswer,
  RpcMessage,
  RpcRequest,
} from '../actors/rpc/index.ts';
import { WeirError } from '../errors/index.ts';
import type { Authority, Duration, MemberName, Random } from '../ports/index.ts';
import { identityOf, toMs } from '../ports/index.ts';
import { auditClient } from './audit-client.ts';
import { type FlowName, type FlowQuery, rpcName } from './flow-query.ts';
import { hospitalClient } from './hospital-client.ts';
import { type FlowChange, type WatchOptions, type WatchQuery, watchFlows } from './watch.ts';

export interface StartOptions {
  /** Names the request: the same id and input give the same flow. Default: a new random id, so a new flow. */
  readonly clientRequestId?: string;
  /** Id of the trace that the start belongs to (W3C: 32 hex digits); the lines that the flow logs carry it. */
  readonly trace?: string;
}

export interface ResultOptions {
  /**
   * How long to wait, by the clock of the node; a flow that ends earlier is told of at once. Default 1 minute.
   * Under a clock that a test moves nothing moves it while you wait: use `run` of the test node instead.
   */
  readonly within?: Duration;
}

/** What a flow takes, as its clients give it: `InputOf<typeof buy>`. */
export type InputOf<Flow extends AnyFlow> = Flow extends FlowDefinition<infer Input, unknown> ? Input : never;

/** What a flow returns: `ResultOf<typeof buy>`. */
export type ResultOf<Flow extends AnyFlow> = Flow extends FlowDefinition<never, infer Result> ? Result : never;

/** A way to a flow, with the type of its result. */
export interface FlowHandle<Result> {
  /** Name of the flow's definition. */
  readonly flow: string;
  /** What the flow is asked for by: it names the flow on another node over the same data, too. */
  readonly name: FlowName;
  /**
   * What the flow returned; waits for it.
   * @throws ApplicationError with the flow's own code, message and details when it FAILED or was KILLED;
   *   WeirError `WEIR_FLOW_UNFINISHED` when it is STUCK, or still running after `within`; `WEIR_FLOW_NOT_FOUND`,
   *   `WEIR_REQUEST_NOT_FOUND`, `WEIR_DURATION_INVALID`, `WEIR_FORBIDDEN`, `WEIR_NODE_STOPPED`;
   *   `WEIR_REQUEST_INVALID` when the handle was made for a flow of another kind
   */
  result(options?: ResultOptions): Promise<Result>;
  /**
   * The flow as it stands.
   * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FORBIDDEN`, `WEIR_NODE_STOPPED`
   */
  view(): Promise<FlowView>;
  /**
   * The flow as it is, and again whenever that changes, until it has ended.
   * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FORBIDDEN`, `WEIR_NODE_STOPPED`
   */
  watch(options?: Pick<WatchOptions, 'signal'>): AsyncIterable<FlowView>;
}

/** A flow that was started here. */
export interface StartedFlow<Result> extends FlowHandle<Result> {
  readonly flowId: string;
  /** False when an earlier request with the same id had started it. */
  readonly created: boolean;
}

export interface ClientSetup {
  readonly system: ActorSystem;
  /** @throws WeirError `WEIR_NODE_NOT_READY`, `WEIR_NODE_STOPPED` */
  readonly rpc: () => Ref<RpcMessage>;
  readonly stopped: () => boolean;
  readonly random: Random;
  readonly authority: Authority;
  /** Whoever waits for an answer; who ends the node without a word tells them. */
  readonly waiting: Set<(error: Error) => void>;
}

const defaultWithinMs = 60_000;
/** The service answers within its own deadlines; this one only ends what would otherwise never end. */
const askMarginMs = 60_000;

export type Client = ReturnType<typeof nodeClient>;

/** Every method may also throw WeirError `WEIR_NODE_STOPPED` after `stop()`. */
export function nodeClient({ system, rpc, stopped, random, authority, waiting }: ClientSetup) {
  function request<T>(make: (replyTo: Ref<RpcAnswer<T>>) => RpcRequest, withinMs = askMarginMs): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const asked = system.ask<RpcMessage, RpcAnswer<T>>(rpc(), make, { withinMs });
      waiting.add(reject);
      asked.then(
        (answer) => {
          waiting.delete(reject);
          if (answer.type === 'error') reject(answer.error);
          else resolve(answer.value);
        },
        (thrown: unknown) => {
          waiting.delete(reject);
          // Actors end one after the other; whoever asks meanwhile is told what is the matter, not which actor is gone.
          const gone = stopped() && WeirError.is(thrown, 'WEIR_ACTOR_DEAD');
          reject(gone ? new WeirError('WEIR_NODE_STOPPED', {}, thrown) : thrown);
        },
      );
    });
  }
  const settled = (name: FlowName, waitMs: number): Promise<FlowView> =>
    request<FlowView>(
      (replyTo) => ({ type: 'result', name: rpcName(name), waitMs, authority, replyTo }),
      waitMs + askMarginMs,
    );
  const get = (name: FlowName): Promise<FlowView> =>
    request((replyTo) => ({ type: 'get', name: rpcName(name), authority, replyTo }));
  const watch = (query: WatchQuery = {}, options: WatchOptions = {}): AsyncIterable<FlowChange> =>
    watchFlows(
      {
        clock: system.clock,
        ask: (asked, since, waitMs) =>
          request<FeedPage>(
            (replyTo) => ({
              ...{ type: 'changes', query: asked, since, waitMs, authority, replyTo },
              signal: options.signal,
            }),
            waitMs + askMarginMs,
          ),
      },
      query,
      options,
    );
  const handleOf = <Result>(flow: string, name: FlowName): FlowHandle<Result> => ({
    flow,
    name,
    async result({ within = defaultWithinMs } = {}) {
      return resultOf<Result>(flow, await settled(name, toMs(within)));
    },
    view: () => get(name),
    watch: (options) => viewsOf(watch(name, options)),
  });

  /** A reason stands in every record of the act, so it has to be text, whatever the types say. */
  const because = (reason: unknown): Authority => {
    if (typeof reason === 'string') return { ...authority, reason };
    throw new WeirError('WEIR_REQUEST_INVALID', { why: `the reason is ${typeof reason}, not text` });
  };
  const resume = (name: FlowName, reason: string, correction: Correction): Promise<FlowView> =>
    request((replyTo) => ({
      type: 'retry',
      name: rpcName(name),
      correction,
      authority: because(reason),
      replyTo,
    }));

  return {
    /**
     * Starts a flow; resolves when it is durably accepted.
     * @param member name of a member of the default group, or an identity
     * @throws WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_FLOW_UNKNOWN`, `WEIR_FLOW_RESPONDS`, `WEIR_FLOW_INPUT_INVALID`,
     *   `WEIR_FLOW_REQUEST_ID_INVALID`, `WEIR_FLOW_CONFLICT`, `WEIR_FORBIDDEN`, `WEIR_SHARD_BUSY`,
     *   `WEIR_SHARD_UNAVAILABLE`, `WEIR_MAILBOX_FULL`, `WEIR_LOG_DISK_FULL`, `WEIR_NODE_STOPPED`
     */
    async start<Input, Result>(
      member: MemberName,
      flow: FlowDefinition<Input, Result>,
      input: Input,
      { clientRequestId = newRequestId(random), trace = '' }: StartOptions = {},
    ): Promise<StartedFlow<Result>> {
      const { flowId, created } = await request<Started>((replyTo) => ({
        type: 'start',
        member: identityOf(member),
        flow: flow.name,
        clientRequestId,
        input,
        authority,
        trace,
        replyTo,
      }));
      return { flowId, created, ...handleOf<Result>(flow.name, { flowId }) };
    },
    /**
     * A way back to a flow that was started earlier, or by somebody else, typed by its definition. Nothing is asked
     * until its result or its view is.
     */
    handle: <Input, Result>(flow: FlowDefinition<Input, Result>, name: FlowName): FlowHandle<Result> =>
      handleOf<Result>(flow.name, name),
    /**
     * A flow by id or client request id.
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FORBIDDEN`, `WEIR_NODE_STOPPED`
     */
    get,
    /**
     * The flow once it has ended or is STUCK, or as it is after `within` (default 1 minute).
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_DURATION_INVALID`, `WEIR_FORBIDDEN`,
     *   `WEIR_NODE_STOPPED`
     */
    settled: async (name: FlowName, { within = defaultWithinMs }: ResultOptions = {}): Promise<FlowView> =>
      settled(name, toMs(within)),
    /**
     * A page of flows that may be read, newest first.
     * @throws WeirError `WEIR_REQUEST_INVALID` for a limit or a cursor, `WEIR_NODE_STOPPED`
     */
    list: ({ member, ...query }: FlowQuery = {}): Promise<FlowPage> =>
      request((replyTo) => ({
        type: 'list',
        query: { ...query, ...(member === undefined ? {} : { member: identityOf(member) }) },
        authority,
        replyTo,
      })),
    /**
     * Follows flows: first all that fit and may be read as they are, then each change, until `signal` ends it; a watch of
     * one flow ends with the flow. Every change carries a position from which a later watch goes on (`from`), at any
     * worker of the node and after a restart of it: nothing is missed that was not forgotten meanwhile (`retention`).
     *
     * ```ts
     * for await (const change of node.watch({ member: 'ACME', status: 'STUCK' }, { from: 'now' })) {
     *   if (change.type === 'flow') console.log(change.flow.flowId, change.flow.status);
     * }
     * ```
     * Flows that leave `status` are told, too. Whoever reads slowly is told of each flow how it is then.
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FORBIDDEN`, `WEIR_WAITING_FULL`,
     *   `WEIR_REQUEST_INVALID` for `from`, `WEIR_NODE_STOPPED`
     */
    watch,
    /**
     * What an unfinished flow waits on.
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FLOW_FINISHED`, `WEIR_FORBIDDEN`,
     *   `WEIR_SHARD_UNAVAILABLE`, `WEIR_NODE_STOPPED`
     */
    describe: (name: FlowName): Promise<FlowDescription> =>
      request((replyTo) => ({ type: 'describe', name: rpcName(name), authority, replyTo })),
    /**
     * Lets a STUCK flow try again; the reason stays in its history.
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FLOW_NOT_STUCK`, `WEIR_FLOW_FINISHED`,
     *   `WEIR_FORBIDDEN`, `WEIR_SHARD_UNAVAILABLE`, `WEIR_NODE_STOPPED`
     */
    retry: (name: FlowName, reason: string): Promise<FlowView> => resume(name, reason, { type: 'retry' }),
    /**
     * Lets a STUCK flow begin its stage anew with another state (for `start`: another input). What the stage did before
     * is not undone, and its steps run again under new ids.
     * @throws WeirError `WEIR_FLOW_STATE_INVALID`, `WEIR_VALUE_UNSUPPORTED`, and what `retry` throws
     */
    retryWith: (name: FlowName, state: unknown, reason: string): Promise<FlowView> =>
      resume(name, reason, { type: 'edit', state }),
    /**
     * Lets a STUCK flow go on as if the operation that failed had given `result`.
     * @throws WeirError `WEIR_FLOW_NOTHING_TO_SKIP`, `WEIR_VALUE_UNSUPPORTED`, and what `retry` throws
     */
    skip: (name: FlowName, result: unknown, reason: string): Promise<FlowView> =>
      resume(name, reason, { type: 'skip', result }),
    /**
     * Ends a flow as KILLED; its peers are told, the reason stays in its history.
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FLOW_FINISHED`, `WEIR_FORBIDDEN`,
     *   `WEIR_SHARD_UNAVAILABLE`, `WEIR_NODE_STOPPED`
     */
    kill: (name: FlowName, reason: string): Promise<FlowView> =>
      request((replyTo) => ({ type: 'kill', name: rpcName(name), authority: because(reason), replyTo })),
    ...auditClient(request, authority),
    ...hospitalClient(request, authority),
    /**
     * Lets a flow run its cleanup (`finally`) and ends it as KILLED; its peers are told, the reason stays in its history.
     * @throws WeirError `WEIR_FLOW_STUCK` when its cleanup cannot run, and what `kill` throws
     */
    cancel: (name: FlowName, reason: string): Promise<FlowView> =>
      request((replyTo) => ({ type: 'cancel', name: rpcName(name), authority: because(reason), replyTo })),
    /**
     * Gives a running flow a signal; it is durable when this resolves. The same `signalId` and body are the same signal,
     * as long as the flow is unfinished. Default of the id: a new random one.
     * @throws WeirError `WEIR_SIGNAL_UNKNOWN`, `WEIR_SIGNAL_INVALID`, `WEIR_SIGNAL_CONFLICT`, `WEIR_SIGNALS_FULL`,
     *   `WEIR_FLOW_TOO_LARGE`, `WEIR_FLOW_REQUEST_ID_INVALID`, `WEIR_SHARD_BUSY`, and what `describe` throws
     */
    signal: <Sig extends MessageTypes, Name extends keyof Sig & string>(
      _flow: Pick<FlowDefinition<never, unknown, Sig>, 'name' | 'signals'>,
      name: FlowName,
      signal: Name,
      body: input<Sig[Name]>,
      { signalId = newRequestId(random) }: { readonly signalId?: string } = {},
    ): Promise<Signalled> =>
      request((replyTo) => ({ type: 'signal', name: rpcName(name), signal, signalId, body, authority, replyTo })),
    /**
     * Asks a running flow something that it answers from its stage and state; its code does not run.
     * @throws WeirError `WEIR_QUERY_UNKNOWN`, `WEIR_QUERY_FAILED`, `WEIR_VALUE_UNSUPPORTED`, and what `describe` throws
     */
    query: async (name: FlowName, query: string, given?: unknown): Promise<unknown> => {
      const { value } = await request<QueryAnswer>((replyTo) => ({
        type: 'query',
        name: rpcName(name),
        query,
        input: given,
        authority,
        replyTo,
      }));
      return value;
    },
    /**
     * Asks a persistent actor from outside any flow; it takes effect once for each call.
     * @throws ApplicationError what the actor refused with: its code, message and details (`WEIR_ACTOR_FAILED` when it
     *   threw anything else);
     *   WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_ACTOR_UNKNOWN`, `WEIR_MESSAGE_INVALID`, `WEIR_VALUE_UNSUPPORTED`,
     *   `WEIR_SHARD_UNAVAILABLE`, `WEIR_NODE_STOPPED`
     */
    ask: async <Messages extends ActorMessageTypes, Type extends keyof Messages & string>(
      member: MemberName,
      actor: PersistentActor<ZodType, Messages>,
      key: string,
      message: Type,
      body: input<Messages[Type]['body']>,
    ): Promise<AnswerTo<Messages, Type>> => {
      const answer = await request<ActorAnswer>((replyTo) => ({
        type: 'askActor',
        member: identityOf(member),
        actor: actor.name,
        key,
        message,
        body,
        authority,
        replyTo,
      }));
      if (answer.type === 'refused') throw new ApplicationError(answer.code, answer.message, answer.details);
      // The actor's own schema has checked its reply.
      return answer.value as AnswerTo<Messages, Type>;
    },
  };
}

/**
 * What a flow returned, or its error thrown.
 * @throws ApplicationError, WeirError `WEIR_FLOW_UNFINISHED`, `WEIR_REQUEST_INVALID`
 */
export function resultOf<Result>(flow: string, view: FlowView): Result {
  const { flowId, status } = view;
  if (view.flow !== flow) {
    throw new WeirError('WEIR_REQUEST_INVALID', { why: `flow ${flowId} is of kind ${view.flow}, not ${flow}` });
  }
  // The flow's own schema has checked what it returned.
  if (status === 'COMPLETED') return view.result as Result;
  const { code = status, message = '', details } = view.error ?? {};
  if (status === 'FAILED' || status === 'KILLED') throw new ApplicationError(code, message, details);
  throw new WeirError('WEIR_FLOW_UNFINISHED', { flowId, status, ...(message === '' ? {} : { why: `: ${message}` }) });
}

async function* viewsOf(changes: AsyncIterable<FlowChange>): AsyncGenerator<FlowView, void, undefined> {
  for await (const change of changes) if (change.type === 'flow') yield change.flow;
}

function newRequestId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('hex');
}
