/** Histories for tests of invariants: what a simulated world would tell, event by event. */

import { actorMessage } from '../../../../src/actors/flow/protocol.ts';
import { type SessionMessage, sessionMessage } from '../../../../src/actors/session-manager/index.ts';
import { encodeCount } from '../../../../src/actors/shard/count.ts';
import {
  type FlowHead,
  flowHead,
  type JournalEntry,
  journalEntry,
  type SessionRecord,
  shardRecord,
  statusRecord,
} from '../../../../src/persistence/index.ts';
import { contentsOf } from '../../../../src/testing/simulation/commit-contents.ts';
import type { Happening, SentCommit, SimEvent } from '../../../../src/testing/simulation/events.ts';
import type { Invariant } from '../../../../src/testing/simulation/world.ts';

const noBytes = new Uint8Array();

export interface Written {
  readonly records?: Readonly<Record<string, Uint8Array | null>>;
  /** What is published of the audit, by key. */
  readonly audit?: ReadonlyArray<readonly [key: string, value: Uint8Array | null]>;
  readonly statuses?: ReadonlyArray<readonly [flowId: string, head: FlowHead, commit?: number]>;
  readonly partition?: number;
  readonly term?: number;
  readonly worker?: string;
}

export class History {
  readonly violations: string[] = [];
  readonly #invariant: Invariant;
  readonly #records = new Map<string, Uint8Array>();
  #sequence = 0;

  constructor(invariant: Invariant) {
    this.#invariant = invariant;
  }

  tell(happening: Happening, worker = 'worker-0'): this {
    const event: SimEvent = { at: 0, node: 'node', worker, ...happening };
    this.#invariant.event(event, (text) => this.violations.push(text));
    return this;
  }

  /** A commit that is sent; the outcome is open. */
  sends(written: Written): SentCommit {
    const { records = {}, statuses = [], audit = [], partition = 0, term = 1, worker } = written;
    this.#sequence += 1;
    const batch = {
      records: Object.entries(records).map(([key, value]) => ({ key, value })),
      publications: [
        ...statuses.map(([key, head, commit]) => ({ topic: 'flow.status', key, value: statusOf(head, commit) })),
        ...audit.map(([key, value]) => ({ topic: 'flow.audit', key, value })),
      ],
    };
    const sent: SentCommit = {
      shard: { topic: 'flow.state', partition },
      term: { incarnation: 1, counter: term },
      sequence: this.#sequence,
      batch,
      contents: contentsOf(batch),
    };
    this.tell({ type: 'commit', ...sent }, worker);
    return sent;
  }

  /** A commit that is sent, and is in the log. */
  commits(written: Written): this {
    const sent = this.sends(written);
    const { shard, term, sequence, batch } = sent;
    const name = (key: string): string => `${shard.partition}/${key}`;
    const before = (key: string): Uint8Array | undefined => this.#records.get(name(key));
    const headBefore = (flow: string): FlowHead | undefined => {
      const value = before(`c/${flow}`);
      return value === undefined ? undefined : flowHead.decode(value);
    };
    this.tell({ type: 'applied', before, headBefore, ...sent }, written.worker);
    for (const { key, value } of batch.records) {
      if (value === null) this.#records.delete(name(key));
      else this.#records.set(name(key), value);
    }
    return this.tell({ type: 'durable', shard, term, sequence }, written.worker);
  }
}

/** A routing key is 24 characters long. */
export const routingKey = 'a'.repeat(24);
export const flowId = `${routingKey}-1`;

export function head(parts: Partial<FlowHead> = {}): FlowHead {
  return {
    ...{ flow: 'buy', version: 1, memberName: 'ACME', memberGroup: 'default', clientRequestId: 'order', inputHash: '' },
    ...{ trace: '', created: 1, status: 'RUNNING', updated: 1, stage: 'start', visit: 0, state: noBytes },
    ...{ sessions: [], nextInbox: 0, retries: 0, acts: [], fault: null, faultEntry: -1 },
    ...{ faultNext: -1, cancel: null, progress: [], expires: 0, stays: [], mark: null },
    ...parts,
  };
}

export function headBytes(parts: Partial<FlowHead> = {}): Uint8Array {
  return flowHead.encode(head(parts));
}

export function statusOf(of: FlowHead, commit = 1): Uint8Array {
  return statusRecord.encode({ ...of, startedBy: '', result: noBytes, commit });
}

export function entry(parts: Partial<JournalEntry> = {}): Uint8Array {
  return journalEntry.encode({
    ...{ op: 'step', label: 'one', state: 'done', value: noBytes, fault: null, due: 0, attempts: 1 },
    ...{ until: 0, order: 1, branch: false, failures: [] },
    ...parts,
  });
}

export function shard(commit: number): Uint8Array {
  return shardRecord.encode({ partitions: 2, commit, released: false, claim: 0 });
}

export function session(parts: Partial<SessionRecord> = {}): SessionRecord {
  return {
    ...{ id: `${flowId}.0.0`, name: '', role: 'initiator', protocol: 'trade', version: 1, peerName: 'GLOBEX' },
    ...{ peerGroup: 'default', sent: 0, received: 0, consumed: 0, status: 'open', peer: 'open', peerError: '' },
    ...{ cause: 'failed', refused: false, active: 1, idle: 0, requireClose: false },
    ...parts,
  };
}

/** A message from ACME to GLOBEX, unless `parts` says otherwise. */
export function message(parts: Partial<SessionMessage> = {}): Uint8Array {
  return sessionMessage.encode({
    ...{ protocol: 'trade', version: 1, session: `${flowId}.0.0`, direction: 'toResponder', kind: 'data', sequence: 1 },
    ...{ sourceName: 'ACME', sourceGroup: 'default', destinationName: 'GLOBEX', destinationGroup: 'default' },
    ...{ trace: '', created: 1, expires: 1_000, type: 'offer', body: noBytes, received: 0, consumed: 0 },
    ...{ acknowledged: 0, cause: 'failed', ended: false },
    ...parts,
  });
}

export function actorBytes(kind: 'ask' | 'tell' | 'answer', request: string): Uint8Array {
  return actorMessage.encode({
    ...{ kind, request, flow: flowId, memberName: 'ACME', memberGroup: 'default', actor: 'account', key: 'one' },
    ...{ type: 'add', body: noBytes, fault: null },
  });
}

export function taken(number: number): Uint8Array {
  return encodeCount(number);
}
