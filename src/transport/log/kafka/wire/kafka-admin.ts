/** The administration port on real brokers. */
import type { AdminGroup, KafkaAdmin } from '../admin.ts';
import { kafkaError, WireFailure } from '../wire.ts';
import { type Connections, connectionsOf, type KafkaWireSetup } from './connections.ts';
import { protocol } from './kafka-wire.ts';
import { kafkajsRequests, type ProtocolRequest } from './kafkajs.ts';
import type { Address } from './lane.ts';

export function kafkaAdmin(setup: KafkaWireSetup): KafkaAdmin {
  return new RealAdmin(connectionsOf(setup));
}

class RealAdmin implements KafkaAdmin {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Each broker knows the groups that it coordinates. */
  async groups(prefix: string): Promise<readonly AdminGroup[]> {
    const found: AdminGroup[] = [];
    for (const at of (await this.#connections.directory.brokers()).values()) {
      const { errorCode, groups } = await this.#send(at, kafkajsRequests.listGroups({}));
      if (errorCode !== kafkaError.none) throw refused('groups', errorCode);
      const ours = groups.filter(
        ({ groupId, protocolType }) => groupId.startsWith(prefix) && protocolType === protocol,
      );
      if (ours.length === 0) continue;
      const groupIds = ours.map(({ groupId }) => groupId);
      const described = await this.#send(at, kafkajsRequests.describeGroups({ groupIds }));
      for (const { errorCode: error, groupId, members } of described.groups) {
        if (error !== kafkaError.none) throw refused(`group ${groupId}`, error);
        found.push({ group: groupId, members: members.map(({ clientId }) => clientId) });
      }
    }
    return found;
  }

  async deleteTopics(names: readonly string[]) {
    if (names.length === 0) return [];
    const { directory, timeoutMs } = this.#connections;
    const request = kafkajsRequests.deleteTopics({ topics: names, timeout: Math.round(timeoutMs * 0.8) });
    const { topicErrors } = await directory.anyBroker((at) => this.#send(at, request));
    return topicErrors
      .filter(({ errorCode }) => errorCode !== kafkaError.unknownTopicOrPartition)
      .map(({ topic, errorCode }) => ({ name: topic, error: errorCode }));
  }

  async close(): Promise<void> {
    this.#connections.lanes.close();
  }

  #send<T>(at: Address, request: ProtocolRequest<T>): Promise<T> {
    return this.#connections.lanes.shared(at).send(request, this.#connections.timeoutMs);
  }
}

function refused(what: string, error: number): WireFailure {
  return new WireFailure(`the brokers refuse to tell of ${what} (error ${error})`);
}
