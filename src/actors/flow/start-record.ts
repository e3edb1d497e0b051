/** A start request in bytes, for a shard that runs on another worker. */
import { bytes, choice, recordCodec, text } from '../../persistence/index.ts';
import type { Authority, Identity, Principal } from '../../ports/index.ts';

export interface StartParts {
  readonly member: Identity;
  readonly flow: string;
  readonly clientRequestId: string;
  readonly input: Uint8Array;
  readonly authority: Authority;
  readonly trace: string;
}

interface StartRecord {
  readonly memberName: string;
  readonly memberGroup: string;
  readonly flow: string;
  readonly clientRequestId: string;
  readonly input: Uint8Array;
  readonly principal: string;
  readonly principalKind: Principal['kind'];
  readonly reason: string;
  readonly trace: string;
}

const startRecord = recordCodec<StartRecord>(
  {
    type: 'record',
    name: 'Start',
    namespace: 'weir.events',
    fields: [
      text('memberName'),
      text('memberGroup'),
      text('flow'),
      text('clientRequestId'),
      bytes('input'),
      text('principal'),
      choice('principalKind', 'PrincipalKind', ['operator', 'client', 'member', 'system']),
      text('reason'),
      text('trace'),
    ],
  },
  'start request',
);

export function encodeStart({ member, flow, clientRequestId, input, authority, trace }: StartParts): Uint8Array {
  return startRecord.encode({
    memberName: member.name,
    memberGroup: member.group,
    flow,
    clientRequestId,
    input,
    principal: authority.principal.name,
    principalKind: authority.principal.kind,
    reason: authority.reason,
    trace,
  });
}

export function decodeStart(bytes: Uint8Array): StartParts {
  const record = startRecord.decode(bytes);
  return {
    member: { name: record.memberName, group: record.memberGroup },
    flow: record.flow,
    clientRequestId: record.clientRequestId,
    input: record.input,
    authority: { principal: { name: record.principal, kind: record.principalKind }, reason: record.reason },
    trace: record.trace,
  };
}
