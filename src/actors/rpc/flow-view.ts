/** A flow as the world may know it, from its status. */
import { decodeValue, type StatusRecord } from '../../persistence/index.ts';
import { reportsOf } from '../flow/protocol.ts';
import type { FlowView } from './protocol.ts';

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
