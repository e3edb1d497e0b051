/** The administration port on the model: brokers without faults, each of which leads some partitions. */
import type { KafkaAdmin } from '../admin.ts';
import { kafkaError } from '../wire.ts';
import type { Cluster } from './cluster.ts';
import type { ModelSettings } from './settings.ts';

/** Member ids are the client's name, "-", and a UUID. */
const uuidLength = 36;

export function modelAdmin(cluster: Cluster, settings: ModelSettings): KafkaAdmin {
  const { clock, brokers, producerIdExpirationMs, transactionalIdExpirationMs, sessionTimeoutMs } = settings;
  const leaderOf = (partition: number): number => partition % brokers;
  return {
    reach: async () => undefined,
    cluster: async () => ({
      clusterId: 'a model',
      brokers: Array.from({ length: brokers }, (_, id) => ({ id, address: `broker-${id}:9092`, rack: `rack-${id}` })),
    }),
    metadataVersion: async () => 30,
    brokerConfig: async () => ({
      'producer.id.expiration.ms': String(producerIdExpirationMs),
      'transactional.id.expiration.ms': String(transactionalIdExpirationMs),
      'group.min.session.timeout.ms': String(sessionTimeoutMs.min),
      'group.max.session.timeout.ms': String(sessionTimeoutMs.max),
      'log.cleaner.enable': 'true',
    }),
    topics: async () =>
      cluster.topics().map(({ name, partitions, replication }) => ({
        name,
        partitions: Array.from({ length: partitions }, (_, partition) => ({
          leader: cluster.partition(name, partition)?.led === true ? leaderOf(partition) : -1,
          ...{ replicas: replication, inSync: replication },
        })),
      })),
    stamp: async (_topic, partition) => ({
      ...{ error: kafkaError.none, broker: leaderOf(partition) },
      appendedAt: clock.now(),
    }),
    groups: async (prefix) =>
      [...cluster.groups()]
        .filter(([name]) => name.startsWith(prefix))
        .map(([group, { members }]) => ({ group, members: members.map((id) => id.slice(0, -uuidLength - 1)) })),
    async deleteTopics(names) {
      const known = names.filter((name) => cluster.deleteTopic(name) !== undefined);
      return known.map((name) => ({ name, error: kafkaError.none }));
    },
    close: async () => undefined,
  };
}
