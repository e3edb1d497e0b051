/** The administration port on the model. */
import type { KafkaAdmin } from '../admin.ts';
import { kafkaError } from '../wire.ts';
import type { Cluster } from './cluster.ts';

/** Member ids are the client's name, "-", and a UUID. */
const uuidLength = 36;

export function modelAdmin(cluster: Cluster): KafkaAdmin {
  return {
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
