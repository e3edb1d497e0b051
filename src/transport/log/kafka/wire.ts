/**
 * The wire port: the requests of Kafka's protocol that the driver stands on, one attempt each.
 *
 * Owns the contract only. `wire/` speaks it to real brokers through kafkajs; the simulation's model of a broker answers
 * it in memory, and one suite runs the same sequences against both. Nothing here retries, waits for a leader or keeps a
 * sequence: what an answer means and what follows from it is the driver's.
 */

/** The codes of Kafka's protocol that answers carry in `error` and that someone here decides by. */
export const kafkaError = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  invalidGroupId: 24,
  unknownMember: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  topicExists: 36,
  invalidPartitions: 37,
  invalidReplicationFactor: 38,
  invalidConfig: 40,
  notController: 41,
  invalidRequest: 42,
  policyViolation: 44,
  outOfOrderSequence: 45,
  invalidProducerEpoch: 47,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  memberIdRequired: 79,
  invalidRecord: 87,
} as const;

/** Producer id and epoch, as `InitProducerId` gives them. Ids are 64 bits wide, so they are text. */
export interface ProducerIdentity {
  readonly producerId: string;
  readonly epoch: number;
}

export interface WireRecord {
  /** Text, stored as UTF-8; null for none. */
  readonly key: string | null;
  readonly value: Uint8Array | null;
}

export interface FetchedRecord extends WireRecord {
  readonly offset: number;
  /** A view of all that was fetched with it: whoever keeps one for long keeps a copy. Each reading makes another one. */
  readonly value: Uint8Array | null;
  /** Bytes of the value, -1 when there is none. */
  readonly valueLength: number;
}

export interface ProduceRequest {
  readonly topic: string;
  readonly partition: number;
  /** All of them form one record batch: appended as a whole or not at all. At least one. */
  readonly records: readonly WireRecord[];
  /** CreateTime of the batch, in milliseconds since 1970: the host's wall clock. */
  readonly timestampMs: number;
  /** Writes idempotently (not transactionally): the broker checks epoch and sequence. Absent for plain appends. */
  readonly producer?: ProducerIdentity & { readonly sequence: number };
}

/**
 * `error` is Kafka's code (0: none); `baseOffset` is the offset of the first record of the batch, of the original one
 * for a repeat. A definite answer of the broker always resolves; the call rejects with `WireFailure` when there is none.
 */
export interface ProduceAnswer {
  readonly error: number;
  readonly baseOffset: number;
}

/** No answer: the connection broke, or the request timed out. Whether it took effect is unknown. */
export class WireFailure extends Error {
  override readonly name = 'WireFailure';
}

/** One record batch as the broker keeps it; compaction may have removed records of it, or all. */
export interface WireBatch {
  readonly baseOffset: number;
  /** Of the last record that the batch was written with, kept or not. */
  readonly lastOffset: number;
  /** Of the leader that appended it: grows with each change of leader, and never goes back along a log. */
  readonly leaderEpoch: number;
  /** Undefined for a batch without a producer. */
  readonly producer: (ProducerIdentity & { readonly baseSequence: number }) | undefined;
  /** A transaction marker: its records mean nothing to a reader. */
  readonly control: boolean;
  readonly timestampMs: number;
  readonly records: readonly FetchedRecord[];
}

export interface FetchRequest {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** About as many bytes are answered; one batch at least. */
  readonly maxBytes: number;
  /** How long the broker may wait for anything to arrive at the end of the log. */
  readonly maxWaitMs: number;
}

export interface FetchAnswer {
  readonly error: number;
  /** Only records below it are answered. */
  readonly highWatermark: number;
  readonly logStart: number;
  /** Whole, in order; the first is the one that holds `offset` or the next after it, so it may begin below `offset`. */
  readonly batches: readonly WireBatch[];
}

export interface WireTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  /** Kafka's topic id where the protocol version tells it. */
  readonly id?: string;
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface GroupMember {
  readonly memberId: string;
  /** The subscription data that it joined with. */
  readonly metadata: Uint8Array;
}

export interface JoinAnswer {
  readonly error: number;
  readonly generation: number;
  readonly memberId: string;
  readonly leaderId: string;
  /** Told to the leader only; empty for the others. */
  readonly members: readonly GroupMember[];
}

export interface JoinRequest {
  readonly group: string;
  /** Empty at first; the broker answers MEMBER_ID_REQUIRED (79) with the id to use. */
  readonly memberId: string;
  readonly metadata: Uint8Array;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** One client of a Kafka cluster. Every method is one attempt; each rejects with `WireFailure` when nothing answered. */
export interface KafkaWire {
  initProducerId(transactionalId: string): Promise<{ readonly error: number } & ProducerIdentity>;
  produce(request: ProduceRequest): Promise<ProduceAnswer>;
  fetch(request: FetchRequest): Promise<FetchAnswer>;
  /** Oldest kept offset, or the high watermark. A deposed leader may be stale. */
  offset(topic: string, partition: number, at: 'earliest' | 'latest'): Promise<{ error: number; offset: number }>;
  /** Forgets records below `before`; -1 stands for the high watermark. */
  deleteRecords(topic: string, partition: number, before: number): Promise<{ readonly error: number }>;
  topics(): Promise<readonly WireTopic[]>;
  createTopics(topics: readonly NewTopic[]): Promise<ReadonlyArray<{ name: string; error: number; message?: string }>>;
  /** Settings in effect, defaults too; empty for a topic that is not there. */
  topicConfig(topic: string): Promise<Readonly<Record<string, string>>>;
  /** Settings in effect of a broker, whichever answers; empty when this user may not see them. */
  brokerConfig(): Promise<Readonly<Record<string, string>>>;
  joinGroup(request: JoinRequest): Promise<JoinAnswer>;
  /** `assignments` by the leader, empty by the others; answers this member's own. */
  syncGroup(request: {
    readonly group: string;
    readonly memberId: string;
    readonly generation: number;
    readonly assignments: ReadonlyArray<{ readonly memberId: string; readonly assignment: Uint8Array }>;
  }): Promise<{ readonly error: number; readonly assignment: Uint8Array }>;
  heartbeat(group: string, memberId: string, generation: number): Promise<{ readonly error: number }>;
  leaveGroup(group: string, memberId: string): Promise<{ readonly error: number }>;
  /** Forgets who leads what, so that the next request asks again: after an answer that says the leader has changed. */
  refresh(): void;
  close(): Promise<void>;
}
