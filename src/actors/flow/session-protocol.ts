/** Session protocols: the typed conversation that two flows share, written once and imported by both sides. */
import type { ZodType } from 'zod';
import { WeirError } from '../../errors/index.ts';

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
 * @throws WeirError `WEIR_PROTOCOL_DEFINITION`
 */
export function protocol<const Initiator extends MessageTypes, const Responder extends MessageTypes>(
  name: string,
  { version, initiator, responder }: { version: number; initiator: Initiator; responder: Responder },
): Protocol<Initiator, Responder> {
  const refuse = (why: string): never => {
    throw new WeirError('WEIR_PROTOCOL_DEFINITION', { name: String(name), why });
  };
  if (typeof name !== 'string' || name === '') refuse('its name is empty');
  if (!Number.isInteger(version) || version < 1) refuse(`version ${version} is not a positive whole number`);
  for (const type of [...Object.keys(initiator), ...Object.keys(responder)]) {
    // What receive() gives when time is up bears this name.
    if (type === 'timedOut' || type === '') refuse(`no message may be called "${type}"`);
  }
  return { name, version, initiator, responder };
}
