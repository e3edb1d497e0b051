/** Session protocols: the typed conversation that two flows share, written once and imported by both sides. */
import type { ZodType } from 'zod';

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
}

/**
 * Declares a protocol.
 * @param name unique among the protocols of a node
 */
export function protocol<const Initiator extends MessageTypes, const Responder extends MessageTypes>(
  name: string,
  { version, initiator, responder }: { version: number; initiator: Initiator; responder: Responder },
): Protocol<Initiator, Responder> {
  return { name, version, initiator, responder };
}
