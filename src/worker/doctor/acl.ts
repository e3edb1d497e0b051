/**
 * The rights that a worker needs on a Kafka cluster, as commands for `kafka-acls.sh`. They follow from what the services
 * of a role do with topics; beside these there is what the driver itself needs for each of them.
 */
import type { KafkaNames, TopicSpec } from '../../transport/log/index.ts';
import { clusterAccess, clusterTopicSpecs } from '../cluster/index.ts';
import { errorAccess, errorTopicSpec } from '../errors/index.ts';
import { flowAccess, flowTopicSpecs } from '../flow-service.ts';
import { type Role, runsService } from '../roles.ts';
import { rpcAccess, rpcTopicSpecs } from '../rpc-service.ts';
import type { ServiceTopics } from '../service.ts';

export interface AclSettings extends KafkaNames {
  /** As Kafka names it: `User:weir`. */
  readonly principal: string;
}

/** Who is given rights: a worker of a role, or whoever runs `weir doctor`, `log` and `reshard`. */
export const aclRoles = ['all', 'flow', 'rpc', 'operator'] as const satisfies ReadonlyArray<Role | 'operator'>;
export type AclRole = (typeof aclRoles)[number];

interface Placed {
  /** Undefined: every worker runs it. */
  readonly service?: string;
  readonly access: ServiceTopics;
  readonly creates: readonly TopicSpec[];
}

const placed: readonly Placed[] = [
  { service: 'flow', access: flowAccess, creates: flowTopicSpecs(1) },
  { service: 'rpc', access: rpcAccess, creates: rpcTopicSpecs(1) },
  { access: clusterAccess, creates: clusterTopicSpecs },
  { access: errorAccess, creates: [errorTopicSpec] },
];

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
  const ofCluster = grant(['DescribeConfigs'], '--cluster');
  // Shards are claimed under transactional ids; no transaction is ever opened.
  const ofClaims = [
    grant(['Write', 'Describe'], prefixed('--transactional-id')),
    grant(['Describe', 'DescribeConfigs'], '--topic __transaction_state'),
  ];
  if (role === 'operator') {
    const operations = ['Read', 'Write', 'Create', 'Describe', 'DescribeConfigs', 'Delete'];
    return [grant(operations, prefixed('--topic')), grant(['Describe'], prefixed('--group')), ofCluster, ...ofClaims];
  }
  const claims = runsService('flow', [role]);
  return [
    ...alike(topicRights(role, settings)).map(([operations, topics]) =>
      grant(operations, topics.map((topic) => `--topic ${topic}`).join(' ')),
    ),
    ofCluster,
    grant(['Read'], prefixed('--group')),
    ...(claims ? ofClaims : []),
  ];
}

/** Topics with the same rights together: each command of that tool takes seconds. */
function alike(rights: ReadonlyMap<string, readonly Operation[]>): Array<[readonly Operation[], string[]]> {
  const groups = Map.groupBy(rights, ([, operations]) => operations.join());
  return [...groups.values()].map((group) => [group[0]?.[1] ?? [], group.map(([topic]) => topic)]);
}

/** What a worker does with each topic, by its name on the brokers. */
function topicRights(role: Role, { prefix, topics }: AclSettings): ReadonlyMap<string, readonly Operation[]> {
  const run = placed.filter(({ service }) => service === undefined || runsService(service, [role]));
  const access = run.map((one) => one.access);
  const specs = run.flatMap(({ creates }) => creates);
  const rights = new Map<string, readonly Operation[]>();
  for (const { name, kind } of specs) {
    const read = access.some(({ reads }) => reads.includes(name));
    const written = access.some(({ writes }) => writes.includes(name));
    rights.set(topics.get(name) ?? `${prefix}${name}`, [
      ...(read ? (['Read'] as const) : []),
      ...(written ? (['Write'] as const) : []),
      ...(['Create', 'Describe', 'DescribeConfigs'] as const),
      // Whoever takes events trims them, which Kafka calls deleting records.
      ...(kind === 'events' && read ? (['Delete'] as const) : []),
    ]);
  }
  // What the topics are for, and where a worker that claims shards tries out at start that older epochs are refused.
  const own = ['topics', ...(runsService('flow', [role]) ? ['probe'] : [])];
  for (const name of own) rights.set(`${prefix}${name}`, ['Read', 'Write', 'Create', 'Describe', 'DescribeConfigs']);
  return rights;
}
