/**
 * W5: where brokers have lost commits that they had acknowledged, nobody goes on as if nothing had happened. Who was told
 * that a commit is durable, and finds it gone, writes nothing more; numbers that another shard has taken are not given a
 * second time without anybody noticing; and soon after somebody has said so, no worker commits anything.
 *
 * Beyond that nothing is promised: a loss that left no trace anywhere is noticed by nobody.
 */
import type { ShardRecord } from '../../../persistence/index.ts';
import type { ShardId, Term } from '../../../transport/log/index.ts';
import { ByShard } from '../by-shard.ts';
import type { SentCommit, SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

/** A worker may hear so late of what another one has said: it stood still meanwhile, or was cut off. */
const heardWithinMs = 30_000;

/** A life of a worker, from its start to its death: an object of its own. */
type Process = object;

interface Commit {
  /** That sent it. */
  readonly process: Process;
  readonly sequence: number;
  readonly contents: SentCommit['contents'];
  lost: boolean;
  /** It, or its answer, was on its way when commits were lost: whether it was among them nobody can say. */
  unsure: boolean;
}

interface Shard {
  /** The last one that each claim has sent, and was not told of. */
  readonly open: Map<Term, Commit>;
  /** Those that their processes were told of as durable. */
  readonly told: Commit[];
  /** Processes that were told of a commit that is gone. */
  readonly deceived: Set<Process>;
  hasLost: boolean;
}

type EventOf<Type extends SimEvent['type']> = Extract<SimEvent, { type: Type }>;

export function lossesAreNoticed(): Invariant {
  const losses = new Losses();
  return {
    name: 'losses are noticed',
    outlastsLoss: true,
    hears: ['up', 'commit', 'durable', 'lost', 'condemned'],
    event: (event, violate) => losses.event(event, violate),
    end({ scheduler }, violate) {
      const text = losses.unnoticed(scheduler.now);
      if (text !== undefined) violate(text);
    },
  };
}

class Losses {
  readonly #shards = new ByShard<Shard>(() => ({ open: new Map(), told: [], deceived: new Set(), hasLost: false }));
  /** By node and worker: the process that lives. */
  readonly #processes = new Map<string, Map<string, Process>>();
  /** By node: when somebody first said that commits are gone. */
  readonly #said = new Map<string, number>();
  /** The first numbers given again that a receiver has taken already: when, and what to say of it. */
  readonly #again = new Map<string, { readonly at: number; readonly text: string }>();

  event(event: SimEvent, violate: (text: string) => void): void {
    switch (event.type) {
      case 'up':
        this.#workers(event.node).set(event.worker, {});
        return;
      case 'commit':
        this.#shards.of(event.node, event.shard).open.set(event.term, {
          process: this.#process(event),
          sequence: event.sequence,
          contents: event.contents,
          lost: false,
          unsure: false,
        });
        return;
      case 'durable':
        this.#durable(event, violate);
        return;
      case 'lost':
        this.#lose(event);
        return;
      case 'condemned':
        if (!this.#said.has(event.node)) this.#said.set(event.node, event.at);
    }
  }

  /** What somebody should have noticed by now, if nobody has. */
  unnoticed(now: number): string | undefined {
    for (const [node, { at, text }] of this.#again) {
      if (!this.#said.has(node) && now - at > heardWithinMs) return text;
    }
    return undefined;
  }

  #lose({ node, shard, commits }: EventOf<'lost'>): void {
    const kept = this.#shards.of(node, shard);
    kept.hasLost = true;
    for (const commit of kept.open.values()) commit.unsure = true;
    const gone = new Set(commits.map(nameOf));
    for (const commit of kept.told) {
      if (commit.contents.shard === undefined || !gone.has(nameOf(commit.contents.shard))) continue;
      commit.lost = true;
      kept.deceived.add(commit.process);
    }
  }

  #durable(event: EventOf<'durable'>, violate: (text: string) => void): void {
    const { node, worker, shard, term, sequence, at } = event;
    const kept = this.#shards.of(node, shard);
    const commit = kept.open.get(term);
    if (commit?.sequence !== sequence) return;
    kept.open.delete(term);
    kept.told.push(commit);
    if (commit.unsure) return;
    if (kept.deceived.has(commit.process)) {
      violate(`${worker} goes on with ${shard.topic}/${shard.partition}, of which it knows commits that are gone`);
    }
    const said = this.#said.get(node);
    if (said !== undefined && at - said > heardWithinMs) {
      violate(`${worker} commits to ${shard.topic}/${shard.partition}, long after it was said that commits are gone`);
    }
    if (kept.hasLost && !this.#again.has(node)) this.#lookAtNumbers(event, commit);
  }

  /** A stream between shards whose sender does not know what it has sent. */
  #lookAtNumbers({ node, shard, at }: EventOf<'durable'>, { contents }: Commit): void {
    for (const { receiver, number, value } of contents.stream) {
      const taken = this.#taken(node, { ...shard, partition: receiver }, shard.partition);
      if (value === null || number > taken) continue;
      const text = `shard ${shard.partition} sends message ${number} to shard ${receiver}, which has taken ${taken}, and nobody says so`;
      this.#again.set(node, { at, text });
      return;
    }
  }

  /** The last number that the receiver has taken, as far as its log knows. */
  #taken(node: string, receiver: ShardId, sender: number): number {
    let last = 0;
    for (const { lost, contents } of this.#shards.of(node, receiver).told) {
      if (lost) continue;
      for (const mark of contents.marks) if (mark.sender === sender) last = Math.max(last, mark.taken);
    }
    return last;
  }

  #process({ node, worker }: EventOf<'commit'>): Process {
    const workers = this.#workers(node);
    const known = workers.get(worker);
    if (known !== undefined) return known;
    const process = {};
    workers.set(worker, process);
    return process;
  }

  #workers(node: string): Map<string, Process> {
    const known = this.#processes.get(node);
    if (known !== undefined) return known;
    const workers = new Map<string, Process>();
    this.#processes.set(node, workers);
    return workers;
  }
}

/** What a commit says of itself. */
function nameOf({ claim, commit }: ShardRecord): string {
  return `${claim}/${commit}`;
}
