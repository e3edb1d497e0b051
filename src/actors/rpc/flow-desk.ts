/**
 * What is asked of the shards of flows and actors: acts of operators, signals, questions. Each is checked here as far as
 * this worker can, and decided by the shard, wherever that runs.
 */
import { WeirError } from '../../errors/index.ts';
import { encodeValue, isTerminal } from '../../persistence/index.ts';
import { type Authority, type Authorize, memberId } from '../../ports/index.ts';
import {
  type Acted,
  type ActorReply,
  type Answer,
  actorAddress,
  type CheckpointPart,
  type FlowDescription,
  type FlowRequest,
  routingKeyOf,
  type Signalled,
} from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import type { FlowCatalogue } from './flow-catalogue.ts';
import type { FlowIndex } from './flow-index.ts';
import type { FlowReader } from './flow-reader.ts';
import { decodeReply } from './flow-view.ts';
import type { ActorAnswer, FlowName, RpcAnswer, RpcRequest } from './protocol.ts';
import { checkRequestId } from './request-id.ts';
import type { ShardAsker } from './shard-asker.ts';
import type { UnseenStatuses } from './unseen-statuses.ts';

export interface FlowDeskSetup {
  readonly reader: FlowReader;
  readonly index: FlowIndex;
  readonly shards: ShardAsker;
  readonly unseen: UnseenStatuses;
  readonly catalogue: FlowCatalogue;
  readonly authorize: Authorize;
  /** Whether the incarnation has ended. */
  readonly over: () => boolean;
}

type DeskRequest = Extract<
  RpcRequest,
  {
    readonly type: 'retry' | 'kill' | 'cancel' | 'signal' | 'query' | 'describe' | 'checkpoint' | 'note' | 'askActor';
  }
>;

const noBytes = new Uint8Array();

export class FlowDesk {
  readonly #setup: FlowDeskSetup;

  constructor(setup: FlowDeskSetup) {
    this.#setup = setup;
  }

  handle(request: DeskRequest): void {
    switch (request.type) {
      case 'retry':
      case 'kill':
      case 'cancel':
        this.#operate(request);
        return;
      case 'signal':
        this.#signal(request);
        return;
      case 'query':
        this.#query(request);
        return;
      case 'describe':
        this.#read<FlowDescription>(request, (flowId, replyTo) => ({ type: 'describe', flowId, replyTo }));
        return;
      case 'checkpoint':
        this.#read<readonly CheckpointPart[]>(request, (flowId, replyTo) => ({ type: 'checkpoint', flowId, replyTo }));
        return;
      case 'note': {
        const { note, authority, replyTo } = request;
        const noted = this.#setup.shards.askAny(routingKeyOf(note.subject), (to: Ref<Answer<null>>) => ({
          type: 'note',
          note,
          authority,
          replyTo: to,
        }));
        void noted.then((answer) => replyTo.tell(answer));
        return;
      }
      case 'askActor':
        this.#askActor(request);
    }
  }

  #operate(request: Extract<RpcRequest, { type: 'retry' | 'kill' | 'cancel' }>): void {
    const { type, name, authority, replyTo } = request;
    const { reader, index, over } = this.#setup;
    const flowId = reader.find(name);
    const view = reader.view(flowId, authority);
    if (isTerminal(view.status)) throw new WeirError('WEIR_FLOW_FINISHED', { flowId, status: view.status });
    const asked = this.#setup.shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<Acted>>) =>
      type !== 'retry'
        ? { type, flowId, authority, replyTo: reply }
        : { type, flowId, correction: request.correction, authority, replyTo: reply },
    );
    void asked.then((answer) => {
      if (answer.type === 'error') return void replyTo.tell(answer);
      const { commit } = answer.value;
      const tell = (): void => reader.tell(flowId, replyTo);
      const seen = over() || (index.find(flowId)?.commit ?? 0) >= commit;
      if (seen) tell();
      else this.#setup.unseen.wait(flowId, commit, tell);
    });
  }

  #signal({ name, signal, signalId, body, authority, replyTo }: Extract<RpcRequest, { type: 'signal' }>): void {
    checkRequestId(signalId);
    const flowId = this.#setup.reader.find(name);
    const { member, flow, status } = this.#setup.reader.view(flowId, authority);
    const bytes = this.#setup.catalogue.parseSignal(member, flow, signal, body);
    if (isTerminal(status)) throw new WeirError('WEIR_FLOW_FINISHED', { flowId, status });
    const asked = this.#setup.shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<Signalled>>) => ({
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
    const flowId = this.#setup.reader.find(name);
    this.#setup.reader.view(flowId, authority);
    const asked = this.#setup.shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<T>>) => question(flowId, reply));
    void asked.then((answer) => replyTo.tell(answer));
  }

  #query({ name, query, input, authority, replyTo }: Extract<RpcRequest, { type: 'query' }>): void {
    const flowId = this.#setup.reader.find(name);
    const { status } = this.#setup.reader.view(flowId, authority);
    if (isTerminal(status)) throw new WeirError('WEIR_FLOW_FINISHED', { flowId, status });
    const bytes = input === undefined ? noBytes : encodeValue(input, `the input of query ${query}`);
    const asked = this.#setup.shards.askFor(routingKeyOf(flowId), (reply: Ref<Answer<Uint8Array>>) => ({
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
    const asked = this.#setup.shards.askFor(actorAddress(member, actor, key), (reply: Ref<Answer<ActorReply>>) => ({
      type: 'ask',
      ...{ member, actor, key, message, body: bytes },
      replyTo: reply,
    }));
    void asked.then((answer) => replyTo.tell(answer.type === 'error' ? answer : ok(replyOf(answer.value))));
  }
}

function ok<T>(value: T): RpcAnswer<T> {
  return { type: 'ok', value };
}

function replyOf(reply: ActorReply): ActorAnswer {
  if (reply.type === 'reply') return { type: 'reply', value: decodeReply(reply.body) };
  const { code, message, details } = reply.fault;
  return { type: 'refused', code, message, details: decodeReply(details) };
}
