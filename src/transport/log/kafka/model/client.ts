/** A client of the model: the wire port, answered by the cluster in memory. */
import {
  type FetchAnswer,
  type FetchRequest,
  type JoinAnswer,
  type JoinRequest,
  type KafkaWire,
  kafkaError,
  type ProduceAnswer,
  type ProduceRequest,
  WireFailure,
  type WireTopic,
} from '../wire.ts';
import type { Cluster } from './cluster.ts';
import { type Call, type Connection, exchange } from './exchange.ts';
import type { Api, RequestInfo } from './faults.ts';
import { failedJoin, type SyncAnswer } from './group.ts';
import type { Partition } from './partition.ts';

export interface ModelClientSetup extends Connection {
  readonly id: string;
  readonly cluster: Cluster;
}

/** Who answers for a partition: its leader, nobody at all, a deposed leader that still believes in itself; or an error. */
type Answering = 'leader' | 'nobody' | 'deposed' | { readonly error: number };

const nothing: Uint8Array = new Uint8Array();
const unknownTopic: Answering = { error: kafkaError.unknownTopicOrPartition };

export class ModelClient implements KafkaWire {
  readonly #setup: ModelClientSetup;
  readonly #cluster: Cluster;
  readonly #leaders = new Map<Partition, number>();
  #closed = false;

  constructor(setup: ModelClientSetup) {
    this.#setup = setup;
    this.#cluster = setup.cluster;
  }

