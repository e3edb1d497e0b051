/**
 * Acts on a flow: who, when, what and why. Each is kept in the history of its flow, and entered into the audit, in the
 * commit that makes it take effect (SM5, SM17).
 */
import { type AuditValue, auditHash, canonicalBytes, type FlowHead } from '../../persistence/index.ts';
import type { Authority, Clock } from '../../ports/index.ts';
import type { ChangeSet } from '../shard/index.ts';
import type { Act } from './act.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { FlowInstance } from './instance.ts';
import { cut } from './limits.ts';
import type { NodeAct } from './request.ts';

/** What an act was about, beside the flow. */
export interface ActDetails {
  /** The operation, for instance. */
  readonly subject?: string;
  readonly before?: AuditValue;
  readonly after?: AuditValue;
}

/** Acts that a head keeps: the start and the newest ones; the rest is the audit's. */
const maxActs = 20;

/** Values that the audit keeps itself; of larger ones it has the hash. */
const maxKeptBytes = 16 * 1024;

export class FlowActs {
  readonly #clock: Clock;
  readonly #trail: AuditTrail;

  constructor(clock: Clock, trail: AuditTrail) {
    this.#clock = clock;
    this.#trail = trail;
  }

  /** Somebody does something to a flow. Call it before what the act leads to, in the same change set. */
  done(flow: FlowInstance, act: Act, authority: Authority, changes: ChangeSet, details: ActDetails = {}): void {
    const at = this.#clock.now();
    remember(flow.head, { at, act, principal: cut(authority.principal.name), reason: cut(authority.reason) });
    this.#enter(flow, { at, act, authority, code: '', ...details }, changes);
  }

  /** A flow has ended; its head says how. */
  ended(flow: FlowInstance, result: Uint8Array, changes: ChangeSet): void {
    const { status, fault } = flow.head;
    const act = { at: this.#clock.now(), act: 'end', subject: status, code: fault?.code ?? '' } as const;
    const authority = { principal: engine, reason: fault?.message ?? '' };
    const after = status === 'COMPLETED' ? { after: hashOnly(result) } : {};
    this.#enter(flow, { ...act, authority, ...after }, changes);
  }

  /** Somebody does something to the node. */
  onNode({ act, subject, before, after }: NodeAct, authority: Authority, changes: ChangeSet): void {
    const values = { before: kept(canonicalBytes(before)), after: kept(canonicalBytes(after)) };
    this.#enterOfNode(act, cut(subject).toWellFormed(), values, authority, changes);
  }

  /** Somebody has started the node with another configuration than the shard was run with before. */
  configured(values: Required<Pick<ActDetails, 'before' | 'after'>>, authority: Authority, changes: ChangeSet): void {
    this.#enterOfNode('configure', '', values, authority, changes);
  }

  #enterOfNode(
    act: NodeAct['act'] | 'configure',
    subject: string,
    values: Required<Pick<ActDetails, 'before' | 'after'>>,
    authority: Authority,
    changes: ChangeSet,
  ): void {
    const at = this.#clock.now();
    this.#trail.enter({ ...noFlow, at, act, subject, ...whoOf(authority), code: '', ...values }, changes);
  }

  #enter(
    { id, head }: FlowInstance,
    { at, act, authority, subject = '', code, before, after }: Entered,
    changes: ChangeSet,
  ): void {
    const { flow, version, memberName, memberGroup, clientRequestId } = head;
    const { principal, reason } = authority;
    this.#trail.enter(
      {
        at,
        act,
        // What was cut in the middle of a character would be another text once it has been written.
        subject: cut(subject).toWellFormed(),
        flowId: id,
        flow,
        version,
        memberName,
        memberGroup,
        clientRequestId: clientRequestId.toWellFormed(),
        principal: cut(principal.name).toWellFormed(),
        principalKind: principal.kind,
        reason: cut(reason).toWellFormed(),
        code: cut(code).toWellFormed(),
        before: before ?? null,
        after: after ?? null,
      },
      changes,
    );
  }
}

/** What an entry says of a flow, where there is none. */
const noFlow = { flowId: '', flow: '', version: 0, memberName: '', memberGroup: '', clientRequestId: '' } as const;

function whoOf({ principal: { name, kind }, reason }: Authority) {
  return {
    principal: cut(name).toWellFormed(),
    principalKind: kind,
    reason: cut(reason).toWellFormed(),
  };
}

interface Entered extends ActDetails {
  readonly at: number;
  readonly act: Act | 'end';
  readonly authority: Authority;
  readonly code: string;
}

/** Flows end by themselves, or by an act that has an entry of its own. */
const engine: Authority['principal'] = { name: 'weir', kind: 'system' };

const noBytes = new Uint8Array();

/** A value of an act, kept as it is unless it is large. */
export function kept(bytes: Uint8Array): AuditValue {
  return { ...hashOnly(bytes), value: bytes.length > maxKeptBytes ? noBytes : bytes };
}

/** A value that is named by its hash alone. */
export function hashOnly(bytes: Uint8Array): AuditValue {
  return { hash: auditHash(bytes), size: bytes.length, value: noBytes };
}

/** Adds an act to a flow's history. */
function remember(head: FlowHead, act: FlowHead['acts'][number]): void {
  if (head.acts.length >= maxActs) head.acts.splice(1, 1);
  head.acts.push(act);
}
