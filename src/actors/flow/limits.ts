/** Sizes that flow code can reach. They are checked before anything joins a batch, so that they concern one flow alone. */
import { WeirError } from '../../errors/index.ts';
import type { SessionRecord } from '../../persistence/index.ts';
import type { SessionMessage } from '../session-manager/index.ts';
import type { ShardHost } from '../shard/index.ts';

/** Largest value that a flow may keep, send or return, in bytes: half a record, which leaves room for what goes with it. */
export function maxValueBytes({ limits }: Pick<ShardHost, 'limits'>): number {
  return Math.floor(limits.maxRecordBytes / 2);
}

/** Longest name that flow code may give an operation or a session. */
export const maxLabelLength = 1_000;

/** Operations of one visit: their removal at its end has to fit into one batch. */
export const maxOperationsOfVisit = 50_000;

/** Bytes that the sessions of one flow may take in its head. */
export const maxSessionBytes = 128 * 1024;

/** Bytes of a list of sessions in a head, roughly; a peer's reason for failing may still be added to each. */
export function sessionBytes(sessions: readonly SessionRecord[]): number {
  let bytes = 0;
  for (const { id, name, protocol, peerName, peerGroup } of sessions) {
    bytes += 40 + id.length + name.length + protocol.length + peerName.length + peerGroup.length;
  }
  return bytes;
}

/** Text that stands in every record of a flow and comes from outside, cut to what has room. */
export function cut(text: string): string {
  return text.length <= maxLabelLength ? text : `${text.slice(0, maxLabelLength - 1)}…`;
}

/** @throws WeirError `WEIR_FLOW_TOO_LARGE` */
export function checkSize(host: Pick<ShardHost, 'limits'>, flow: string, what: string, bytes: number): void {
  const limit = maxValueBytes(host);
  if (bytes > limit) throw new WeirError('WEIR_FLOW_TOO_LARGE', { what, flow, bytes, limit });
}

/** Largest session message that a peer may send: a body of the largest size, and what goes with it. */
const maxPeerMessageBytes = 768 * 1024;
/** Longest name that a peer may give: of a session, a protocol, a trace, a member. */
const maxNameLength = 1_000;
/** Longest reason that a peer may give for its failure: as long as the message of an error. */
const maxReasonLength = 4_000;

/** Why a message of a peer is refused for its size; undefined when it fits. What fits can always be kept in a record. */
export function tooLargeForUs(message: SessionMessage, bytes: number): string | undefined {
  if (bytes > maxPeerMessageBytes) return `it has ${bytes} bytes, the limit is ${maxPeerMessageBytes}`;
  const { session, protocol, trace, sourceName, sourceGroup, type } = message;
  for (const name of [session, protocol, trace, sourceName, sourceGroup]) {
    if (name.length > maxNameLength) return `a name in it has ${name.length} characters, the limit is ${maxNameLength}`;
  }
  if (type.length > maxReasonLength) return `its type has ${type.length} characters, the limit is ${maxReasonLength}`;
  return undefined;
}
