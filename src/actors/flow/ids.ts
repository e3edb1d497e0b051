/**
 * Ids. A routing key says to which shard a flow belongs and finds it again; the flow id adds the commit number at which
 * it was accepted, so that a request id reused after its window names a new flow (SM15).
 */
import { hash } from 'node:crypto';
import { hex } from '../../persistence/index.ts';
import { type Identity, memberId, sameIdentity } from '../../ports/index.ts';

const keyLength = 24;
const shortHashLength = 32;

/** Routing key of a flow that a client starts. */
export function clientRoutingKey(member: Identity, clientRequestId: string): string {
  return digest(['client', member.name, member.group, clientRequestId]);
}

/**
 * Routing key of a flow that a session starts. The authenticated sender is part of it: a peer can neither choose nor
 * collide with a flow that answers another peer (SM16).
 */
export function responderRoutingKey(member: Identity, sender: Identity, session: string): string {
  const last = responders.get(session);
  if (last !== undefined && sameIdentity(last.member, member) && sameIdentity(last.sender, sender)) return last.key;
  const key = digest(['session', member.name, member.group, sender.name, sender.group, session]);
  if (responders.size >= mostResponders) responders.clear();
  responders.set(session, { member, sender, key });
  return key;
}

interface Responder {
  readonly member: Identity;
  readonly sender: Identity;
  readonly key: string;
}

/** By session: who answers it, as it was asked for last. Each message asks several times, and a hash is dear. */
const responders = new Map<string, Responder>();
const mostResponders = 1_024;

export function flowIdOf(routingKey: string, commit: number): string {
  return `${routingKey}-${commit.toString(36)}`;
}

/** The routing key within a flow id, and within the ids made from it. */
export function routingKeyOf(id: string): string {
  return id.slice(0, keyLength);
}

/** Id of an operation: of a step, a request or a session. */
export function operationId(flowId: string, visit: number, index: number): string {
  return `${flowId}.${visit}.${index}`;
}

/** The journal place in the id of a request, or of anything else that an operation's id stands in. */
export function placeInRequest(request: string): number {
  return Number(request.split('.')[2]);
}

/** Address of a persistent actor: the routing key of its shard as well. */
export function actorAddress(member: Identity, actor: string, key: string): string {
  return `@${memberId(member)}:${encodeURIComponent(actor)}:${encodeURIComponent(key)}`;
}

/** A repeatable 128-bit number for `random` and `uuid`, in hex. */
export function derived(...parts: ReadonlyArray<string | number>): string {
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);
}

/** Hash of canonical bytes, for "same body". */
export function bodyHash(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex').slice(0, shortHashLength);
}

/** The part of a SHA-256 that "same body" goes by, in hex. */
export function shortHash(sha256: Uint8Array): string {
  return hex(sha256).slice(0, shortHashLength);
}

function digest(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, keyLength);
}
