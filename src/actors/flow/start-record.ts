/** A start request in bytes, for a shard that runs on another worker. */
import { bytes, choice, count, recordCodec, small, text } from '../../persistence/index.ts';
import type { Authority, Identity, Principal } from '../../ports/index.ts';

export interface StartParts {
  readonly member: Identity;
  readonly flow: string;
  readonly clientRequestId: string;
  readonly input: Uint8Array;
  /** Version of the flow whose schema has parsed the input: the worker with the shard may have another one. */
  readonly version: number;
  readonly authority: Authority;
  readonly trace: string;
}

/** A start request on its way through the log. */
export interface LoggedStart extends StartParts {
  /**
   * From then on nobody waits for it, in milliseconds since 1970. One that comes later starts nothing: its first flow
   * could have ended and been forgotten, and it would start a second one (W4).
   */
  readonly expires: number;
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
  readonly expires: number;
  readonly version: number;
}

const firstFields = [
  text('memberName'),
  text('memberGroup'),
  text('flow'),
  text('clientRequestId'),
  bytes('input'),
  text('principal'),
  choice('principalKind', 'PrincipalKind', ['operator', 'client', 'member', 'system']),
  text('reason'),
  text('trace'),
];

/** The last moment that a Date knows. */
const never = 8_640_000_000_000_000;

const schema = { type: 'record', name: 'Start', namespace: 'weir.events' } as const;

// Requests that were written without it are of a version that did not know it: they are taken, as they were then.
const secondFields = [...firstFields, { ...count('expires'), default: never }];

const startRecord = recordCodec<StartRecord>(
  { ...schema, fields: [...secondFields, { ...small('version'), default: 0 }] },
  'start request',
  [
    { ...schema, fields: firstFields },
    { ...schema, fields: secondFields },
  ],
);

export function encodeStart(start: LoggedStart): Uint8Array {
  const { member, flow, clientRequestId, input, version, authority, trace, expires } = start;
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
    expires,
    version,
  });
}

export function decodeStart(bytes: Uint8Array): LoggedStart {
  const record = startRecord.decode(bytes);
  return {
    member: { name: record.memberName, group: record.memberGroup },
    flow: record.flow,
    clientRequestId: record.clientRequestId,
    input: record.input,
    version: record.version,
    authority: { principal: { name: record.principal, kind: record.principalKind }, reason: record.reason },
    trace: record.trace,
    expires: record.expires,
  };
}