  initProducerId(transactionalId: string) {
    const refusal = (error: number) => ({ error, producerId: '-1', epoch: -1 });
    return this.#ask('init-producer-id', { about: transactionalId }, refusal, (answer) => {
      const given = this.#cluster.transactionalIds.initProducerId(transactionalId);
      const { producerId, epoch } = given;
      const client = this.#setup.id;
      this.#setup.settings.observe({ type: 'producer', client, transactionalId, producerId, epoch });
      answer(given);
    });
  }

  produce(request: ProduceRequest): Promise<ProduceAnswer> {
    const { topic, partition, producer } = request;
    // The bytes leave now: what the caller does with its buffers later is not sent.
    const sent = {
      ...request,
      records: request.records.map(({ key, value }) => ({ key, value: value && copy(value) })),
    };
    const about = { about: topic, partition, ...(producer && { producer }) };
    const refusal = (error: number) => ({ error, baseOffset: -1 });
    return this.#ask('produce', about, refusal, (answer) => {
      const at = this.#cluster.partition(topic, partition);
      const answering = this.#answering(at);
      if (typeof answering === 'object') return answer(refusal(answering.error));
      // A deposed leader never gets the acknowledgements it would need.
      if (at === undefined || answering !== 'leader') return answer(undefined);
      const { error, baseOffset, repeat } = at.append(sent);
      const client = this.#setup.id;
      if (error === kafkaError.none) {
        const records = sent.records.length;
        const event = { type: 'produced', client, topic, partition, producer, baseOffset, records, repeat } as const;
        this.#setup.settings.observe(event);
      }
      answer({ error, baseOffset });
    });
  }

  fetch({ topic, partition, offset, maxBytes, maxWaitMs }: FetchRequest): Promise<FetchAnswer> {
    const refusal = (error: number) => ({ error, highWatermark: -1, logStart: -1, batches: [] });
    return this.#ask<FetchAnswer>('fetch', { about: topic, partition }, refusal, (answer) => {
      const read = (): FetchAnswer | undefined => {
        const at = this.#cluster.partition(topic, partition);
        const answering = this.#answering(at);
        if (typeof answering === 'object') return refusal(answering.error);
        if (at === undefined || answering === 'nobody') return undefined;
        return at.read(offset, maxBytes, answering === 'deposed' ? at.stale?.highWatermark : undefined);
      };
      const first = read();
      const at = this.#cluster.partition(topic, partition);
      if (at === undefined || first === undefined) return answer(first);
      if (first.error !== kafkaError.none || first.batches.length > 0 || maxWaitMs <= 0) return answer(first);
      const timer = this.#setup.settings.clock.after(maxWaitMs, () => {
        forget();
        answer(read());
      });
      const forget = at.whenChanged(() => {
        timer.cancel();
        answer(read());
      });
    });
  }

  offset(topic: string, partition: number, position: 'earliest' | 'latest') {
    const refusal = (error: number) => ({ error, offset: -1 });
    return this.#ask('offset', { about: topic, partition }, refusal, (answer) => {
      const at = this.#cluster.partition(topic, partition);
      const answering = this.#answering(at);
      if (typeof answering === 'object') return answer(refusal(answering.error));
      if (at === undefined || answering === 'nobody') return answer(undefined);
      const end = answering === 'deposed' ? (at.stale?.highWatermark ?? at.highWatermark) : at.highWatermark;
      answer({ error: kafkaError.none, offset: position === 'earliest' ? at.logStart : end });
    });
  }

  deleteRecords(topic: string, partition: number, before: number) {
    return this.#ask('delete-records', { about: topic, partition }, justError, (answer) => {
      const at = this.#cluster.partition(topic, partition);
      const answering = this.#answering(at);
      if (typeof answering === 'object') return answer(answering);
      if (at === undefined || answering !== 'leader') return answer(undefined);
      answer({ error: at.deleteRecords(before) });
    });
  }

  topics(): Promise<readonly WireTopic[]> {
    return this.#ask<readonly WireTopic[]>(
      'topics',
      {},
      () => [],
      (answer) => answer(this.#cluster.topics()),
    );
  }

  createTopics(topics: Parameters<KafkaWire['createTopics']>[0]) {
    const refusal = (error: number) => topics.map(({ name }) => ({ name, error }));
    return this.#ask('create-topics', {}, refusal, (answer) =>
      answer(topics.map((topic) => ({ name: topic.name, error: this.#cluster.createTopic(topic) }))),
    );
  }

  topicConfig(topic: string): Promise<Readonly<Record<string, string>>> {
    return this.#ask(
      'topic-config',
      { about: topic },
      () => ({}),
      (answer) => answer(this.#cluster.topicConfig(topic)),
    );
  }

  brokerConfig(): Promise<Readonly<Record<string, string>>> {
    const { producerIdExpirationMs, transactionalIdExpirationMs } = this.#setup.settings;
    return this.#ask(
      'broker-config',
      {},
      () => ({}),
      (answer) =>
        answer({
          'producer.id.expiration.ms': String(producerIdExpirationMs),
          'transactional.id.expiration.ms': String(transactionalIdExpirationMs),
        }),
    );
  }

  joinGroup(request: JoinRequest): Promise<JoinAnswer> {
    const refusal = (error: number) => failedJoin(error, request.memberId);
    return this.#ask('join-group', { about: request.group }, refusal, (answer) => {
      const { min, max } = this.#setup.settings.sessionTimeoutMs;
      if (request.group === '') return answer(refusal(kafkaError.invalidGroupId));
      if (request.sessionTimeoutMs < min || request.sessionTimeoutMs > max) {
        return answer(refusal(kafkaError.invalidSessionTimeout));
      }
      if (request.memberId === '') {
        const memberId = this.#cluster.newMemberId(this.#setup.id);
        return this.#cluster.groupOrNew(request.group).announce(request, memberId, answer);
      }
      const group = this.#cluster.group(request.group);
      if (group === undefined) return answer(refusal(kafkaError.unknownMember));
      group.join({ ...request, metadata: copy(request.metadata) }, answer);
    });
  }

  syncGroup(request: Parameters<KafkaWire['syncGroup']>[0]): Promise<SyncAnswer> {
    const refusal = (error: number) => ({ error, assignment: nothing });
    return this.#ask('sync-group', { about: request.group }, refusal, (answer) => {
      const group = this.#cluster.group(request.group);
      if (group === undefined) return answer(refusal(kafkaError.unknownMember));
      group.sync(request, answer);
    });
  }

  heartbeat(group: string, memberId: string, generation: number) {
    return this.#ask('heartbeat', { about: group }, justError, (answer) =>
      answer({ error: this.#cluster.group(group)?.heartbeat(memberId, generation) ?? kafkaError.unknownMember }),
    );
  }

  leaveGroup(group: string, memberId: string) {
    return this.#ask('leave-group', { about: group }, justError, (answer) =>
      answer({ error: this.#cluster.group(group)?.leave(memberId) ?? kafkaError.unknownMember }),
    );
  }

  refresh(): void {
    this.#leaders.clear();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const fail of [...this.#setup.open]) fail();
  }

  #ask<T>(
    api: Api,
    about: Omit<RequestInfo, 'client' | 'api'>,
    refusal: (error: number) => T,
    act: Call<T>['act'],
  ): Promise<T> {
    if (this.#closed) return Promise.reject(new WireFailure('the client is closed'));
    const { observe } = this.#setup.settings;
    const info = { client: this.#setup.id, api, ...about };
    return exchange(this.#setup, {
      ...{ info, refusal },
      act: (answer) =>
        act((value) => {
          const error = errorOf(value);
          if (error !== kafkaError.none) observe({ type: 'refused', client: info.client, info, error });
          answer(value);
        }),
    });
  }

  #answering(partition: Partition | undefined): Answering {
    if (partition === undefined) return unknownTopic;
    const known = this.#leaders.get(partition);
    if (known === undefined) {
      if (!partition.led) return { error: kafkaError.leaderNotAvailable };
      this.#leaders.set(partition, partition.leaderVersion);
      return 'leader';
    }
    if (known === partition.leaderVersion) return partition.led ? 'leader' : 'nobody';
    return partition.stale?.leaderVersion === known ? 'deposed' : { error: kafkaError.notLeader };
  }
}

function justError(error: number): { readonly error: number } {
  return { error };
}

function errorOf(value: unknown): number {
  return typeof value === 'object' && value !== null && 'error' in value ? Number(value.error) : kafkaError.none;
}

function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
