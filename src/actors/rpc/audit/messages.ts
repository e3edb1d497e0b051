/** What is asked of the audit, and what it answers: pages of entries by what they say, and whole chains to verify. */
import type { AuditRecord, ChainPoint } from '../../../persistence/index.ts';
import type { Authority, Identity } from '../../../ports/index.ts';
import type { Answer } from '../../flow/protocol.ts';
import type { Ref } from '../../kernel/index.ts';

/** One act on a flow. */
export interface AuditEntry extends AuditRecord {
  /** The chain that it stands in: the number of its shard. */
  readonly chain: number;
}

export interface AuditQuery {
  readonly flowId?: string | undefined;
  readonly member?: Identity | undefined;
  /** Name of a flow's definition. */
  readonly flow?: string | undefined;
  /** Name of whoever did it. */
  readonly principal?: string | undefined;
  /** `start`, `retry`, `skip`, `kill`, `end`, ... */
  readonly act?: string | undefined;
  /** Only what was done at this time or later, in milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Only what was done before this time. */
  readonly until?: number | undefined;
  /** Entries of one page, 1 to 1 000. Default 100. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Give it back for the next page; a page may have one and no entries, when few of many are looked for. */
  readonly cursor?: string;
}

/** A chain as it can be verified: from its anchor on. */
export interface AuditChain {
  readonly chain: number;
  /** The last entry that has left after its window; number 0 when none has. */
  readonly anchor: ChainPoint;
  /** The newest entry, as the shard has it that writes the chain; absent when it runs on another worker. */
  readonly head?: ChainPoint;
}

export interface AuditStretch {
  /** In the order of the chain. */
  readonly entries: readonly AuditEntry[];
  /** Absent when these are the newest ones. */
  readonly cursor?: string;
}

/** Questions about the audit; each is answered only to who may read what it tells (`audit.read`). */
export type AuditRequest =
  | {
      readonly type: 'audit';
      readonly query: AuditQuery;
      readonly authority: Authority;
      readonly replyTo: Ref<Answer<AuditPage>>;
    }
  | {
      readonly type: 'auditChains';
      readonly authority: Authority;
      readonly replyTo: Ref<Answer<readonly AuditChain[]>>;
    }
  | {
      readonly type: 'auditChain';
      readonly chain: number;
      readonly limit: number | undefined;
      readonly cursor: string | undefined;
      readonly authority: Authority;
      readonly replyTo: Ref<Answer<AuditStretch>>;
    };
