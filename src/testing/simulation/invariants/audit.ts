/**
 * SM17: the audit of each shard is a chain, and it says what was done and nothing else. In the commit in which an act
 * takes effect (a flow is there, leaves the hospital, has one more act in its history, has ended) stands its entry, and
 * no entry stands where nothing was done; for what is done to the node see `NodeActs`. Entries leave from the front alone, up to an anchor that is true.
 */
import {
  type ActRecord,
  type AuditRecord,
  auditRecord,
  ChainCheck,
  chainAnchor,
  chainPoint,
  chainStart,
  type FlowHead,
  isTerminal,
} from '../../../persistence/index.ts';
import { ByShard } from '../by-shard.ts';
import type { Invariant } from '../world.ts';
import { NodeActs } from './node-acts.ts';

interface Chain {
  readonly check: ChainCheck;
  /** Hashes of the entries that are there, and of the anchor, by number. */
  readonly hashes: Map<number, Uint8Array>;
  anchor: number;
}

/** The flow of entries that are about none. */
const noFlow = '';

/** Acts that a head keeps; beyond it the second one is forgotten. */
const maxActs = 20;

export function audit(): Invariant {
  const shards = new ByShard<Chain>(({ partition }) => ({
    check: new ChainCheck(partition, chainStart),
    hashes: new Map([[0, chainStart.hash]]),
    anchor: 0,
  }));
  const acts = new NodeActs();
  return {
    name: 'the audit is a chain of what was done',
    hears: ['applied', 'ordered'],
    event(event, violate) {
      if (event.type === 'ordered') {
        const wrong = acts.ordered(event);
        if (wrong !== undefined) violate(wrong);
      }
      if (event.type !== 'applied') return;
      const { heads, audit: published, chainHead, configuration } = event.contents;
      if (heads.length === 0 && published.length === 0 && configuration === undefined) return;
      const chain = shards.of(event.node, event.shard);
      const entries = new Map<string, AuditRecord[]>();
      for (const { number, value } of published) {
        const wrong = number === undefined ? anchored(chain, value) : followed(chain, number, value, entries);
        if (wrong !== undefined) violate(`${event.shard.topic}[${event.shard.partition}]: ${wrong}`);
      }
      const { last } = chain.check;
      if (chainHead !== undefined && !isHash(last.hash, chainPoint.decode(chainHead).hash)) {
        violate(`the shard goes on from another entry than ${last.number}`);
      }
      const ofNode = acts.entered(event, entries.get(noFlow) ?? []);
      if (ofNode !== undefined) violate(`${event.shard.topic}[${event.shard.partition}]: ${ofNode}`);
      entries.delete(noFlow);
      for (const { flowId, value: head } of heads) {
        const said = entries.get(flowId) ?? [];
        entries.delete(flowId);
        const wrong = head === undefined ? undefined : unsaid(event.headBefore(flowId), head, said);
        if (wrong !== undefined) violate(`${flowId}: ${wrong}`);
      }
      for (const [flowId, [entry]] of entries) violate(`${flowId}: "${entry?.act}" is audited, and it is not written`);
    },
  };
}

function anchored(chain: Chain, value: Uint8Array | null): string | undefined {
  if (value === null) return 'the anchor was removed';
  const { number, hash } = chainAnchor.decode(value);
  if (number < chain.anchor) return `the anchor goes back from ${chain.anchor} to ${number}`;
  if (!isHash(chain.hashes.get(number), hash)) return `the anchor is not entry ${number}`;
  chain.anchor = number;
  return undefined;
}

/** Takes an entry in, or lets it go. */
function followed(
  { check, hashes, anchor }: Chain,
  number: number,
  value: Uint8Array | null,
  entries: Map<string, AuditRecord[]>,
): string | undefined {
  if (value === null) {
    if (number > anchor) return `entry ${number} has left, and the anchor is ${anchor}`;
    if (number < anchor) hashes.delete(number);
    return undefined;
  }
  const entry = auditRecord.decode(value);
  const wrong = check.next(entry);
  if (wrong !== undefined) return `entry ${number}: ${wrong}`;
  hashes.set(number, entry.hash);
  const said = entries.get(entry.flowId) ?? [];
  entries.set(entry.flowId, said);
  said.push(entry);
  return undefined;
}

/** What was done to a flow by a commit and is not in the audit, or the other way round. */
function unsaid(before: FlowHead | undefined, head: FlowHead, said: readonly AuditRecord[]): string | undefined {
  const ends = said.filter(({ act }) => act === 'end');
  const ended = isTerminal(head.status) && before?.status !== head.status;
  if (ends.length !== (ended ? 1 : 0)) return `it is ${head.status}, and ${ends.length} ends are audited`;
  if (ended && ends[0]?.subject !== head.status) return `it is ${head.status}, and audited as ${ends[0]?.subject}`;
  const acts = said.filter(({ act }) => act !== 'end');
  const place = head.acts.length - acts.length;
  if (place < 0) return `${acts.length} acts are audited, and its history has ${head.acts.length}`;
  const added = head.acts.slice(place);
  if (added.some((act, index) => !isSame(act, acts[index]))) return 'its history tells other acts than the audit';
  const former = before?.acts ?? [];
  const kept = head.acts.slice(0, place);
  const last = former.at(-1);
  const all = former.length + acts.length > maxActs ? isSame(kept.at(-1), last) : kept.length === former.length;
  if (!all) return `its history has other acts than the ${acts.length} that are audited`;
  if (before === undefined && acts[0]?.act !== 'start') return 'it is there, and nobody has started it';
  const released = before?.status === 'STUCK' && head.status !== 'STUCK' && !ended;
  if (released && acts.length === 0) return 'it has left the hospital, and nobody has let it go';
  return undefined;
}

function isHash(known: Uint8Array | undefined, hash: Uint8Array): boolean {
  return known !== undefined && Buffer.compare(known, hash) === 0;
}

function isSame(
  act: ActRecord | undefined,
  entry: Pick<AuditRecord, 'at' | 'act' | 'principal' | 'reason'> | undefined,
): boolean {
  if (act === undefined || entry === undefined) return act === entry;
  return (
    act.at === entry.at && act.act === entry.act && act.principal === entry.principal && act.reason === entry.reason
  );
}
