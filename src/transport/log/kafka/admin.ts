/**
 * The administration port: what only tools for operators ask of a cluster. One attempt each, as with the wire.
 * Owns the contract only; `wire/` asks real brokers, the model answers in memory.
 */

export interface AdminGroup {
  readonly group: string;
  /** Names that its members connect under. */
  readonly members: readonly string[];
}

/** Every method rejects with `WireFailure` when nothing answered, or a broker refused to tell. */
export interface KafkaAdmin {
  /** The groups of Weir's kind whose name begins with this. Those that this user may not see are left out. */
  groups(prefix: string): Promise<readonly AdminGroup[]>;
  /** Names that are not there are passed over. */
  deleteTopics(names: readonly string[]): Promise<ReadonlyArray<{ readonly name: string; readonly error: number }>>;
  close(): Promise<void>;
}
