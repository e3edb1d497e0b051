/** The RPC service's protocol: what clients and operators ask for, whatever edge they come through. */
import type { FlowStatus } from '../../persistence/index.ts';
import type { Authority, Identity } from '../../ports/index.ts';
import type {
  Answer,
  CheckpointPart,
  Correction,
  FlowDescription,
  NodeAct,
  Signalled,
  Started,
} from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import type { AuditRequest } from './audit/messages.ts';
import type { FlowView } from './flow-view.ts';
import type { HospitalRequest } from './hospital-messages.ts';

export type { AuditChain, AuditEntry, AuditPage, AuditQuery, AuditStretch } from './audit/messages.ts';
export type { FlowView } from './flow-view.ts';
export type { HospitalCase, HospitalFilter, HospitalPage, Treated, Treatment } from './hospital-messages.ts';

/** The value, or the error as an edge reports it: what a shard answers goes through as it is. */
export type RpcAnswer<T> = Answer<T>;

/** What a persistent actor answers somebody outside: its reply, or what it refused with. */
export type ActorAnswer =
  | { readonly type: 'reply'; readonly value: unknown }
  | { readonly type: 'refused'; readonly code: string; readonly message: string; readonly details: unknown };

export interface QueryAnswer {
  readonly value: unknown;
}

export interface FlowPage {
  readonly flows: readonly FlowView[];
  /** Give it back as `cursor` for the next page; absent on the last one. */
  readonly cursor?: string;
}

export interface FlowQuery {
  readonly member?: Identity | undefined;
  readonly status?: FlowStatus | undefined;
  readonly flow?: string | undefined;
  /** Flows of one page, 1 to 1 000. Default 100. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Which flows a feed tells of: one by its name, or all that fit. */
export interface FeedQuery extends Pick<FlowQuery, 'member' | 'status' | 'flow'> {
  readonly name?: FlowName | undefined;
}

/** How far a feed has come; goes with the next request. Another worker understands its text alone. */
export interface FeedCursor {
  /** Resumes the feed at any worker of the node. */
  readonly position: string;
}

/** What has changed. */
export interface FeedPage {
  /** Why whatever was told before does not count any more; a snapshot begins with this page. */
  readonly reset?: string;
  /** Each as it is now, those of one shard in the order of their changes. */
  readonly flows: readonly FlowView[];
  readonly cursor: FeedCursor;
  /** Everything that is known was told. */
  readonly current: boolean;
  /** The feed was about one flow, which has ended: nothing will follow. */
  readonly ended: boolean;
}

/** Names one flow: by its id, or by what its client called it. */
export type FlowName = { readonly flowId: string } | { readonly member: Identity; readonly clientRequestId: string };

export type RpcRequest =
  | AuditRequest
  | HospitalRequest
  | {
      readonly type: 'start';
      readonly member: Identity;
      readonly flow: string;
      readonly clientRequestId: string;
      readonly input: unknown;
      readonly authority: Authority;
      readonly trace: string;
      readonly replyTo: Ref<RpcAnswer<Started>>;
    }
  | {
      readonly type: 'get';
      readonly name: FlowName;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<FlowView>>;
    }
  /** The same, as soon as the flow has ended or is STUCK, or after `waitMs` as it is then. */
  | {
      readonly type: 'result';
      readonly name: FlowName;
      readonly waitMs: number;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<FlowView>>;
    }
  | {
      readonly type: 'list';
      readonly query: FlowQuery;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<FlowPage>>;
    }
  | {
      readonly type: 'retry';
      readonly name: FlowName;
      readonly correction: Correction;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<FlowView>>;
    }
  | {
      readonly type: 'kill' | 'cancel';
      readonly name: FlowName;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<FlowView>>;
    }
  | {
      readonly type: 'signal';
      readonly name: FlowName;
      readonly signal: string;
      /** The same id and body are the same signal. */
      readonly signalId: string;
      readonly body: unknown;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<Signalled>>;
    }
  /** Asks an unfinished flow something that it answers from where it is. */
  | {
      readonly type: 'query';
      readonly name: FlowName;
      readonly query: string;
      readonly input: unknown;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<QueryAnswer>>;
    }
  /** What a flow waits on, from the shard that runs it. */
  | {
      readonly type: 'describe';
      readonly name: FlowName;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<FlowDescription>>;
    }
  /** Has an act on the node in the audit, durable, before it takes effect. */
  | {
      readonly type: 'note';
      readonly note: NodeAct;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<null>>;
    }
  /** Head and journal of an unfinished flow as its shard keeps them, to judge other code by. */
  | {
      readonly type: 'checkpoint';
      readonly name: FlowName;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<readonly CheckpointPart[]>>;
    }
  /**
   * Flows that have changed after `since` (the cursor of the page before, or the text of one; `now` for what comes from
   * now on; undefined for everything), as soon as there is one, or none after `waitMs`; who comes without a cursor does not
   * wait. A page is bounded; who reads slowly finds of each flow the newest alone.
   */
  | {
      readonly type: 'changes';
      readonly query: FeedQuery;
      readonly since: FeedCursor | string | undefined;
      readonly waitMs: number;
      readonly authority: Authority;
      /** Ends the wait. */
      readonly signal?: AbortSignal | undefined;
      readonly replyTo: Ref<RpcAnswer<FeedPage>>;
    }
  /** Asks a persistent actor from outside any flow. */
  | {
      readonly type: 'askActor';
      readonly member: Identity;
      readonly actor: string;
      readonly key: string;
      readonly message: string;
      readonly body: unknown;
      readonly authority: Authority;
      readonly replyTo: Ref<RpcAnswer<ActorAnswer>>;
    };

/** Messages that the actor sends to itself. */
export type RpcMessage =
  | RpcRequest
  | { readonly type: 'changed'; readonly flowId: string; readonly value: Uint8Array | undefined };
