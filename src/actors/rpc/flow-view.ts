/** A flow as the world may know it, from its status. */
import { decodeValue, type FlowStatus, type StatusRecord } from '../../persistence/index.ts';
import type { Identity } from '../../ports/index.ts';
import { type ProgressReport, reportsOf } from '../flow/protocol.ts';

/** What the world may know of a flow. */
export interface FlowView {
  readonly flowId: string;
  readonly flow: string;
  readonly version: number;
  readonly member: Identity;
  readonly clientRequestId: string;
  readonly status: FlowStatus;
  readonly stage: string;
  /** When it was accepted, in milliseconds since 1970: `new Date(view.created)`. */
  readonly created: number;
  /** When status or stage changed last, in milliseconds since 1970. */
  readonly updated: number;
  /** Principal that started it. */
  readonly startedBy: string;
  /** Who did what to it, oldest first: the start, retries, a kill. */
  readonly history: ReadonlyArray<{
    /** In milliseconds since 1970. */
    readonly at: number;
    /** `start`, `retry`, `retry with another state`, `skip`, `cancel`, `signal` or `kill`. */
    readonly act: string;
    readonly principal: string;
    readonly reason: string;
  }>;
  /** How far it has come, as it reported itself: the newest reports, oldest first. */
  readonly progress: readonly ProgressReport[];
  /** What it returned, when COMPLETED. */
  readonly result?: unknown;
  /** Why it FAILED, was KILLED or is STUCK. */
  readonly error?: {
    readonly code: string;
    readonly message: string;
    /** What can be done about it. */
    readonly remedy?: string;
    /** Stage, operation and line of code. */
    readonly at?: string;
    readonly details?: unknown;
  };
}

export function viewOf(flowId: string, record: StatusRecord): FlowView {
  const { fault, result, status } = record;
  return {
    flowId,
    flow: record.flow,
    version: record.version,
    member: { name: record.memberName, group: record.memberGroup },
    clientRequestId: record.clientRequestId,
    status,
    stage: record.stage,
    created: record.created,
    updated: record.updated,
    startedBy: record.startedBy,
    // Plain objects, not those of the codec.
    history: record.acts.map(({ at, act, principal, reason }) => ({ at, act, principal, reason })),
    progress: reportsOf(record),
    ...(status === 'COMPLETED' ? { result: decodeReply(result) } : {}),
    ...(fault === null
      ? {}
      : {
          error: {
            code: fault.code,
            message: fault.message,
            ...(fault.remedy === '' ? {} : { remedy: fault.remedy }),
            ...(fault.at === '' ? {} : { at: fault.at }),
            ...(fault.details.length === 0 ? {} : { details: decodeValue(fault.details) }),
          },
        }),
  };
}

/** A value in bytes; none is nothing. */
export function decodeReply(bytes: Uint8Array): unknown {
  return bytes.length === 0 ? undefined : decodeValue(bytes);
}
