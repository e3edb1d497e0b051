/**
 * What was done to a node, as its audit tells: an order of an operator stands there before it is given out, once; and a
 * shard that is run with another configuration than before says so in the commit that begins with it.
 *
 * What lets a worker take shards again may be given out before, when no shard has noted it in time: one may have to come
 * back for that. It is noted once, or never.
 *
 * Orders are told apart by their reasons: simulated operators give each try a reason of its own.
 */
import { configurationKey, configurationRecord } from '../../../actors/flow/index.ts';
import { type AuditRecord, type AuditValue, hex } from '../../../persistence/index.ts';
import type { SimEvent } from '../events.ts';

/** Acts that take effect in the shard itself; all others are orders. */
const configure = 'configure';

export class NodeActs {
  /** By node, act and what it is about: reasons of orders that are in the audit, and those of them that were given out. */
  readonly #noted = new Map<string, Map<string, 'noted' | 'given out'>>();

  /** Orders that were given out before they could be noted, by node, act, what they are about and why. */
  readonly #late = new Set<string>();

  /** What is wrong with the entries of a commit that are about no flow. */
  entered(event: Extract<SimEvent, { type: 'applied' }>, entries: readonly AuditRecord[]): string | undefined {
    for (const { act, subject, reason } of entries) {
      if (act === configure) continue;
      const reasons = this.#reasons(event.node, act, subject);
      if (reasons.has(reason)) return `"${act} ${subject}" (${reason}) is audited twice`;
      const wasLate = this.#late.delete(`${nameOf(event.node, act, subject)} ${reason}`);
      reasons.set(reason, wasLate ? 'given out' : 'noted');
    }
    const said = entries.filter(({ act }) => act === configure);
    const now = event.contents.configuration;
    const former = event.before(configurationKey);
    if (now === undefined || former === undefined) {
      return said.length === 0 ? undefined : 'a configuration is audited, and none has changed';
    }
    const [before, after] = [configurationRecord.decode(former), configurationRecord.decode(now)];
    if (said.length !== 1) return `it is run with another configuration, and ${said.length} changes are audited`;
    if (same(before, after)) return 'its configuration is audited, and has not changed';
    const [entry] = said;
    if (same(entry?.before, before) && same(entry?.after, after)) return undefined;
    return 'the audit tells of other configurations than the shard has been run with';
  }

  /** What is wrong with an order that is given out now. */
  ordered({ node, key, reason, late }: Extract<SimEvent, { type: 'ordered' }>): string | undefined {
    const [kind = '', ...rest] = key.split('/');
    const act = kind === 'move' ? 'move shard' : reason === undefined ? 'undrain' : kind;
    const reasons = this.#reasons(node, act, rest.at(-1) ?? '');
    // What withdraws an order has no reason with it: it is one of those that are noted.
    const found = reason ?? [...reasons].find(([, state]) => state === 'noted')?.[0];
    const state = found === undefined ? undefined : reasons.get(found);
    if (late !== undefined && !reasons.has(late)) {
      this.#late.add(`${nameOf(node, act, rest.at(-1) ?? '')} ${late}`);
      return undefined;
    }
    if (found === undefined || state === undefined) return `"${act} ${key}" is given out, and it is not in the audit`;
    reasons.set(found, 'given out');
    return undefined;
  }

  #reasons(node: string, act: string, subject: string): Map<string, 'noted' | 'given out'> {
    const name = nameOf(node, act, subject);
    const reasons = this.#noted.get(name) ?? new Map<string, 'noted' | 'given out'>();
    this.#noted.set(name, reasons);
    return reasons;
  }
}

function nameOf(node: string, act: string, subject: string): string {
  return `${node}: ${act} ${subject}`;
}

function same(one: AuditValue | null | undefined, other: AuditValue): boolean {
  return one !== undefined && one !== null && hex(one.hash) === hex(other.hash);
}
