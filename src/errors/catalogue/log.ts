/** Errors: what the log and its drivers answer. */
import type { CatalogueArea } from './entry.ts';

export const log = {
  WEIR_LOG_FENCED: {
    message: 'shard {topic}/{partition} was taken over by a newer term than {term}',
    remedy: 'nothing: this incarnation stops, the newer owner goes on',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_CLOSED: {
    message: 'the log is closed',
    remedy: 'start the node again',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_IN_USE: {
    message: 'the data directory {directory} is in use by another process',
    remedy: 'stop the other process, or choose another directory',
    status: 503,
  },
  WEIR_LOG_DIRECTORY: {
    message: 'the data directory {directory} cannot be used: {why}',
    remedy: 'name a directory that this process may make and write, or give it the right to; nothing was started',
    status: 500,
  },
  WEIR_LOG_VERSION: {
    message: 'the data directory {directory} has format {found}, this version reads {expected}',
    remedy: 'use the version of Weir that wrote it, or migrate it',
    status: 500,
  },
  WEIR_LOG_DAMAGED: {
    message: 'the data directory {directory} is damaged: {why}',
    remedy: 'restore it from a backup; nothing was changed',
    status: 500,
  },
  WEIR_LOG_TOPIC: {
    message: 'topic {topic} {why}',
    remedy: 'a topic keeps the partition count and cleanup policy it was created with',
    status: 500,
  },
  WEIR_LOG_PARTITIONS: {
    message: 'topic {topic} has {found} partitions on the brokers, but the log was made with {expected}',
    remedy:
      'somebody has given it another number: stop every worker and run "weir reshard --partitions {found}", which copies the log into new topics of so many; nothing was written where it does not belong',
    status: 500,
  },
  WEIR_LOG_LOST: {
    message: 'commits of {topic}/{partition} that were acknowledged are gone: {why}',
    remedy:
      'an unclean leader election, or a disk that went back in time, has taken them, and nobody runs what is left; find out from peers and from what flows have done outside what they were, then stop every worker and run "weir log adopt", which goes on without them',
    status: 500,
  },
  WEIR_LOG_TOO_LARGE: {
    message: '{what} has {bytes} bytes; the log takes {limit}',
    remedy: 'write less at once; nothing of it was written',
    status: 413,
  },
  WEIR_LOG_TOPIC_SETTINGS: {
    message: 'topic {topic} has {setting}={found}, but it needs {expected}',
    remedy: 'run: {command}',
    status: 500,
  },
  WEIR_LOG_OUT_OF_STEP: {
    message: 'partition {topic}/{partition} is not as this worker left it: {why}',
    remedy:
      'nothing at first: the shard is claimed again and restored from the log; if it goes on, find out who else writes to the topic, or whether an unclean leader election lost commits',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_UNREACHABLE: {
    message: '{what} waits for the brokers: {why}',
    remedy: 'start the brokers or mend the way to them: work goes on by itself',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_REFUSED: {
    message: 'the brokers refused {what}: {why}',
    remedy: 'give the user of this worker the right to do so, or change what the brokers refuse; then start it again',
    status: 500,
  },
  WEIR_LOG_UNSAFE: {
    message: 'the brokers do not keep an older writer out: {why}',
    remedy: 'use Apache Kafka 3.6 or later, or a service that runs its brokers; exactly once cannot be had on these',
    status: 500,
  },
  WEIR_LOG_EXPIRY: {
    message: 'the brokers have {setting}={found}: they forget who was fenced before everything of it has arrived',
    remedy:
      'set it to {expected} at least (a day is their default): kafka-configs.sh --bootstrap-server <broker> --alter --entity-type brokers --entity-default --add-config {setting}=86400000',
    status: 500,
  },
  WEIR_LOG_DISK_FULL: {
    message: 'no space left in {directory}; commits wait',
    remedy: 'free some space: the node goes on by itself',
    status: 503,
    retryable: true,
  },
} as const satisfies CatalogueArea;
