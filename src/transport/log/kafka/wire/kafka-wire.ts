/**
 * The wire port on real brokers.
 *
 * Each call is one request to the broker that answers for it, or its part of one (`GatheredProduces`). What a broker says
 * definitely resolves, errors too; when nothing was heard, the call fails with `WireFailure`, whose message names request,
 * broker and reason, never a secret.
 */
import type { Clock } from '../../../../ports/index.ts';
import {
  type FetchAnswer,
  type FetchRequest,
  type JoinAnswer,
  type JoinRequest,
  type KafkaWire,
  kafkaError,
  type NewTopic,
  type ProduceAnswer,
  type ProduceRequest,
  WireFailure,
  type WireTopic,
} from '../wire.ts';
import { connectionsOf, type KafkaWireSetup } from './connections.ts';
import type { CoordinatorOf, Directory, Found } from './directory.ts';
import { GatheredProduces } from './gathered-produces.ts';
import { kafkajsRequests, type ProtocolRequest } from './kafkajs.ts';
import type { Address } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { fetchRequest, produceRequest } from './requests.ts';

/** Protocol type and name of Weir's groups: what members tell each other is not what consumers do. */
export const protocol = 'weir';
const topicResource = 2;
export const brokerResource = 4;
/** Weir opens no transactions; brokers ask for a limit all the same. */
const transactionTimeoutMs = 60_000;
const offsets = { earliest: -2, latest: -1 };

export function kafkaWire(setup: KafkaWireSetup): KafkaWire {
  return new RealWire(setup);
}

class RealWire implements KafkaWire {
  readonly #clock: Clock;
  readonly #lanes: Lanes;
  readonly #directory: Directory;
  readonly #timeoutMs: number;
  readonly #produces: GatheredProduces;
  /** Of each group, as its last join said: how long a sync may be parked. */
  readonly #rebalanceTimeoutMs = new Map<string, number>();
  #closed = false;

