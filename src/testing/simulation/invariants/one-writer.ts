/**
 * W1: one writer per shard and term. A term is given once; a claim fences before it resolves, so what an older term
 * sends afterwards is never taken; commits of a shard number on without gap, the last one of an owner lets it go, and
 * its position in the log lane never goes back.
 */
import { newerTerm, type Term } from '../../../transport/log/index.ts';
import { ByShard } from '../by-shard.ts';
import { shardName } from '../commit-contents.ts';
import { termText } from '../terms.ts';
import type { Invariant } from '../world.ts';

interface Seen {
  /** Who was given each term. */
  readonly owners: Map<string, string>;
  newest: Term | undefined;
  /** Terms with a commit on its way. */
  readonly open: Set<string>;
  /** Commits, by term and number, that were sent when a newer claim had been given. */
  readonly late: Set<string>;
  commit: number | undefined;
  position: number;
  /** The term whose owner has let the shard go. */
  released: string | undefined;
}

export function oneWriter(): Invariant {
  const shards = new ByShard<Seen>(() => ({
    owners: new Map(),
    newest: undefined,
    late: new Set(),
    open: new Set(),
    commit: undefined,
    position: 0,
    released: undefined,
  }));
  return {
    name: 'one writer',
    hears: ['claimed', 'released', 'commit', 'durable', 'applied'],
    event(event, tell) {
      if (!('shard' in event) || !('term' in event)) return;
      const seen = shards.of(event.node, event.shard);
      const term = termText(event.term);
      const violate = (text: string): void => tell(`${shardName(event.node, event.shard)}: ${text}`);
      switch (event.type) {
        case 'claimed': {
          const owner = seen.owners.get(term);
          if (owner !== undefined) violate(`term ${term} was given to ${owner} and to ${event.worker}`);
          seen.owners.set(term, event.worker);
          if (seen.newest === undefined || newerTerm(event.term, seen.newest)) seen.newest = event.term;
          return;
        }
        case 'released':
          if (seen.open.has(term)) violate(`term ${term} is given up while a commit is on its way`);
          if (seen.released !== term) violate(`term ${term} is given up, and no commit says so`);
          return;
        case 'commit':
          seen.open.add(term);
          if (seen.newest !== undefined && newerTerm(seen.newest, event.term))
            seen.late.add(`${term}:${event.sequence}`);
          return;
        case 'durable':
          seen.open.delete(term);
          if (seen.late.size === 0 || !seen.late.has(`${term}:${event.sequence}`)) return;
          violate(`commit ${event.sequence} of term ${term} was taken after term ${text(seen.newest)} was given`);
          return;
        case 'applied': {
          const { shard, position } = event.contents;
          if (position !== undefined) {
            if (position < seen.position) violate(`the position went back from ${seen.position} to ${position}`);
            seen.position = position;
          }
          if (shard === undefined) return;
          const { commit, released } = shard;
          if (seen.commit !== undefined && commit !== seen.commit + 1) {
            violate(`commit ${commit} of term ${term} follows commit ${seen.commit}`);
          }
          seen.commit = commit;
          if (seen.released === term) violate(`commit ${commit} of term ${term} comes after it was let go`);
          if (released) seen.released = term;
        }
      }
    },
  };
}

function text(term: Term | undefined): string {
  return term === undefined ? 'none' : termText(term);
}
