/**
 * The rights that a worker needs on a Kafka cluster, as commands for `kafka-acls.sh`. They follow from what the services
 * of a role do with topics; beside these there is what the driver itself needs for each of them.
 */
import type { KafkaNames, TopicSpec } from '../../transport/log/index.ts';
import { clusterAccess, clusterTopicSpecs } from '../cluster/index.ts';
import { errorAccess, errorTopicSpec } from '../errors/index.ts';
import { flowAccess, flowTopicSpecs } from '../flow-service.ts';
import { rpcAccess } from '../rpc-service.ts';
import type { ServiceTopics } from '../service.ts';

export interface AclSettings extends KafkaNames {
  /** As Kafka names it: `User:weir`. */
  readonly principal: string;
}

/** Who is given rights: a worker of every service, or whoever runs `weir doctor`, `log` and `reshard`. */
export const aclRoles = ['all', 'operator'] as const;
export type AclRole = (typeof aclRoles)[number];

/** The services of a worker of role `all`, which runs each of them. */
const access: readonly ServiceTopics[] = [flowAccess, rpcAccess, clusterAccess, errorAccess];
const specs: readonly TopicSpec[] = [...flowTopicSpecs(1), ...clusterTopicSpecs, errorTopicSpec];

type Operation = 'Read' | 'Write' | 'Create' | 'Describe' | 'DescribeConfigs' | 'Delete';

/** One command a line. */
export function aclCommands(role: AclRole, settings: AclSettings): readonly string[] {
  const { principal, prefix } = settings;
  const grant = (operations: readonly string[], resource: string): string =>
    [
      `kafka-acls.sh --bootstrap-server <broker> --add --allow-principal ${principal}`,
      ...operations.map((operation) => `--operation ${operation}`),
      resource,
    ].join(' ');
  const prefixed = (resource: string): string => `${resource} ${prefix} --resource-pattern-type prefixed`;
  const ofDriver = [
    // Shards are claimed under transactional ids; no transaction is ever opened.
    grant(['Write', 'Describe'], prefixed('--transactional-id')),
    grant(['DescribeConfigs'], '--cluster'),
    grant(['Describe', 'DescribeConfigs'], '--topic __transaction_state'),
  ];
  if (role === 'operator') {
    const operations = ['Read', 'Write', 'Create', 'Describe', 'DescribeConfigs', 'Delete'];
    return [grant(operations, prefixed('--topic')), grant(['Describe'], prefixed('--group')), ...ofDriver];
  }
  return [
    ...[...topicRights(settings)].map(([topic, operations]) => grant(operations, `--topic ${topic}`)),
    grant(['Read'], prefixed('--group')),
    ...ofDriver,
  ];
}

/** What a worker does with each topic, by its name on the brokers. */
function topicRights({ prefix, topics }: AclSettings): ReadonlyMap<string, readonly Operation[]> {
  const rights = new Map<string, readonly Operation[]>();
  for (const { name, kind } of specs) {
    const read = access.some(({ reads }) => reads.includes(name));
    const written = access.some(({ writes }) => writes.includes(name));
    rights.set(topics.get(name) ?? `${prefix}${name}`, [
      ...(read ? (['Read'] as const) : []),
      ...(written ? (['Write'] as const) : []),
      ...(['Create', 'Describe', 'DescribeConfigs'] as const),
      // Events that were taken are trimmed, which Kafka calls deleting records.
      ...(kind === 'events' ? (['Delete'] as const) : []),
    ]);
  }
  // What the topics are for, and where a worker tries out at start that older epochs are refused.
  rights.set(`${prefix}topics`, ['Read', 'Write', 'Create', 'Describe', 'DescribeConfigs']);
  rights.set(`${prefix}probe`, ['Read', 'Write', 'Create', 'Describe', 'DescribeConfigs']);
  return rights;
}
