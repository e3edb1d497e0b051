/** Whose a session message is: the routing keys of the flow that sends it and of the one that takes it. */
import { destinationOf, type SessionMessage, sourceOf } from '../session-manager/index.ts';
import { responderRoutingKey, routingKeyOf } from './ids.ts';

/** The initiator's id is in that of the session; a responder is found by its member, its peer and the session. */
export function receiverKey(message: SessionMessage): string {
  return message.direction === 'toInitiator'
    ? routingKeyOf(message.session)
    : responderRoutingKey(destinationOf(message), sourceOf(message), message.session);
}

export function senderKey(message: SessionMessage): string {
  return message.direction === 'toResponder'
    ? routingKeyOf(message.session)
    : responderRoutingKey(sourceOf(message), destinationOf(message), message.session);
}
