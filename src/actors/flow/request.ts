/** What a shard of flows is asked, and what it answers: the messages of the flow service's protocol. */
import type { WeirError } from '../../errors/index.ts';
import type { ChainPoint, FailureRecord, FaultRecord, FlowStatus } from '../../persistence/index.ts';
import type { Authority, Identity } from '../../ports/index.ts';
import type { Ref } from '../kernel/index.ts';
import type { ChangeSet } from '../shard/index.ts';
import type { Correction } from './correction.ts';

export type Answer<T> =
  | { readonly type: 'ok'; readonly value: T }
  | { readonly type: 'error'; readonly error: WeirError };

/** How a request is known that may be asked again: the same id is the same request, however often it arrives. */
export interface Asked {
  readonly id: string;
  /** Routing key of what it is about. */
  readonly place: string;
  /** From then on nobody waits for it, and it does nothing any more, in milliseconds since 1970. */
  readonly expires: number;
}

/**
 * Where an answer goes. Whoever asked through the log may ask again, and must not have it done again: `keep` puts the
 * answer into the change set of what it tells of, before it is told.
 */
export interface ReplyTo<T> extends Ref<Answer<T>> {
  readonly keep?: (answer: Answer<T>, changes: ChangeSet) => void;
  /** Whoever asked here asks the next owner again, in the same words, should this one not hear what became of it. */
  readonly asked?: Asked;
}

export interface Started {
  readonly flowId: string;
  /** Whether this request started it, or an earlier one with the same id and body did. */
  readonly created: boolean;
}

/** What an operator's act has made of a flow. */
export interface Acted {
  readonly status: FlowStatus;
  /** Commit of the status that tells of it (`StatusRecord.commit`); 0 when none does. */
  readonly commit: number;
}

export interface Signalled {
  /** False when an earlier request with the same id had brought it. */
  readonly accepted: boolean;
}

/** What a persistent actor answers: a reply in value-codec bytes, or what it refused with. */
export type ActorReply =
  | { readonly type: 'reply'; readonly body: Uint8Array }
  | { readonly type: 'refused'; readonly fault: FaultRecord };

/** A flow as it is now, with what it waits on. */
export interface FlowDescription {
  readonly flowId: string;
  readonly flow: string;
  readonly version: number;
  readonly member: Identity;
  readonly clientRequestId: string;
  readonly status: FlowStatus;
  readonly stage: string;
  readonly visit: number;
  /** Operations journalled in the running visit. */
  readonly operations: number;
  readonly waitingOn: WaitingOn | undefined;
  /** What its other branches wait on; at most 19 of them. */
  readonly branches: readonly WaitingOn[];
  readonly unread: number;
  readonly sessions: ReadonlyArray<{
    readonly id: string;
    readonly protocol: string;
    readonly peer: Identity;
    readonly sent: number;
    readonly received: number;
    readonly state: string;
  }>;
  readonly fault: FaultRecord | null;
  /** The state of the stage: for `start` the input. */
  readonly state: unknown;
  /** Bytes that it takes. */
  readonly stateBytes: number;
  /** Of a STUCK flow the operation that put it there; absent when it was no operation. */
  readonly failed?: FailedOperation;
  /** Operations that have failed and are tried again; at most 20. */
  readonly retrying: readonly FailedOperation[];
  /** What has put it into the hospital, each time, oldest first; the newest 10. */
  readonly stays: readonly FailureRecord[];
}

/** What an operator does to the node, not to a flow; the audit tells of it before it takes effect. */
export interface NodeAct {
  readonly act: 'drain' | 'undrain' | 'move shard';
  /** The worker, or the shard. */
  readonly subject: string;
  /** How it was, and how it is to be. */
  readonly before: Readonly<Record<string, unknown>>;
  readonly after: Readonly<Record<string, unknown>>;
}

/** A record of a checkpoint, as the shard keeps it. */
export interface CheckpointPart {
  readonly key: string;
  readonly value: Uint8Array;
}

