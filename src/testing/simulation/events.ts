/** What happens in a simulated world, as its trace and its invariants are told of it. */
import type { FlowHead, ShardRecord } from '../../persistence/index.ts';
import type { Identity } from '../../ports/index.ts';
import type { CommitBatch, LogRecord, ShardId, Term } from '../../transport/log/index.ts';
import type { CommitContents } from './commit-contents.ts';
import type { ReadAheadUse } from './observed-preview.ts';

/** Where and when: node and worker are empty for what concerns no single one. */
interface Occurrence {
  /** Virtual milliseconds since the start. */
  readonly at: number;
  readonly node: string;
  readonly worker: string;
}

/** A commit as a claim sent it. `sequence` counts the commits of the claim, from 1. */
export interface SentCommit {
  readonly shard: ShardId;
  readonly term: Term;
  readonly sequence: number;
  readonly batch: CommitBatch;
  /** What it writes, taken apart. */
  readonly contents: CommitContents;
}

/** What a shard held before a commit, for as long as the commit is being told. */
export interface Before {
  readonly before: (key: string) => Uint8Array | undefined;
  readonly headBefore: (flowId: string) => FlowHead | undefined;
}

export type Happening =
  /** A worker's process has been started; `ready` when all its services run; `down` when it has died, or was stopped. */
  | { readonly type: 'up' | 'ready' }
  | { readonly type: 'down'; readonly why: string }
  /** So many records of a shard that is to run here are read, while another worker runs it. */
  | { readonly type: 'ahead'; readonly shard: ShardId; readonly records: number }
  | { readonly type: 'claiming'; readonly shard: ShardId }
  | { readonly type: 'claimed'; readonly shard: ShardId; readonly term: Term }
  | {
      readonly type: 'restored';
      readonly shard: ShardId;
      readonly term: Term;
      readonly records: readonly LogRecord[];
      readonly ahead: ReadAheadUse;
    }
  | ({ readonly type: 'commit' } & SentCommit)
  /** The worker was told that the commit is durable. */
  | { readonly type: 'durable'; readonly shard: ShardId; readonly term: Term; readonly sequence: number }
  | { readonly type: 'refused'; readonly shard: ShardId; readonly term: Term; readonly code: string }
  | { readonly type: 'fenced'; readonly shard: ShardId; readonly term: Term }
  /** The worker gives its claim up. */
  | { readonly type: 'released'; readonly shard: ShardId; readonly term: Term }
  /** A table is closed: its worker hears no more of the topic. */
  | { readonly type: 'closed'; readonly topic: string }
  /**
   * A commit is known to be in the log: its worker was told so, or a later owner has read it.
   */
  | ({ readonly type: 'applied' } & Before & SentCommit)
  | {
      readonly type: 'append';
      readonly topic: string;
      readonly partition: number;
      readonly records: readonly LogRecord[];
    }
  | { readonly type: 'published'; readonly topic: string; readonly key: string; readonly value: Uint8Array | undefined }
  /** A table was opened, with all that had been published to it before. */
  | { readonly type: 'snapshot'; readonly topic: string; readonly entries: ReadonlyMap<string, Uint8Array> }
  /** A message between members: `fate` says what the network did with it. */
  | {
      readonly type: 'sent' | 'delivered';
      readonly source: Identity;
      readonly destination: Identity;
      readonly bytes: Uint8Array;
      readonly fate: 'passed' | 'lost' | 'repeated' | 'cut off' | 'nobody there' | 'forged';
    }
  /** Brokers have lost commits of a shard, acknowledged or not: from here on little holds of its node. */
  | { readonly type: 'lost'; readonly shard: ShardId; readonly commits: readonly ShardRecord[] }
  /** A worker has found out that commits are gone which were acknowledged, and says so, or is told so. */
  | { readonly type: 'condemned'; readonly shard: ShardId; readonly why: string }
  /** An order of an operator is given out, or (without a reason) withdrawn, for a reason that no shard has noted in time. */
  | {
      readonly type: 'ordered';
      readonly key: string;
      readonly reason: string | undefined;
      readonly late?: string | undefined;
    }
  | { readonly type: 'fault'; readonly text: string }
  /** What a client or an operator asked, and what it was told. */
  | { readonly type: 'client'; readonly what: ClientWord; readonly id: string; readonly text: string }
  /** Whatever a scenario wants in its trace and its invariants. */
  | { readonly type: 'note'; readonly what: string; readonly text: string };

/** `missed`: it was told "accepted", and did not find its flow where it was told. */
export type ClientWord = 'asks' | 'accepted' | 'missed' | 'answered' | 'refused' | 'gave up';

export type SimEvent = Occurrence & Happening;
