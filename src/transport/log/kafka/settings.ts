/** Settings of the Kafka driver with their defaults, and the rule that their times must keep. */
import { WeirError } from '../../../errors/index.ts';
import type { LogLimits } from '../port.ts';
import { defaultGroupSettings, type GroupSettings } from './group-member.ts';
import type { TopicRules } from './topic-settings.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export interface KafkaLogSettings {
  /** In front of the names of topics, groups and transactional ids. Default `weir.`. */
  readonly prefix: string;
  readonly limits: LogLimits;
  readonly topics: TopicRules;
  readonly group: GroupSettings;
  /** What operators see of this worker beside its name: roles, version. Default nothing. */
  readonly about: Readonly<Record<string, string | number>>;
  /**
   * A claim without commits commits nothing after this time, so that brokers remember its fence. Default 10 minutes;
   * less where brokers forget sooner.
   */
  readonly keepAliveMs: number;
  /**
   * Nothing is sent so long after the last acknowledged commit; the shard is claimed again. Default 1 hour; less where
   * brokers forget sooner.
   */
  readonly leaseMs: number;
  /** A claim that is not through by then is given up, in milliseconds. Default 25 000: less than a shard waits for it. */
  readonly claimDeadlineMs: number;
  /** How long brokers hold a read at the end of a partition, in milliseconds. Default 5 000. */
  readonly waitMs: number;
  /** Bytes of one read. Default 4 MiB. */
  readonly fetchBytes: number;
  /** Whether the first `ensureTopics` tries out that the brokers keep older epochs out. Default true. */
  readonly probe: boolean;
  /** The brokers' `producer.id.expiration.ms`, where they do not tell it. Default 1 day, as brokers have it. */
  readonly producerIdExpirationMs: number;
  /** How far the clocks of hosts and brokers may be apart, in milliseconds. Default 5 minutes. */
  readonly clockSkewMs: number;
}

const defaults: KafkaLogSettings = {
  prefix: 'weir.',
  limits: { maxRecordBytes: 1_048_576, maxBatchBytes: 6_291_456 },
  topics: {
    replication: 3,
    minInsyncReplicas: 2,
    maxMessageBytes: 8_388_608,
    timestampBeforeMaxMs: hourMs,
    minCompactionLagMs: hourMs,
  },
  group: defaultGroupSettings,
  about: {},
  keepAliveMs: 10 * minuteMs,
  leaseMs: hourMs,
  claimDeadlineMs: 25_000,
  waitMs: 5_000,
  fetchBytes: 4_194_304,
  probe: true,
  producerIdExpirationMs: 24 * hourMs,
  clockSkewMs: 5 * minuteMs,
};

/** Settings as they are given: what is left out has its default, inside of groups of settings too. */
export interface GivenSettings extends Partial<Omit<KafkaLogSettings, 'topics' | 'group'>> {
  readonly topics?: Partial<TopicRules>;
  readonly group?: Partial<GroupSettings>;
}

export function settingsOf(given: GivenSettings): KafkaLogSettings {
  return {
    ...defaults,
    ...given,
    topics: { ...defaults.topics, ...given.topics },
    group: { ...defaults.group, ...given.group },
  };
}

/** In a group that shares nothing out nobody waits for a rebalance: its members have only to show that they live. */
export function groupSettings({ group }: KafkaLogSettings, partitions: number): GroupSettings {
  if (partitions > 0) return group;
  return { ...group, heartbeatMs: Math.max(group.heartbeatMs, group.sessionTimeoutMs / 5) };
}

/** The times of a claim, as the settings of the brokers allow them. */
export type ClaimTimes = Pick<KafkaLogSettings, 'keepAliveMs' | 'leaseMs'>;

/** With less than that between two commits a claim would be lost by a pause of its process. */
const shortestLeaseMs = 2 * minuteMs;

/**
 * The times of claims on brokers with these settings (empty: they do not tell): their fences are remembered for longer
 * than anything of an older claim can be under way.
 * @throws WeirError `WEIR_LOG_EXPIRY` when brokers forget too soon for any
 */
export function claimTimes(settings: KafkaLogSettings, brokers: Readonly<Record<string, string>>): ClaimTimes {
  const { clockSkewMs, topics } = settings;
  const expiryMs = Number(brokers[producerExpiry] ?? settings.producerIdExpirationMs);
  const underWayMs = topics.timestampBeforeMaxMs + 2 * clockSkewMs + 1;
  const leaseMs = Math.min(settings.leaseMs, expiryMs - underWayMs);
  if (leaseMs < shortestLeaseMs) {
    const expected = underWayMs + shortestLeaseMs;
    throw new WeirError('WEIR_LOG_EXPIRY', { setting: producerExpiry, found: expiryMs, expected });
  }
  return { leaseMs, keepAliveMs: Math.min(settings.keepAliveMs, Math.floor(leaseMs / 2)) };
}

const producerExpiry = 'producer.id.expiration.ms';

/**
 * A fence must be remembered for longer than anything of an older claim can be under way: what it sends within its
 * lease, and what arrives later than that within the age that brokers accept.
 * @throws WeirError `WEIR_CONFIGURATION_INVALID`
 */
export function checkSettings(settings: KafkaLogSettings): void {
  const { leaseMs, keepAliveMs, clockSkewMs, producerIdExpirationMs, topics } = settings;
  const refuse = (path: string, why: string): never => {
    throw new WeirError('WEIR_CONFIGURATION_INVALID', { path, why });
  };
  if (leaseMs + topics.timestampBeforeMaxMs + 2 * clockSkewMs >= producerIdExpirationMs) {
    refuse('leaseMs', 'lease, oldest timestamp and twice the clock skew must be less than producer.id.expiration.ms');
  }
  if (keepAliveMs * 2 > leaseMs) refuse('keepAliveMs', 'it must be at most half of the lease');
  if (keepAliveMs >= topics.minCompactionLagMs) {
    refuse('keepAliveMs', 'it must be less than min.compaction.lag.ms, or compaction may outrun an owner');
  }
}
