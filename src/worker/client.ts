/** Typed access to a running node, for programs that embed it: the same requests as over HTTP, without the network. */

import type { input, ZodType } from 'zod';
import {
  type ActorMessageTypes,
  type AnswerTo,
  ApplicationError,
  type FlowDefinition,
  type PersistentActor,
} from '../actors/flow/index.ts';
import type { FlowDescription, Started } from '../actors/flow/protocol.ts';
import type { ActorSystem, Ref } from '../actors/kernel/index.ts';
import type {
  ActorAnswer,
  FlowName,
  FlowPage,
  FlowQuery,
  FlowView,
  RpcAnswer,
  RpcMessage,
  RpcRequest,
} from '../actors/rpc/index.ts';
import { WeirError } from '../errors/index.ts';
import type { Authority, Clock, Duration, Identity, Random } from '../ports/index.ts';
import { defaultGroup, toMs } from '../ports/index.ts';

export interface StartOptions {
  /** Names the request: the same id and input give the same flow. Default: a new random id, so a new flow. */
  readonly clientRequestId?: string;
  readonly trace?: string;
}

export interface ResultOptions {
  /** How long to wait. Default 1 minute. */
  readonly within?: Duration;
}

/** A flow that was started, with the type of its result. */
export interface FlowHandle<Result> {
  readonly flowId: string;
  /** False when an earlier request with the same id had started it. */
  readonly created: boolean;
  /**
   * What the flow returned.
   * @throws ApplicationError with the flow's own code when it FAILED or was KILLED; WeirError `WEIR_FLOW_UNFINISHED`
   *   when it is STUCK or still running after `within`
   */
  result(options?: ResultOptions): Promise<Result>;
  view(): Promise<FlowView>;
}

export interface ClientSetup {
  readonly system: ActorSystem;
  readonly rpc: () => Ref<RpcMessage>;
  readonly clock: Clock;
  readonly random: Random;
  readonly authority: Authority;
}

const defaultWithinMs = 60_000;
/** The service answers within its own deadlines; this one only ends what would otherwise never end. */
const askMarginMs = 60_000;

export type Client = ReturnType<typeof nodeClient>;

export function nodeClient({ system, rpc, random, authority }: ClientSetup) {
  async function request<T>(make: (replyTo: Ref<RpcAnswer<T>>) => RpcRequest, withinMs = askMarginMs): Promise<T> {
    const answer = await system.ask<RpcMessage, RpcAnswer<T>>(rpc(), make, { withinMs });
    if (answer.type === 'error') throw answer.error;
    return answer.value;
  }
  const result = (name: FlowName, waitMs: number): Promise<FlowView> =>
    request<FlowView>((replyTo) => ({ type: 'result', name, waitMs, authority, replyTo }), waitMs + askMarginMs);

  return {
    /**
     * Starts a flow; resolves when it is durably accepted.
     * @param member name of a member of the default group, or an identity
     * @throws WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_FLOW_UNKNOWN`, `WEIR_FLOW_INPUT_INVALID`, `WEIR_FLOW_CONFLICT`,
     *   `WEIR_SHARD_BUSY`, `WEIR_SHARD_UNAVAILABLE`
     */
    async start<Input, Result>(
      member: Identity | string,
      flow: FlowDefinition<Input, Result>,
      input: Input,
      { clientRequestId = newRequestId(random), trace = '' }: StartOptions = {},
    ): Promise<FlowHandle<Result>> {
      const started = await request<Started>((replyTo) => ({
        type: 'start',
        member: identityOf(member),
        flow: flow.name,
        clientRequestId,
        input,
        authority,
        trace,
        replyTo,
      }));
      const name = { flowId: started.flowId };
      return {
        ...started,
        async result({ within = defaultWithinMs } = {}) {
          const view = await result(name, toMs(within));
          // The flow's own schema has checked what it returned.
          if (view.status === 'COMPLETED') return view.result as Result;
          const { code = view.status, message = '', details } = view.error ?? {};
          if (view.status === 'FAILED' || view.status === 'KILLED') throw new ApplicationError(code, message, details);
          throw new WeirError('WEIR_FLOW_UNFINISHED', { flowId: view.flowId, status: view.status, why: message });
        },
        view: () => request<FlowView>((replyTo) => ({ type: 'get', name, authority, replyTo })),
      };
    },
    /** A flow by id or client request id. @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND` */
    get: (name: FlowName): Promise<FlowView> => request((replyTo) => ({ type: 'get', name, authority, replyTo })),
    /** The flow once it has ended or is STUCK, or as it is after `within` (default 1 minute). */
    settled: (name: FlowName, { within = defaultWithinMs }: ResultOptions = {}): Promise<FlowView> =>
      result(name, toMs(within)),
    /** A page of flows, newest first. @throws WeirError `WEIR_REQUEST_INVALID` */
    list: (query: FlowQuery = {}): Promise<FlowPage> =>
      request((replyTo) => ({ type: 'list', query, authority, replyTo })),
    /** What a flow waits on. @throws WeirError `WEIR_FLOW_FINISHED` */
    describe: (name: FlowName): Promise<FlowDescription> =>
      request((replyTo) => ({ type: 'describe', name, authority, replyTo })),
    /** Lets a STUCK flow try again. @throws WeirError `WEIR_FLOW_NOT_STUCK`, `WEIR_FLOW_FINISHED` */
    retry: (name: FlowName, reason: string): Promise<FlowView> =>
      request((replyTo) => ({ type: 'retry', name, authority: { ...authority, reason }, replyTo })),
    /** Ends a flow; its peers are told. @throws WeirError `WEIR_FLOW_FINISHED` */
    kill: (name: FlowName, reason: string): Promise<FlowView> =>
      request((replyTo) => ({ type: 'kill', name, authority: { ...authority, reason }, replyTo })),
    /**
     * Asks a persistent actor from outside any flow; it takes effect once for each call.
     * @throws ApplicationError what the actor refused with, with the code that flow code would catch;
     *   WeirError `WEIR_SHARD_UNAVAILABLE`
     */
    ask: async <Messages extends ActorMessageTypes, Type extends keyof Messages & string>(
      member: Identity | string,
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

function identityOf(member: Identity | string): Identity {
  return typeof member === 'string' ? { name: member, group: defaultGroup } : member;
}

function newRequestId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('hex');
}
