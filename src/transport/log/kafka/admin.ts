/**
 * The administration port: what only tools for operators ask of a cluster. One attempt each, as with the wire.
 * Owns the contract only; `wire/` asks real brokers, the model answers in memory.
 */

export interface AdminGroup {
  readonly group: string;
  /** Names that its members connect under. */
  readonly members: readonly string[];
}

export interface AdminBroker {
  readonly id: number;
  /** `host:port`, as it tells clients to reach it. */
  readonly address: string;
  readonly rack: string | undefined;
}

export interface AdminTopic {
  readonly name: string;
  /** By partition; a leader of -1 is none. */
  readonly partitions: ReadonlyArray<{ readonly leader: number; readonly replicas: number; readonly inSync: number }>;
}

/** Every method rejects with `WireFailure` when nothing answered, or a broker refused to tell. */
export interface KafkaAdmin {
  /** Connects to `host:port` and makes itself known there. */
  reach(address: string): Promise<void>;
  cluster(): Promise<{ readonly clusterId: string; readonly brokers: readonly AdminBroker[] }>;
  /** Level of the feature `metadata.version`; undefined when brokers do not tell it. */
  metadataVersion(): Promise<number | undefined>;
  /** Settings in effect of a broker; undefined when this user may not see them. */
  brokerConfig(broker: number): Promise<Readonly<Record<string, string>> | undefined>;
  /** The topics that this user may see, the brokers' own too. */
  topics(): Promise<readonly AdminTopic[]>;
  /** Appends a record to a topic whose timestamps brokers set: it tells the time of the one that leads the partition. */
  stamp(
    topic: string,
    partition: number,
  ): Promise<{ readonly error: number; readonly broker: number; readonly appendedAt: number }>;
  /**
   * The groups of Weir's kind whose name begins with this. Those that this user may not see are left out, but for the
   * expected ones: when it may not see one of these, the call fails.
   */
  groups(prefix: string, expected: readonly string[]): Promise<readonly AdminGroup[]>;
  /** Names that are not there are passed over. */
  deleteTopics(names: readonly string[]): Promise<ReadonlyArray<{ readonly name: string; readonly error: number }>>;
  close(): Promise<void>;
}
