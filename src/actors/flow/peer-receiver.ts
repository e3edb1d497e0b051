/** Where session messages enter a node: each is brought to the shard of the flow that it is for. */
import { messageOf } from '../../errors/index.ts';
import type { Logger, MemberDirectory } from '../../ports/index.ts';
import { sameIdentity } from '../../ports/index.ts';
import type { PeerMessage } from '../../transport/peer/index.ts';
import { destinationOf, sessionMessage, sourceOf } from '../session-manager/index.ts';
import { partitionOf, type RoutedMessage } from '../shard/index.ts';
import { tooLargeForUs } from './limits.ts';
import { serviceKinds } from './protocol.ts';
import { receiverKey } from './session-routes.ts';

export interface PeerReceiverSetup {
  readonly partitions: number;
  readonly directory: MemberDirectory;
  readonly logger: Logger;
  readonly route: (partition: number, message: RoutedMessage) => void;
}

/**
 * Takes messages from the peer transport. The transport vouches for the source; a message that claims another one, or
 * that is for a member who is not here, is dropped and logged (SM16).
 */
export function peerReceiver({
  partitions,
  directory,
  logger,
  route,
}: PeerReceiverSetup): (message: PeerMessage) => void {
  return ({ source, destination, bytes }) => {
    try {
      const message = sessionMessage.decode(bytes);
      const honest = sameIdentity(source, sourceOf(message)) && sameIdentity(destination, destinationOf(message));
      if (!honest || directory.find(destination.name, destination.group) === undefined) {
        logger.warn(
          { source: source.name, destination: destination.name },
          'dropped a session message with a false address',
        );
        return;
      }
      const tooLarge = tooLargeForUs(message, bytes.length);
      if (tooLarge !== undefined) {
        logger.warn({ source: source.name, why: tooLarge }, 'dropped a session message that is too large');
        return;
      }
      const key = receiverKey(message);
      route(partitionOf(key, partitions), { type: 'service', kind: serviceKinds.session, bytes });
    } catch (error) {
      logger.warn({ source: source.name, error: messageOf(error) }, 'dropped an unreadable session message');
    }
  };
}
