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
import { anchorOf, type Chain, type ChainPlace, oldestFirst } from './chain-reader.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { AuditChain, AuditEntry, AuditPage, AuditQuery, AuditRequest, AuditStretch } from './messages.ts';
import { readPage } from './page.ts';

export interface AuditDeskSetup {
  readonly log: Pick<Log, 'read'>;
  /** How many chains there are. */
  readonly partitions: number;
  readonly authorize: Authorize;
  /** The newest entry of a chain, from the shard that writes it; undefined when it does not run here. */
  readonly headOf: (chain: Chain) => Promise<ChainPoint | undefined>;
}

/** Each holds some chunks of what it reads in memory. */
const maxReadings = 8;

/** For a chain that is begun with the next page. */
const atItsEnd: ChainPlace = { position: undefined, number: Number.MAX_SAFE_INTEGER, anchor: undefined };

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

  async #page(query: AuditQuery, authority: Authority): Promise<AuditPage> {
    const { flowId, since, cursor } = query;
    const from = cursor === undefined ? undefined : decodeCursor(cursor);
    const limit = checkedLimit(query.limit);
    const shared = { log: this.#setup.log, since, fits: this.#filterOf(query, authority) };
    const ofShard = flowId === undefined ? undefined : partitionOf(routingKeyOf(flowId), this.#setup.partitions);
    if (ofShard === undefined || from?.has(ofShard) === false) {
      const chains = from === undefined ? await this.#all() : [...from.keys()].map((chain) => this.#chain(chain));
      const { whole: _, ...page } = await readPage({ ...shared, chains, from, limit });
      return page;
    }
    // What was done to a flow is in the chain of its shard, from its start on.
    const isLast = (entry: AuditRecord): boolean => entry.flowId === flowId && entry.act === 'start';
    const own = await readPage({ ...shared, chains: [this.#chain(ofShard)], from, limit, isLast });
    const { whole, ...page } = own;
    if (whole || page.cursor !== undefined) return page;
    // Its start has left, or it was in another shard while there were more or fewer of them.
    const others = (await this.#all()).filter(({ chain }) => chain !== ofShard);
    const left = limit - page.entries.length;
    if (left === 0) return { ...page, cursor: encodeCursor(new Map(others.map(({ chain }) => [chain, atItsEnd]))) };
    const { whole: _, ...more } = await readPage({ ...shared, chains: others, from: undefined, limit: left });
    return { ...more, entries: [...page.entries, ...more.entries] };
  }

  async #chains(): Promise<readonly AuditChain[]> {
    const chains: AuditChain[] = [];
    for (const place of await this.#all()) {
      // The head first: an anchor that is read later is never behind what it leads to.
      const head = await this.#setup.headOf(place);
      const { number, hash, at } = await anchorOf(this.#setup.log, place);
      chains.push({ chain: place.chain, anchor: { number, hash, at }, ...(head === undefined ? {} : { head }) });
    }
    return chains;
  }

  async #stretch({ chain, limit, cursor }: Extract<AuditRequest, { type: 'auditChain' }>): Promise<AuditStretch> {
    const most = checkedLimit(limit);
    const from = cursor === undefined ? undefined : decodeCursor(cursor).get(chain);
    if (from === undefined && !(await this.#all()).some((place) => place.chain === chain)) {
      throw new WeirError('WEIR_REQUEST_INVALID', { why: `there is no chain ${chain}` });
    }
    const entries: AuditEntry[] = [];
    for await (const { entry, place } of oldestFirst(this.#setup.log, this.#chain(chain), from)) {
      entries.push({ ...entry, chain });
      if (entries.length === most) return { entries, cursor: encodeCursor(new Map([[chain, place]])) };
    }
    return { entries };
  }

  /** Where a chain lies: with its shard, or where that rests since there are fewer. */
  #chain(chain: number): Chain {
    return { chain, partition: chain % this.#setup.partitions };
  }

  /** Every chain: one for each shard, and those that rest. */
  async #all(): Promise<readonly Chain[]> {
    const { log, partitions } = this.#setup;
    const own = Array.from({ length: partitions }, (_, chain) => this.#chain(chain));
    const anchors = await Promise.all(own.map((chain) => anchorOf(log, chain)));
    // An anchor may be of a time when there were other shards.
    const resting = new Set(anchors.flatMap(({ resting: chains }) => chains).filter((chain) => chain >= partitions));
    return [...own, ...[...resting].sort((a, b) => a - b).map((chain) => this.#chain(chain))];
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
      // What was done to the node is for those who may read everything.
      const resource = entry.flowId === '' ? {} : { member: memberId({ name, group }), flow: entry.flow };
      const may = allowed.get(scope) ?? this.#may(authority, resource);
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