  constructor(setup: KafkaWireSetup) {
    const { clock, lanes, directory, timeoutMs } = connectionsOf(setup);
    this.#clock = clock;
    this.#lanes = lanes;
    this.#directory = directory;
    this.#timeoutMs = timeoutMs;
    this.#produces = new GatheredProduces({
      clock,
      send: (at, batches, leaving) =>
        this.#lanes.shared(at).send(produceRequest(batches, Math.round(timeoutMs * 0.8)), timeoutMs, leaving),
    });
  }

  async initProducerId(transactionalId: string) {
    const none = { producerId: '-1', epoch: -1 };
    if (transactionalId === '') return { error: kafkaError.invalidRequest, ...none };
    const request = kafkajsRequests.initProducerId({ transactionalId, transactionTimeout: transactionTimeoutMs });
    const answer = await this.#atCoordinator('transaction', transactionalId, request);
    if ('error' in answer) return { error: answer.error, ...none };
    const { errorCode, producerId, producerEpoch } = answer;
    return { error: errorCode, producerId, epoch: producerEpoch };
  }

  async produce(request: ProduceRequest): Promise<ProduceAnswer> {
    const madeAt = this.#clock.now();
    const answer = await this.#atLeader(request, (at) => this.#produces.produce(at, request, madeAt));
    return { error: answer.error, baseOffset: 'baseOffset' in answer ? answer.baseOffset : -1 };
  }

  async fetch(request: FetchRequest): Promise<FetchAnswer> {
    const answer = await this.#atLeader(request, (at) =>
      request.maxWaitMs > 0
        ? this.#park(at, fetchRequest(request), request.maxWaitMs)
        : this.#send(at, fetchRequest(request)),
    );
    return 'batches' in answer ? answer : { error: answer.error, highWatermark: -1, logStart: -1, batches: [] };
  }

  async offset(topic: string, partition: number, position: 'earliest' | 'latest') {
    const partitions = [{ partition, timestamp: offsets[position] }];
    const request = kafkajsRequests.listOffsets({
      ...{ replicaId: -1, isolationLevel: 0 },
      topics: [{ topic, partitions }],
    });
    const answer = await this.#atLeader({ topic, partition }, (at) => this.#send(at, request));
    if ('error' in answer) return { error: answer.error, offset: -1 };
    const found = answer.responses[0]?.partitions[0];
    if (found === undefined) throw new WireFailure('the answer to ListOffsets is empty');
    return { error: found.errorCode, offset: Number(found.offset) };
  }

  async deleteRecords(topic: string, partition: number, before: number) {
    const request = kafkajsRequests.deleteRecords({
      topics: [{ topic, partitions: [{ partition, offset: String(before) }] }],
      timeout: Math.round(this.#timeoutMs * 0.8),
    });
    const answer = await this.#atLeader({ topic, partition }, (at) => this.#send(at, request));
    if ('error' in answer) return answer;
    const found = answer.topics[0]?.partitions[0];
    if (found === undefined) throw new WireFailure('the answer to DeleteRecords is empty');
    return { error: found.errorCode };
  }

  async topics(): Promise<readonly WireTopic[]> {
    this.#failWhenClosed();
    const topics = await this.#directory.topics();
    return topics
      .filter(({ error, internal }) => error === kafkaError.none && !internal)
      .map(({ name, id, partitions }) => ({
        ...{ name, id },
        partitions: partitions.length,
        replication: partitions[0]?.replicas ?? 0,
      }));
  }

  async createTopics(topics: readonly NewTopic[]) {
    this.#failWhenClosed();
    const request = kafkajsRequests.createTopics({
      topics: topics.map(({ name, partitions, replication, config }) => ({
        ...{ topic: name, numPartitions: partitions, replicationFactor: replication },
        configEntries: Object.entries(config).map(([entry, value]) => ({ name: entry, value })),
      })),
      timeout: Math.round(this.#timeoutMs * 0.8),
    });
    // Brokers pass it on to the controller.
    const { topicErrors } = await this.#directory.anyBroker((at) => this.#send(at, request));
    return topicErrors.map(({ topic, errorCode, errorMessage }) => ({
      ...{ name: topic, error: errorCode },
      ...(errorMessage !== null && { message: errorMessage }),
    }));
  }

  async topicConfig(topic: string): Promise<Readonly<Record<string, string>>> {
    this.#failWhenClosed();
    const resources = [{ type: topicResource, name: topic }];
    const request = kafkajsRequests.describeConfigs({ resources, includeSynonyms: false });
    const answer = await this.#directory.anyBroker((at) => this.#send(at, request));
    const [found] = answer.resources;
    if (found?.errorCode === kafkaError.unknownTopicOrPartition) return {};
    if (found?.errorCode !== kafkaError.none) {
      throw new WireFailure(`the brokers refuse to tell the settings of ${topic} (error ${found?.errorCode})`);
    }
    return Object.fromEntries(
      found.configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']),
    );
  }

  async brokerConfig(): Promise<Readonly<Record<string, string>>> {
    this.#failWhenClosed();
    let failure = new WireFailure('no broker is known');
    // What a broker is set to only it can tell.
    for (const [id, at] of await this.#directory.brokers()) {
      const resources = [{ type: brokerResource, name: String(id) }];
      try {
        const { resources: found } = await this.#send(
          at,
          kafkajsRequests.describeConfigs({ resources, includeSynonyms: false }),
        );
        return Object.fromEntries(
          (found[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue ?? '']),
        );
      } catch (error) {
        if (!(error instanceof WireFailure)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async joinGroup(request: JoinRequest): Promise<JoinAnswer> {
    const { group, memberId, rebalanceTimeoutMs } = request;
    const failed = (error: number): JoinAnswer => ({ error, generation: -1, memberId, leaderId: '', members: [] });
    if (group === '') return failed(kafkaError.invalidGroupId);
    this.#rebalanceTimeoutMs.set(group, rebalanceTimeoutMs);
    const sent = kafkajsRequests.joinGroup({
      ...{ groupId: group, memberId, rebalanceTimeout: rebalanceTimeoutMs },
      sessionTimeout: request.sessionTimeoutMs,
      protocolType: protocol,
      groupProtocols: [{ name: protocol, metadata: Buffer.from(request.metadata) }],
    });
    const answer = await this.#atCoordinator('group', group, sent, rebalanceTimeoutMs);
    if ('error' in answer) return failed(answer.error);
    return {
      error: answer.errorCode,
      generation: answer.generationId,
      memberId: answer.memberId,
      leaderId: answer.leaderId,
      members: answer.members.map(({ memberId: id, memberMetadata }) => ({ memberId: id, metadata: memberMetadata })),
    };
  }

  async syncGroup(request: Parameters<KafkaWire['syncGroup']>[0]) {
    const { group, memberId, generation, assignments } = request;
    const sent = kafkajsRequests.syncGroup({
      ...{ groupId: group, memberId, generationId: generation },
      groupAssignment: assignments.map((one) => ({
        memberId: one.memberId,
        memberAssignment: Buffer.from(one.assignment),
      })),
    });
    const answer = await this.#atCoordinator('group', group, sent, this.#rebalanceTimeoutMs.get(group) ?? 0);
    if ('error' in answer) return { error: answer.error, assignment: new Uint8Array() };
    return { error: answer.errorCode, assignment: new Uint8Array(answer.memberAssignment ?? []) };
  }

  async heartbeat(group: string, memberId: string, generation: number) {
    const request = kafkajsRequests.heartbeat({
      ...{ groupId: group, memberId },
      ...{ groupGenerationId: generation, groupInstanceId: null },
    });
    const answer = await this.#atCoordinator('group', group, request);
    return { error: 'error' in answer ? answer.error : answer.errorCode };
  }

  async leaveGroup(group: string, memberId: string) {
    const request = kafkajsRequests.leaveGroup({ groupId: group, memberId });
    const answer = await this.#atCoordinator('group', group, request);
    if ('error' in answer) return answer;
    return { error: answer.errorCode || (answer.members[0]?.errorCode ?? kafkaError.none) };
  }

  refresh(): void {
    this.#directory.refresh();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#lanes.close();
  }

  #send<T>(at: Address, request: ProtocolRequest<T>): Promise<T> {
    return this.#lanes.shared(at).send(request, this.#timeoutMs);
  }

  /** For requests that may wait at the broker. */
  #park<T>(at: Address, request: ProtocolRequest<T>, waitMs: number): Promise<T> {
    return this.#lanes.parking(at).send(request, this.#timeoutMs + waitMs);
  }

  async #atLeader<T extends object>(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    ask: (at: Address) => Promise<T>,
  ): Promise<T | { readonly error: number }> {
    return this.#at(await this.#find(() => this.#directory.leader(topic, partition)), ask);
  }

  async #atCoordinator<T extends { readonly errorCode: number }>(
    type: CoordinatorOf,
    id: string,
    request: ProtocolRequest<T>,
    waitMs?: number,
  ): Promise<T | { readonly error: number }> {
    const found = await this.#find(() => this.#directory.coordinator(type, id));
    const answer = await this.#at(found, (at) =>
      waitMs === undefined ? this.#send(at, request) : this.#park(at, request, waitMs),
    );
    const moved: readonly number[] = [kafkaError.notCoordinator, kafkaError.coordinatorNotAvailable];
    if ('errorCode' in answer && moved.includes(answer.errorCode)) this.#directory.forgetCoordinator(type, id);
    return answer;
  }

  #find(find: () => Promise<Found>): Promise<Found> {
    this.#failWhenClosed();
    return find();
  }

  async #at<T>(found: Found, ask: (at: Address) => Promise<T>): Promise<T | { readonly error: number }> {
    if ('error' in found) return found;
    this.#failWhenClosed();
    try {
      return await ask(found.at);
    } catch (error) {
      // A broker that does not answer may have lost what it led.
      this.#directory.refresh();
      throw error;
    }
  }

  #failWhenClosed(): void {
    if (this.#closed) throw new WireFailure('the client is closed');
  }
}
