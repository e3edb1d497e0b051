/** Errors: what `weir doctor` finds that nothing else would say. */
import type { CatalogueArea } from './entry.ts';

export const checkup = {
  WEIR_CHECK_BROKER: {
    message: 'nobody answers at {address}: {why}',
    remedy: 'start the broker, or mend the address, the network or the credentials: log.brokers, log.tls, log.sasl',
    status: 503,
    retryable: true,
  },
  WEIR_CHECK_ADVERTISED: {
    message: 'broker {broker} tells clients to reach it at {address}, where nobody answers: {why}',
    remedy: 'set advertised.listeners of that broker to an address that workers can reach, and restart it',
    status: 503,
  },
  WEIR_CHECK_FEW_BROKERS: {
    message: 'there are {found} brokers, and topics are to have {expected} replicas',
    remedy: 'start more brokers, or set log.replication and log.minInsyncReplicas to what there is',
    status: 500,
  },
  WEIR_CHECK_ONE_DOMAIN: {
    message: '{where}: what takes that takes every replica',
    remedy: 'put brokers where power and disks are their own, and say so with broker.rack',
    status: 500,
  },
  WEIR_CHECK_VERSION: {
    message: 'the brokers run as Apache Kafka {found}, and 3.6 or later is needed',
    remedy: 'upgrade the brokers, then raise their metadata.version with kafka-features.sh upgrade',
    status: 500,
  },
  WEIR_CHECK_BROKER_SETTING: {
    message: 'broker {broker} has {setting}={found}, and {expected} is needed: {why}',
    remedy: 'run: {command}',
    status: 500,
  },
  WEIR_CHECK_HIDDEN: {
    message: 'this user may not see {what}, so it was not checked',
    remedy: 'give it the rights that "weir doctor --acl" prints',
    status: 403,
  },
  WEIR_CHECK_PARTITIONS: {
    message: '{topic} has partitions with {what}: {count}',
    remedy: 'start the brokers that hold them: kafka-topics.sh --bootstrap-server <broker> --describe --topic {topic}',
    status: 503,
    retryable: true,
  },
  WEIR_CHECK_LEFT_OVER: {
    message: 'topics that are not of the log begin with {prefix}: {topics}',
    remedy:
      'an import or another number of shards has left them; when you need them no more: kafka-topics.sh --bootstrap-server <broker> --delete --topic <topic>',
    status: 500,
  },
  WEIR_CHECK_CLOCK: {
    message: 'the clock of broker {broker} is {skew} {side} that of this host, and {most} is the most that is safe',
    remedy: 'let both follow the same time service (NTP)',
    status: 500,
  },
  WEIR_CHECK_SHARDS: {
    message: 'the configuration says shards: {wanted}, and the log has {found}',
    remedy: 'take the setting out or set it to {found}; "weir reshard" gives the log another number',
    status: 500,
  },
  WEIR_CHECK_SPACE: {
    message: '{directory} has {free} left',
    remedy: 'free some space, or move the data directory; a full disk makes the node wait',
    status: 500,
  },
  WEIR_CHECK_SLOW_DISK: {
    message: 'a write to {directory} takes {took} until it is on the disk: every commit waits for one',
    remedy: 'put the data directory on a local disk that is not shared with heavy writers',
    status: 500,
  },
  WEIR_CHECK_UNEXPECTED: {
    message: 'it could not be checked: {why}',
    remedy: 'run it again; if it goes on, report what it says',
    status: 500,
  },
} as const satisfies CatalogueArea;
