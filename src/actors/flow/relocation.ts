/**
 * Where everything of the flow service belongs in another number of partitions: flows and what is theirs by routing key,
 * persistent actors by address, chains of the audit and configurations by the number of their shard.
 */

import { unreachable } from '../kernel/index.ts';
import { sessionMessage } from '../session-manager/index.ts';
import { partitionOf, type ServiceRelocation } from '../shard/index.ts';
import { actorMessage } from './actor-message.ts';
import { decodeAsk } from './ask-record.ts';
import { chainOf } from './audit-keys.ts';
import { actorAddress, clientRoutingKey, routingKeyOf } from './ids.ts';
import { keptAnswer } from './log-answers.ts';
import { flowTopics, serviceKinds } from './protocol.ts';
import { receiverKey, senderKey } from './session-routes.ts';
import { decodeStart } from './start-record.ts';
import { stateKindOf } from './state-kinds.ts';

export function flowRelocation(partitions: number): ServiceRelocation {
  const at = (routingKey: string): number => partitionOf(routingKey, partitions);
  return {
    state({ key, value }) {
      const [, id = ''] = key.split('/');
      const kind = stateKindOf(key);
      switch (kind) {
        case 'c':
          return at(id.startsWith('@') ? id : routingKeyOf(id));
        case 'j':
        case 'i':
        case 'g':
          return at(routingKeyOf(id));
        case 'o':
          return at(senderKey(sessionMessage.decode(value ?? new Uint8Array())));
        case 'q':
          return at(keptAnswer.decode(value ?? new Uint8Array()).place);
        case 'a':
        case 'n':
          return 'shard';
        case undefined:
          return undefined;
        default:
          return unreachable(kind);
      }
    },
    message(bytes) {
      const { kind, flow, memberName, memberGroup, actor, key } = actorMessage.decode(bytes);
      const asker = at(routingKeyOf(flow));
      const asked = at(actorAddress({ name: memberName, group: memberGroup }, actor, key));
      return kind === 'answer' ? { sender: asked, receiver: asker } : { sender: asker, receiver: asked };
    },
    event(kind, bytes) {
      if (kind === serviceKinds.session) return at(receiverKey(sessionMessage.decode(bytes)));
      if (kind === serviceKinds.ask) return at(decodeAsk(bytes).place);
      const { member, clientRequestId } = decodeStart(bytes);
      return at(clientRoutingKey(member, clientRequestId));
    },
    table(topic, key) {
      if (topic === flowTopics.status) return at(routingKeyOf(key));
      return topic === flowTopics.audit ? chainOf(key) % partitions : undefined;
    },
  };
}
