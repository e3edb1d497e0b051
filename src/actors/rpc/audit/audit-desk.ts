/**
 * Answers questions about the audit, from its topic alone: any worker can, whatever shards it runs.
 *
 * Owns how many readings go on at once, who may read what, and their end when the service ends.
 */
import { ensureError, WeirError } from '../../../errors/index.ts';
import type { AuditRecord, ChainPoint } from '../../../persistence/index.ts';
import { type Authority, type Authorize, memberId } from '../../../ports/index.ts';
import type { Log } from '../../../transport/log/index.ts';
import { routingKeyOf } from '../../flow/protocol.ts';
import { partitionOf } from '../../shard/index.ts';
import { checkedLimit } from '../paging.ts';
import { anchorOf, oldestFirst } from './chain-reader.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { AuditChain, AuditEntry, AuditPage, AuditQuery, AuditRequest, AuditStretch } from './messages.ts';
import { readPage } from './page.ts';

export interface AuditDeskSetup {
  readonly log: Pick<Log, 'read'>;
  /** How many chains there are. */
  readonly partitions: number;
  readonly authorize: Authorize;
  /** The newest entry of a chain, from the shard that writes it; undefined when it does not run here. */
  readonly headOf: (chain: number) => Promise<ChainPoint | undefined>;
}

/** Each holds some chunks of what it reads in memory. */
const maxReadings = 8;

export class AuditDesk {
  readonly #setup: AuditDeskSetup;
  #readings = 0;

  constructor(setup: AuditDeskSetup) {
    this.#setup = setup;
  }

  /** @throws WeirError `WEIR_AUDIT_BUSY`, `WEIR_FORBIDDEN`, `WEIR_REQUEST_INVALID` */
  handle(request: AuditRequest): void {
    const { replyTo } = request;
    if (this.#readings >= maxReadings) throw new WeirError('WEIR_AUDIT_BUSY', { readings: this.#readings });
    this.#readings++;
    this.#answer(request)
      .catch((thrown: unknown) => {
        const error = WeirError.is(thrown) ? thrown : new WeirError('WEIR_INTERNAL', {}, ensureError(thrown));
        replyTo.tell({ type: 'error', error });
      })
      .finally(() => {
        this.#readings--;
      });
  }

  async #answer(request: AuditRequest): Promise<void> {
    switch (request.type) {
      case 'audit':
        request.replyTo.tell({ type: 'ok', value: await this.#page(request.query, request.authority) });
        return;
      case 'auditChains':
        this.#checkAll(request.authority);
        request.replyTo.tell({ type: 'ok', value: await this.#chains() });
        return;
      case 'auditChain':
        this.#checkAll(request.authority);
        request.replyTo.tell({ type: 'ok', value: await this.#stretch(request) });
    }
  }

  #page(query: AuditQuery, authority: Authority): Promise<AuditPage> {
    const { log, partitions } = this.#setup;
    const { flowId, since, cursor } = query;
    return readPage({
      log,
      // All acts on a flow are in the chain of its shard.
      chains: flowId === undefined ? allOf(partitions) : [partitionOf(routingKeyOf(flowId), partitions)],
      from: cursor === undefined ? undefined : decodeCursor(cursor),
      limit: checkedLimit(query.limit),
      since,
      fits: this.#filterOf(query, authority),
    });
  }

  async #chains(): Promise<readonly AuditChain[]> {
    const { log, partitions, headOf } = this.#setup;
    const chains: AuditChain[] = [];
    for (const chain of allOf(partitions)) {
      // The head first: an anchor that is read later is never behind what it leads to.
      const head = await headOf(chain);
      chains.push({ chain, anchor: await anchorOf(log, chain), ...(head === undefined ? {} : { head }) });
    }
    return chains;
  }

  async #stretch({ chain, limit, cursor }: Extract<AuditRequest, { type: 'auditChain' }>): Promise<AuditStretch> {
    const { log, partitions } = this.#setup;
    if (chain >= partitions) {
      throw new WeirError('WEIR_REQUEST_INVALID', { why: `chains are numbered from 0 to ${partitions - 1}` });
    }
    const most = checkedLimit(limit);
    const from = cursor === undefined ? undefined : decodeCursor(cursor).get(chain);
    const entries: AuditEntry[] = [];
    for await (const { entry, place } of oldestFirst(log, chain, from)) {
      entries.push({ ...entry, chain });
      if (entries.length === most) return { entries, cursor: encodeCursor(new Map([[chain, place]])) };
    }
    return { entries };
  }

  #filterOf(query: AuditQuery, authority: Authority): (entry: AuditRecord) => boolean {
    const { flowId, member, flow, principal, act, until } = query;
    const allowed = new Map<string, boolean>();
    return (entry) => {
      if (flowId !== undefined && entry.flowId !== flowId) return false;
      if (flow !== undefined && entry.flow !== flow) return false;
      if (principal !== undefined && entry.principal !== principal) return false;
      if (act !== undefined && entry.act !== act) return false;
      if (until !== undefined && entry.at >= until) return false;
      const { memberName: name, memberGroup: group } = entry;
      if (member !== undefined && (member.name !== name || member.group !== group)) return false;
      const scope = JSON.stringify([group, name, entry.flow]);
      const may = allowed.get(scope) ?? this.#may(authority, { member: memberId({ name, group }), flow: entry.flow });
      allowed.set(scope, may);
      return may;
    };
  }

  /** A chain can only be verified as a whole. */
  #checkAll(authority: Authority): void {
    if (this.#may(authority, {})) return;
    throw new WeirError('WEIR_FORBIDDEN', { principal: authority.principal.name, action: 'audit.read' });
  }

  #may({ principal }: Authority, resource: Parameters<Authorize>[2]): boolean {
    return this.#setup.authorize(principal, 'audit.read', resource);
  }
}

function allOf(partitions: number): readonly number[] {
  return Array.from({ length: partitions }, (_, chain) => chain);
}
