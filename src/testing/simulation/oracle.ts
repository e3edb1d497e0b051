/**
 * The oracle: what each shard's log must hold, folded from what its writers sent and were told.
 *
 * Owns the first three promises of the log, checked for every driver alike: terms grow (W1, W16), a commit is in the
 * log as a whole or not at all (W2), and whoever was told "durable" finds it there again.
 */
import type { FlowHead } from '../../persistence/index.ts';
import { type LogRecord, newerTerm, type ShardId, type Term } from '../../transport/log/index.ts';
import { ByShard } from './by-shard.ts';
import type { Before, SentCommit, SimEvent } from './events.ts';
import { termText } from './terms.ts';

type Sent = SentCommit & { readonly worker: string };

interface Fold {
  /** Newest claim that was seen. */
  term: Term | undefined;
  /** Newest claim that has restored the shard. */
  restored: Term | undefined;
  /** By worker that asks for a claim: the newest one that was seen when it asked. */
  readonly asked: Map<string, Term | undefined>;
  readonly records: Map<string, Uint8Array>;
  /** By flow: what its head among them says. */
  readonly heads: Map<string, FlowHead>;
  /** By term: a commit whose outcome nobody knows yet. */
  readonly open: Map<string, Sent>;
  /** By term: the last commit that is known to be in. */
  readonly applied: Map<string, number>;
}

export interface OracleSetup {
  /** A commit is known to be in the log. */
  readonly onApplied: (node: string, worker: string, commit: SentCommit, before: Before) => void;
  readonly violate: (invariant: string, text: string) => void;
}

export class Oracle {
  readonly #setup: OracleSetup;
  readonly #folds = new ByShard<Fold>(() => ({
    term: undefined,
    restored: undefined,
    asked: new Map(),
    records: new Map(),
    heads: new Map(),
    open: new Map(),
    applied: new Map(),
  }));

  constructor(setup: OracleSetup) {
    this.#setup = setup;
  }

  /** Whether there is a commit of which only the next owner of its shard will say what became of it. */
  get inDoubt(): boolean {
    for (const { open, restored } of this.#folds.all()) {
      for (const { term } of open.values()) if (restored === undefined || !newerTerm(restored, term)) return true;
    }
    return false;
  }

  event(event: SimEvent): void {
    switch (event.type) {
      case 'claiming': {
        const { asked, term } = this.#folds.of(event.node, event.shard);
        asked.set(event.worker, term);
        return;
      }
      case 'claimed':
        this.#claimed(event.node, event.worker, event.shard, event.term);
        return;
      case 'restored':
        this.#restored(event.node, event.shard, event.term, event.records);
        return;
      case 'commit':
        this.#folds.of(event.node, event.shard).open.set(termText(event.term), sentCommit(event));
        return;
      case 'durable':
        this.#durable(event.node, event.shard, event.term, event.sequence);
        return;
      default:
    }
  }

  #claimed(node: string, worker: string, shard: ShardId, term: Term): void {
    const fold = this.#folds.of(node, shard);
    // The answer may be heard late, when others have claimed after this one: what was known before it asked counts.
    const before = fold.asked.get(worker);
    if (before !== undefined && !newerTerm(term, before)) {
      this.#violate('terms grow', shard, `term ${termText(term)} was given after ${termText(before)}`);
    }
    if (fold.term === undefined || newerTerm(term, fold.term)) fold.term = term;
  }

  #durable(node: string, shard: ShardId, term: Term, sequence: number): void {
    const fold = this.#folds.of(node, shard);
    const name = termText(term);
    // A later owner has read it already; the answer was only late.
    if ((fold.applied.get(name) ?? 0) >= sequence) return;
    const commit = fold.open.get(name);
    if (commit === undefined || commit.sequence !== sequence) {
      const text = `commit ${sequence} of term ${name} was acknowledged, and a later owner did not find it`;
      this.#violate('durable stays durable', shard, text);
      return;
    }
    fold.open.delete(name);
    this.#apply(node, fold, commit);
  }

  #restored(node: string, shard: ShardId, term: Term, found: readonly LogRecord[]): void {
    const fold = this.#folds.of(node, shard);
    // Heard late: it is fenced already, and what it has read is what was there before that.
    if (fold.term !== undefined && newerTerm(fold.term, term)) return;
    if (fold.restored === undefined || newerTerm(term, fold.restored)) fold.restored = term;
    const open = [...fold.open.values()].filter((commit) => newerTerm(term, commit.term));
    // At most one commit of each older term can be in doubt; they were sent in the order of their terms.
    for (const commit of [undefined, ...open.reverse()]) {
      if (difference(after(fold.records, commit), found) !== undefined) continue;
      for (const lost of open) fold.open.delete(termText(lost.term));
      if (commit !== undefined) this.#apply(node, fold, commit);
      return;
    }
    const what = difference(fold.records, found) ?? '';
    const doubt = open.map((commit) => `commit ${commit.sequence} of term ${termText(commit.term)}`).join(', ');
    const text = `term ${termText(term)} restored something else than was committed: ${what}`;
    this.#violate('commits all or nothing', shard, doubt === '' ? text : `${text} (in doubt were ${doubt})`);
  }

  #apply(node: string, fold: Fold, commit: Sent): void {
    fold.applied.set(termText(commit.term), commit.sequence);
    // Told first: whoever asks what a key held before finds it here still.
    this.#setup.onApplied(node, commit.worker, commit, {
      before: (key) => fold.records.get(key),
      headBefore: (flowId) => fold.heads.get(flowId),
    });
    for (const { key, value } of commit.batch.records) {
      if (value === null) fold.records.delete(key);
      else fold.records.set(key, value);
    }
    for (const { flowId, value: head } of commit.contents.heads) {
      if (head === undefined) fold.heads.delete(flowId);
      else fold.heads.set(flowId, head);
    }
  }

  #violate(invariant: string, { topic, partition }: ShardId, text: string): void {
    this.#setup.violate(invariant, `${topic}[${partition}]: ${text}`);
  }
}

function after(
  records: ReadonlyMap<string, Uint8Array>,
  commit: SentCommit | undefined,
): ReadonlyMap<string, Uint8Array> {
  if (commit === undefined) return records;
  const next = new Map(records);
  for (const { key, value } of commit.batch.records) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  return next;
}

function sentCommit({ worker, shard, term, sequence, batch, contents }: Sent): Sent {
  return { worker, shard, term, sequence, batch, contents };
}

/** The first thing that differs, in words; undefined when nothing does. */
function difference(wanted: ReadonlyMap<string, Uint8Array>, found: readonly LogRecord[]): string | undefined {
  let seen = 0;
  for (const { key, value } of found) {
    const known = wanted.get(key);
    if (known === undefined) return `${key} should not be there`;
    if (value === null || Buffer.compare(known, value) !== 0) return `${key} has another value`;
    seen += 1;
  }
  if (seen === wanted.size) return undefined;
  const there = new Set(found.map(({ key }) => key));
  return `${[...wanted.keys()].find((key) => !there.has(key))} is missing`;
}
