/**
 * What the error codes of brokers mean to the driver: their names for people, and which of them pass by themselves.
 * Owns no policy: what a claim, an append or a member does after a refusal is its own.
 */
import { kafkaError } from './wire.ts';

const names: ReadonlyMap<number, string> = new Map(Object.entries(kafkaError).map(([name, code]) => [code, name]));

/** Codes that `kafkaError` does not name, since nobody decides by them one by one: all of them pass. */
const otherPassing: ReadonlyMap<number, string> = new Map([
  [2, 'corruptMessage'],
  [8, 'brokerNotAvailable'],
  [9, 'replicaNotAvailable'],
  [13, 'networkException'],
  [56, 'storageError'],
  [72, 'listenerNotFound'],
  [74, 'fencedLeaderEpoch'],
  [75, 'unknownLeaderEpoch'],
  [78, 'offsetNotAvailable'],
  [89, 'throttlingQuotaExceeded'],
]);

const passing: ReadonlySet<number> = new Set([
  kafkaError.unknownTopicOrPartition,
  kafkaError.leaderNotAvailable,
  kafkaError.notLeader,
  kafkaError.requestTimedOut,
  kafkaError.coordinatorLoading,
  kafkaError.coordinatorNotAvailable,
  kafkaError.notCoordinator,
  kafkaError.notEnoughReplicas,
  kafkaError.notEnoughReplicasAfterAppend,
  kafkaError.notController,
  kafkaError.concurrentTransactions,
  ...otherPassing.keys(),
]);

const denied: ReadonlySet<number> = new Set([
  kafkaError.topicAuthorizationFailed,
  kafkaError.groupAuthorizationFailed,
  kafkaError.clusterAuthorizationFailed,
  kafkaError.transactionalIdAuthorizationFailed,
]);

/** The cluster is busy with itself (an election, a start, too few replicas): the same request succeeds later. */
export function passes(error: number): boolean {
  return passing.has(error);
}

/** A right is missing: nothing changes until an operator gives it. */
export function isDenied(error: number): boolean {
  return denied.has(error);
}

/** `notLeader (6)`, as it stands in messages. */
export function nameOf(error: number): string {
  return `${names.get(error) ?? otherPassing.get(error) ?? 'error'} (${error})`;
}