/** An operation that did not go well at once. */
export interface FailedOperation {
  /** `step "book"` */
  readonly operation: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** How its attempts failed, oldest first; the newest 10. */
  readonly failures: readonly FailureRecord[];
}

export interface WaitingOn {
  readonly what:
    | 'step'
    | 'retry'
    | 'sleep'
    | 'message'
    | 'signal'
    | 'answer'
    | 'credit'
    | 'room'
    | 'turn'
    | 'code'
    | 'close'
    | 'operator';
  readonly label: string;
  /** When it gives up or goes on by itself, in milliseconds since 1970. */
  readonly due: number | undefined;
}

export type FlowRequest =
  | {
      readonly type: 'start';
      readonly member: Identity;
      readonly flow: string;
      readonly clientRequestId: string;
      /** Canonical value-codec bytes of the parsed input. */
      readonly input: Uint8Array;
      /** Version of the flow whose schema has parsed it; 0 where nobody said so. */
      readonly version: number;
      readonly authority: Authority;
      readonly trace: string;
      /** None when the request came through the log: whoever asked sees the flow in its status. */
      readonly replyTo: ReplyTo<Started> | undefined;
    }
  | {
      readonly type: 'retry';
      readonly flowId: string;
      readonly correction: Correction;
      readonly authority: Authority;
      readonly replyTo: ReplyTo<Acted>;
    }
  | {
      readonly type: 'kill';
      readonly flowId: string;
      /** Refused when it is not STUCK any more. Default: it is killed whatever it does. */
      readonly stuckOnly?: boolean;
      readonly authority: Authority;
      readonly replyTo: ReplyTo<Acted>;
    }
  /** Its cleanup runs, then it ends as KILLED. */
  | {
      readonly type: 'cancel';
      readonly flowId: string;
      readonly authority: Authority;
      readonly replyTo: ReplyTo<Acted>;
    }
  | {
      readonly type: 'signal';
      readonly flowId: string;
      readonly signal: string;
      /** The same id and body are the same signal. */
      readonly signalId: string;
      /** Canonical value-codec bytes of the parsed body. */
      readonly body: Uint8Array;
      readonly authority: Authority;
      readonly replyTo: ReplyTo<Signalled>;
    }
  /** Answered from where the flow is, without running its code. */
  | {
      readonly type: 'query';
      readonly flowId: string;
      readonly query: string;
      /** Value-codec bytes of what the asker gives, or empty. */
      readonly input: Uint8Array;
      readonly replyTo: Ref<Answer<Uint8Array>>;
    }
  | { readonly type: 'describe'; readonly flowId: string; readonly replyTo: ReplyTo<FlowDescription> }
  /** Head and journal of an unfinished flow, as they are kept. */
  | {
      readonly type: 'checkpoint';
      readonly flowId: string;
      readonly replyTo: ReplyTo<readonly CheckpointPart[]>;
    }
  /** Enters an act on the node into the chain of the shard; answered when that is durable. Any shard will do. */
  | {
      readonly type: 'note';
      readonly note: NodeAct;
      readonly authority: Authority;
      readonly replyTo: ReplyTo<null>;
    }
  /** Unfinished flows, oldest first. */
  | { readonly type: 'waiting'; readonly limit: number; readonly replyTo: ReplyTo<readonly FlowDescription[]> }
  /** The newest entry of a chain of the audit; nothing when it does not lie in the shard's partition. */
  | { readonly type: 'auditHead'; readonly chain: number; readonly replyTo: ReplyTo<ChainPoint | undefined> }
  /** A message to a persistent actor from outside any flow. It takes effect once for each call. */
  | {
      readonly type: 'ask';
      readonly member: Identity;
      readonly actor: string;
      readonly key: string;
      readonly message: string;
      readonly body: Uint8Array;
      readonly replyTo: ReplyTo<ActorReply>;
    };
