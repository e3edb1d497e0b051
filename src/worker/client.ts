/** Typed access to a running node, for programs that embed it: the same requests as over HTTP, without the network. */

import type { input, ZodType } from 'zod';
import {
  type ActorMessageTypes,
  type AnswerTo,
  ApplicationError,
  type FlowDefinition,
  type MessageTypes,
  type PersistentActor,
} from '../actors/flow/index.ts';
import type { FlowDescription, Signalled, Started } from '../actors/flow/protocol.ts';
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
import type { Authority, MemberName, Random } from '../ports/index.ts';
import { identityOf, toMs } from '../ports/index.ts';
import { auditClient } from './audit-client.ts';
import { type FlowHandle, type ResultOptions, resultOf, type StartedFlow, type StartOptions } from './flow-handle.ts';
import { type FlowName, type FlowQuery, rpcName } from './flow-query.ts';
import { hospitalClient } from './hospital-client.ts';
import { operatorClient } from './operator-client.ts';
import { type FlowChange, type WatchOptions, type WatchQuery, watchFlows } from './watch.ts';

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

  return {
    /**
     * Starts a flow; resolves when it is durably accepted.
     * @param member name of a member of the default group, or an identity
     * @throws WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_FLOW_UNKNOWN`, `WEIR_FLOW_RESPONDS`, `WEIR_FLOW_INPUT_INVALID`,
     *   `WEIR_FLOW_REQUEST_ID_INVALID`, `WEIR_FLOW_CONFLICT`, `WEIR_FORBIDDEN`, `WEIR_SHARD_BUSY`,
     *   `WEIR_SHARD_UNAVAILABLE`, `WEIR_FLOWS_ABSENT`, `WEIR_MAILBOX_FULL`, `WEIR_LOG_DISK_FULL`, `WEIR_NODE_STOPPED`
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
    ...auditClient(request, authority),
    ...hospitalClient(request, authority),
    ...operatorClient(request, authority),
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

async function* viewsOf(changes: AsyncIterable<FlowChange>): AsyncGenerator<FlowView, void, undefined> {
  for await (const change of changes) if (change.type === 'flow') yield change.flow;
}

function newRequestId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('hex');
}
