/** Settings of the model: those of brokers under their meaning here, with the defaults of Apache Kafka 4.3. */
import type { Clock, Random } from '../../../../ports/index.ts';
import type { ModelEvent, RequestFaults } from './faults.ts';

export interface ModelBrokerSetup {
  /** All timing: latencies, sessions, expiry. Its `now` is the brokers' wall clock. */
  readonly clock: Clock;
  /** All chance: latencies, member ids, topic ids. */
  readonly random: Random;
  /** What may happen to a request. Default: nothing. */
  readonly faults?: RequestFaults;
  /** Told of everything that the broker does. */
  readonly observe?: (event: ModelEvent) => void;
  /** Time of one way, drawn for each request and each answer. Default 0: a later macrotask. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** How long a client waits before it takes a request for lost. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** Brokers of the cluster, which limits replication factors. Default 3. */
  readonly brokers?: number;
  /** A partition forgets a producer so long after the timestamp of its last batch. Default 1 day. */
  readonly producerIdExpirationMs?: number;
  /** How often partitions look for producers to forget. Default 10 minutes. */
  readonly producerIdExpirationCheckMs?: number;
  /** A transactional id is forgotten so long after its last `InitProducerId`. Default 7 days. */
  readonly transactionalIdExpirationMs?: number;
  /** How often transactional ids to forget are looked for. Default 1 hour. */
  readonly transactionalIdExpirationCheckMs?: number;
  /** How long the first join of an empty group waits for others. Default 3000, as brokers have it. */
  readonly initialRebalanceDelayMs?: number;
  /** Sessions outside of these are refused (26). Default 6000 to 1 800 000. */
  readonly sessionTimeoutMs?: { readonly min: number; readonly max: number };
}

export type ModelSettings = Required<Omit<ModelBrokerSetup, 'faults' | 'observe'>> & {
  readonly faults: RequestFaults;
  readonly observe: (event: ModelEvent) => void;
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export function settingsOf(setup: ModelBrokerSetup): ModelSettings {
  return {
    faults: {},
    observe: () => undefined,
    latencyMs: { min: 0, max: 0 },
    requestTimeoutMs: 30_000,
    brokers: 3,
    producerIdExpirationMs: dayMs,
    producerIdExpirationCheckMs: 10 * minuteMs,
    transactionalIdExpirationMs: 7 * dayMs,
    transactionalIdExpirationCheckMs: hourMs,
    initialRebalanceDelayMs: 3_000,
    sessionTimeoutMs: { min: 6_000, max: 30 * minuteMs },
    ...setup,
  };
}

/** Settings of a topic that the model knows, as brokers default them. */
const topicDefaults: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'delete.retention.ms': String(dayMs),
  'max.compaction.lag.ms': '9223372036854775807',
  'max.message.bytes': '1048588',
  'message.timestamp.after.max.ms': String(hourMs),
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.type': 'CreateTime',
  'min.cleanable.dirty.ratio': '0.5',
  'min.compaction.lag.ms': '0',
  'min.insync.replicas': '1',
  'retention.bytes': '-1',
  'retention.ms': String(7 * dayMs),
  'segment.bytes': '1073741824',
  'segment.ms': String(7 * dayMs),
  'unclean.leader.election.enable': 'false',
};

/** What the model's partitions go by. */
export interface TopicSettings {
  readonly compact: boolean;
  readonly delete: boolean;
  readonly maxMessageBytes: number;
  readonly segmentBytes: number;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  readonly minCompactionLagMs: number;
  readonly deleteRetentionMs: number;
}

/** The whole configuration of a topic; undefined when a setting is unknown. */
export function topicConfigOf(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  return Object.keys(given).every((name) => name in topicDefaults) ? { ...topicDefaults, ...given } : undefined;
}

export function topicSettingsOf(config: Readonly<Record<string, string>>): TopicSettings {
  const policies = (config['cleanup.policy'] ?? '').split(',').map((policy) => policy.trim());
  return {
    compact: policies.includes('compact'),
    delete: policies.includes('delete'),
    maxMessageBytes: Number(config['max.message.bytes']),
    segmentBytes: Number(config['segment.bytes']),
    timestampBeforeMaxMs: Number(config['message.timestamp.before.max.ms']),
    timestampAfterMaxMs: Number(config['message.timestamp.after.max.ms']),
    minCompactionLagMs: Number(config['min.compaction.lag.ms']),
    deleteRetentionMs: Number(config['delete.retention.ms']),
  };
}
