/**
 * Journals: an operation that is done stays as it was written for as long as its visit lives, unless an operator lets
 * the flow try it again; a visit that is over has no journal, and nothing is written to it any more.
 */
import { type FlowHead, isTerminal, journalEntry } from '../../../persistence/index.ts';
import { ByShard } from '../by-shard.ts';
import type { JournalRecord } from '../commit-contents.ts';
import type { SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

type Applied = Extract<SimEvent, { type: 'applied' }>;

export function journals(): Invariant {
  /** Entries that are there, by flow: key and visit. */
  const shards = new ByShard(() => new Map<string, Map<string, number>>());
  return {
    name: 'journals are immutable',
    hears: ['applied'],
    event(event, violate) {
      if (event.type !== 'applied') return;
      const { journal, heads } = event.contents;
      if (journal.length === 0 && heads.length === 0) return;
      const there = shards.of(event.node, event.shard);
      for (const record of journal) {
        const { flowId, key, visit } = record;
        const former = event.headBefore(flowId);
        const written = heads.find((head) => head.flowId === flowId);
        const wrong = changed(event, record, former, written === undefined ? former : written.value);
        if (wrong !== undefined) violate(`${key}: ${wrong}`);
        const entries = there.get(flowId);
        if (record.value === null) entries?.delete(key);
        else if (entries === undefined) there.set(flowId, new Map([[key, visit]]));
        else entries.set(key, visit);
      }
      for (const { flowId, value: head } of heads) {
        const over = head === undefined || isTerminal(head.status);
        for (const [key, visit] of there.get(flowId) ?? []) {
          if (over || visit !== head.visit) violate(`${key} outlives its visit`);
        }
        if (over) there.delete(flowId);
      }
    },
  };
}

/** What is wrong with the writing of an entry, when its flow was as `former` says, and is as `head` does. */
function changed(
  event: Applied,
  { key, visit, value }: JournalRecord,
  former: FlowHead | undefined,
  head: FlowHead | undefined,
): string | undefined {
  if (value === null) return undefined;
  if (head === undefined) return 'its flow is not there';
  if (isTerminal(head.status)) return `its flow is ${head.status}`;
  if (visit !== head.visit) return `its flow is in visit ${head.visit}`;
  const old = event.before(key);
  if (old === undefined || head.retries !== former?.retries) return undefined;
  const before = journalEntry.decode(old);
  if (before.state === 'open') return undefined;
  const now = journalEntry.decode(value);
  const same = now.state === before.state && Buffer.compare(now.value, before.value) === 0;
  return same ? undefined : `it was ${before.state}, and is written again`;
}
