/**
 * What topics of each kind must be set to on the brokers, and whether one that exists is.
 *
 * Owns the settings and the commands that mend them. State topics are compacted and never trimmed by age; every topic
 * that is fenced refuses old timestamps, so that a request from before a takeover cannot arrive after the broker has
 * forgotten its producer.
 */
import { WeirError } from '../../../errors/index.ts';
import type { TopicSpec } from '../port.ts';
import type { NewTopic } from './wire.ts';

export interface TopicRules {
  /** Replicas of each partition. */
  readonly replication: number;
  /** Replicas that must have a batch before it is acknowledged. */
  readonly minInsyncReplicas: number;
  /** Largest record batch, in bytes. */
  readonly maxMessageBytes: number;
  /** Batches of fenced topics with an older timestamp than this are refused, in milliseconds. */
  readonly timestampBeforeMaxMs: number;
  /** Records of a state topic stay for so long, whatever newer value their key has, in milliseconds. */
  readonly minCompactionLagMs: number;
}

interface Rule {
  readonly expected: string;
  /** Whether another value will do. Default: only the expected one. */
  readonly accepts?: (found: string) => boolean;
}

function rulesOf(kind: TopicSpec['kind'], rules: TopicRules): Readonly<Record<string, Rule>> {
  const atLeast = (least: number): Rule => ({ expected: String(least), accepts: (found) => Number(found) >= least });
  const atMost = (most: number): Rule => ({ expected: String(most), accepts: (found) => Number(found) <= most });
  const all: Record<string, Rule> = {
    'min.insync.replicas': atLeast(rules.minInsyncReplicas),
    'unclean.leader.election.enable': { expected: 'false' },
    'max.message.bytes': atLeast(rules.maxMessageBytes),
  };
  // What was appended stays until its reader has taken it, however long that takes.
  const kept = { 'retention.ms': { expected: '-1' }, 'retention.bytes': { expected: '-1' } };
  if (kind === 'events') return { ...all, ...kept, 'cleanup.policy': { expected: 'delete' } };
  return {
    ...all,
    'cleanup.policy': { expected: 'compact' },
    'message.timestamp.type': { expected: 'CreateTime' },
    'message.timestamp.before.max.ms': atMost(rules.timestampBeforeMaxMs),
    ...(kind === 'state' ? { 'min.compaction.lag.ms': atLeast(rules.minCompactionLagMs) } : {}),
  };
}

/** `name` with the prefix. */
export function newTopic(name: string, spec: TopicSpec, rules: TopicRules): NewTopic {
  const config = Object.entries(rulesOf(spec.kind, rules)).map(([setting, { expected }]) => [setting, expected]);
  return { name, partitions: spec.partitions, replication: rules.replication, config: Object.fromEntries(config) };
}

/** A topic as it is on the brokers. */
export interface FoundTopic {
  readonly config: Readonly<Record<string, string>>;
  readonly replication: number;
}

/** @throws WeirError `WEIR_LOG_TOPIC_SETTINGS` with the command that mends the first setting that is wrong */
export function checkTopicSettings(name: string, kind: TopicSpec['kind'], topic: FoundTopic, rules: TopicRules): void {
  const [fault] = topicFaults(name, kind, topic, rules);
  if (fault !== undefined) throw fault;
}

/** Everything that is wrong, each with the command that mends it. */
export function topicFaults(name: string, kind: TopicSpec['kind'], topic: FoundTopic, rules: TopicRules): WeirError[] {
  return [...configFaults(name, topic.config, rulesOf(kind, rules)), ...replicationFaults(name, topic, rules)];
}

function replicationFaults(name: string, { replication }: FoundTopic, rules: TopicRules): WeirError[] {
  if (replication >= rules.replication) return [];
  const fault = new WeirError('WEIR_LOG_TOPIC_SETTINGS', {
    ...{ topic: name, setting: 'replication', found: replication, expected: rules.replication },
    command: `kafka-reassign-partitions.sh --bootstrap-server <broker> --reassignment-json-file <file that gives each partition of ${name} ${rules.replication} replicas> --execute`,
  });
  return [fault];
}

/** The brokers' own topic of transactional ids: epochs that it loses are given out twice. */
export const transactionTopic = '__transaction_state';

/**
 * `config` is empty when the brokers do not show it.
 * @throws WeirError `WEIR_LOG_TOPIC_SETTINGS`
 */
export function checkTransactionTopic(config: Readonly<Record<string, string>>, rules: TopicRules): void {
  if (Object.keys(config).length === 0) return;
  const [fault] = transactionConfigFaults(config, rules);
  if (fault !== undefined) throw fault;
}

/** Everything that is wrong with the brokers' topic of transactional ids. */
export function transactionFaults(topic: FoundTopic, rules: TopicRules): WeirError[] {
  return [...transactionConfigFaults(topic.config, rules), ...replicationFaults(transactionTopic, topic, rules)];
}

function transactionConfigFaults(config: Readonly<Record<string, string>>, rules: TopicRules): WeirError[] {
  const { 'min.insync.replicas': replicas, 'unclean.leader.election.enable': unclean } = rulesOf('state', rules);
  const own = { 'min.insync.replicas': replicas, 'unclean.leader.election.enable': unclean };
  return [...configFaults(transactionTopic, config, { ...own, 'cleanup.policy': { expected: 'compact' } })];
}

function* configFaults(
  name: string,
  config: Readonly<Record<string, string>>,
  rules: Readonly<Record<string, Rule | undefined>>,
): Generator<WeirError> {
  for (const [setting, rule] of Object.entries(rules)) {
    const value = config[setting];
    if (rule === undefined || value === rule.expected) continue;
    if (value !== undefined && rule.accepts?.(value) === true) continue;
    const command = `kafka-configs.sh --bootstrap-server <broker> --alter --entity-type topics --entity-name ${name} --add-config ${setting}=${rule.expected}`;
    yield new WeirError('WEIR_LOG_TOPIC_SETTINGS', {
      ...{ topic: name, setting, expected: rule.expected, command },
      found: value ?? 'nothing (brokers before Apache Kafka 3.6 do not know it)',
    });
  }
}
