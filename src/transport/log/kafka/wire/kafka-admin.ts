/** The administration port on real brokers. */
import type { AdminGroup, AdminTopic, KafkaAdmin } from '../admin.ts';
import { nameOf } from '../refusals.ts';
import { kafkaError, WireFailure } from '../wire.ts';
import { addressOf, type Connections, connectionsOf, type KafkaWireSetup } from './connections.ts';
import { brokerResource, protocol } from './kafka-wire.ts';
import { kafkajsRequests, type ProtocolRequest } from './kafkajs.ts';
import type { Address } from './lane.ts';
import { featuresRequest, produceRequest } from './requests.ts';

export function kafkaAdmin(setup: KafkaWireSetup): KafkaAdmin {
  return new RealAdmin(connectionsOf(setup));
}

class RealAdmin implements KafkaAdmin {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async reach(address: string): Promise<void> {
    await this.#send(addressOf(address), kafkajsRequests.apiVersions({}));
  }

  async cluster() {
    const { clusterId, brokers } = await this.#connections.directory.metadata();
    return {
      clusterId,
      brokers: brokers.map(({ nodeId, host, port, rack }) => ({
        ...{ id: nodeId, address: `${host}:${port}` },
        rack: rack === '' ? undefined : rack,
      })),
    };
  }

  async metadataVersion(): Promise<number | undefined> {
    const features = await this.#connections.directory.anyBroker((at) => this.#send(at, featuresRequest()));
    return features.get('metadata.version');
  }

  async brokerConfig(broker: number): Promise<Readonly<Record<string, string>> | undefined> {
    const at = (await this.#connections.directory.brokers()).get(broker);
    if (at === undefined) throw new WireFailure(`broker ${broker} is not there`);
    const resources = [{ type: brokerResource, name: String(broker) }];
    const request = kafkajsRequests.describeConfigs({ resources, includeSynonyms: false });
    const [found] = (await this.#send(at, request)).resources;
    if (found?.errorCode === kafkaError.clusterAuthorizationFailed) return undefined;
    if (found?.errorCode !== kafkaError.none) throw refused(`settings of broker ${broker}`, found?.errorCode ?? -1);
    return Object.fromEntries(
      found.configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']),
    );
  }

  async topics(): Promise<readonly AdminTopic[]> {
    const { topics } = await this.#connections.directory.metadata();
    return topics.filter(({ error }) => error === kafkaError.none);
  }

  async stamp(topic: string, partition: number) {
    const { directory, timeoutMs } = this.#connections;
    directory.refresh();
    const found = await directory.leader(topic, partition);
    if ('error' in found) return { error: found.error, broker: -1, appendedAt: -1 };
    const records = [{ key: 'stamp', value: null }];
    const request = produceRequest([{ topic, partition, records, timestampMs: 0 }], Math.round(timeoutMs * 0.8));
    const [{ error, appendedAt } = { error: -1, appendedAt: -1 }] = await this.#send(found.at, request);
    const brokers = await directory.brokers();
    const [broker = -1] =
      [...brokers].find(([, { host, port }]) => host === found.at.host && port === found.at.port) ?? [];
    return { error, broker, appendedAt };
  }

  /** Each broker knows the groups that it coordinates. */
  async groups(prefix: string, expected: readonly string[]): Promise<readonly AdminGroup[]> {
    const found: AdminGroup[] = [];
    for (const group of expected) await this.#assertVisible(group);
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

  /** A list leaves out what a user may not see; whoever is asked about it by name says so. */
  async #assertVisible(group: string): Promise<void> {
    const coordinator = await this.#connections.directory.coordinator('group', group);
    if ('error' in coordinator) throw refused(`group ${group}`, coordinator.error);
    const described = await this.#send(coordinator.at, kafkajsRequests.describeGroups({ groupIds: [group] }));
    const error = described.groups[0]?.errorCode ?? kafkaError.none;
    if (error !== kafkaError.none) throw refused(`group ${group}`, error);
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
  return new WireFailure(`the brokers do not tell of ${what}: ${nameOf(error)}`);
}
