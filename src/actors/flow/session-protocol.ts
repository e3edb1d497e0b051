/** Session protocols: the typed conversation that two flows share, written once and imported by both sides. */
import type { ZodType } from 'zod';
import { messageOf, WeirError } from '../../errors/index.ts';
import { type Duration, toMs } from '../../ports/index.ts';
import { maxLabelLength } from './limits.ts';

/** Message types of one direction: name to schema of the body. */
export type MessageTypes = Readonly<Record<string, ZodType>>;

export interface Protocol<
  Initiator extends MessageTypes = MessageTypes,
  Responder extends MessageTypes = MessageTypes,
> {
  readonly name: string;
  readonly version: number;
  /** What the flow that opens the session may send. */
  readonly initiator: Initiator;
  /** What the flow that answers may send. */
  readonly responder: Responder;
  /** A flow that ends waits until its peer has closed the session, too. */
  readonly requireClose: boolean;
  /** How long a session may be silent; undefined for as long as the node says. */
  readonly idle: Duration | undefined;
}

export interface ProtocolOptions<Initiator extends MessageTypes, Responder extends MessageTypes> {
  /** A positive whole number; both sides must have the same. */
  readonly version: number;
  readonly initiator: Initiator;
  readonly responder: Responder;
  /**
   * A flow that ends with a session of this protocol waits until the peer has closed it, too, or it has failed: it
   * COMPLETES only when the other side is through. Default false: it ends at once, and the peer hears that it has closed.
   */
  readonly requireClose?: boolean;
  /**
   * How long a session of this protocol may be silent before it has failed on both sides, `WEIR_SESSION_EXPIRED`. Give it
   * where two messages may be further apart than the node's own `idle` (30 days), or have to come much sooner. Of two
   * nodes that say different things the shorter one holds. Default: the setting of the node.
   */
  readonly idle?: Duration | undefined;
}

/**
 * Declares a protocol.
 * @param name unique among the protocols of a node
 * @throws WeirError `WEIR_PROTOCOL_DEFINITION`
 */
export function protocol<const Initiator extends MessageTypes, const Responder extends MessageTypes>(
  name: string,
  { version, initiator, responder, requireClose = false, idle }: ProtocolOptions<Initiator, Responder>,
): Protocol<Initiator, Responder> {
  const refuse = (why: string): never => {
    throw new WeirError('WEIR_PROTOCOL_DEFINITION', { name: String(name), why });
  };
  if (typeof name !== 'string' || name === '') refuse('its name is empty');
  if (name.length > maxLabelLength) refuse(`its name has ${name.length} characters, the limit is ${maxLabelLength}`);
  if (!Number.isInteger(version) || version < 1) refuse(`version ${version} is not a positive whole number`);
  for (const type of [...Object.keys(initiator), ...Object.keys(responder)]) {
    // What receive() gives when time is up bears this name.
    if (type === 'timedOut' || type === '') refuse(`no message may be called "${type}"`);
  }
  if (typeof requireClose !== 'boolean') refuse(`requireClose is ${typeof requireClose}, not true or false`);
  if (idle !== undefined && lengthOf(idle, refuse) === 0) refuse('idle is no time at all');
  return { name, version, initiator, responder, requireClose, idle };
}

function lengthOf(idle: Duration, refuse: (why: string) => never): number {
  try {
    return toMs(idle);
  } catch (error) {
    return refuse(`idle: ${messageOf(error)}`);
  }
}
