/** Deliberate bugs of shards: commits, positions, outboxes and takeovers. */
import { everywhere } from '../everywhere.ts';
import type { Mutation } from '../mutation.ts';

const shard = 'src/actors/shard/shard.ts';
const outbox = 'src/actors/shard/outbox.ts';

export const bugsOfShards: readonly Mutation[] = [
  {
    id: 'outbox-acknowledged-early',
    sentence: 'A message between shards is acknowledged before the commit that takes it.',
    file: shard,
    edits: [
      {
        find: 'this.#received.take(sender, number, origin, changes);',
        replace:
          'this.#received.take(sender, number, origin, changes); this.#durableTaken.set(sender, number); this.#acknowledge(sender, false);',
      },
    ],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'position-apart',
    sentence: 'The number taken from a sender is written by another commit than what the message did.',
    file: shard,
    edits: [
      {
        find: 'this.#received.take(sender, number, origin, changes);',
        replace:
          'this.#received.take(sender, number, origin, new ChangeSet()); this.#timers.at(this.#setup.clock.now() + 2, () => { const mark = new ChangeSet(); mark.put(takenKey(sender), encodeCount(number)); this.#add(mark); });',
      },
    ],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'commit-in-two',
    sentence: 'A commit is written in two batches.',
    file: 'src/actors/shard/commit-loop.ts',
    edits: [
      {
        find: 'this.#claim.commit(first.seal()).then(',
        replace:
          'const claim = this.#claim; const { records, publications } = first.seal(); const half = records.length >> 1;\n    claim.commit({ records: records.slice(0, half), publications: [] }).then(() => claim.commit({ records: records.slice(half), publications })).then(',
      },
    ],
    scenarios: ['small'],
  },
  {
    id: 'outbox-leaves-early',
    sentence: 'A message between shards leaves before the commit that caused it.',
    file: outbox,
    edits: [
      {
        find: 'marks.set(partition, stream.last);',
        replace: 'marks.set(partition, stream.last); stream.durable = stream.last; this.#hand(stream);',
      },
    ],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'outbox-gap-accepted',
    sentence: 'A message between shards is taken though one before it is missing.',
    file: outbox,
    edits: [{ find: "number === last + 1 ? 'take' : 'gap'", replace: "'take'" }],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'outbox-repeat-taken',
    sentence: 'A repeated message between shards takes effect again.',
    file: outbox,
    edits: [{ find: "number <= last ? 'repeat' :", replace: "number < last ? 'repeat' : number === last ? 'take' :" }],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'outbox-not-resent',
    sentence: 'What was not acknowledged is never delivered again.',
    file: shard,
    edits: [{ find: 'if (this.#outbox.progress === oldest) this.#outbox.resendAll();', replace: 'void oldest;' }],
    scenarios: ['fan-out'],
  },
  {
    id: 'repeat-not-acknowledged',
    sentence: 'A repeated message between shards is dropped without an acknowledgement.',
    file: shard,
    edits: [{ find: 'if (repeats + gaps > 0)', replace: 'if (gaps > 0)' }],
    scenarios: ['fan-out', 'kafka'],
  },
  {
    id: 'silent-owner-unseen',
    sentence: 'An owner that died before its first commit is taken for none.',
    file: 'src/actors/shard/restore.ts',
    edits: [{ find: "shard.before = silent ? 'silent' : 'released';", replace: "shard.before = 'released';" }],
    scenarios: ['sabotage'],
  },
  {
    id: 'publications-reordered',
    sentence: 'Statuses of one commit are published in another order.',
    file: 'src/actors/shard/batch.ts',
    edits: [{ find: 'this.publications.push(publication)', replace: 'this.publications.unshift(publication)' }],
    scenarios: everywhere,
  },
  {
    id: 'release-without-drain',
    sentence: 'A shard that moves is given up while commits are on their way.',
    file: shard,
    edits: [
      { find: 'await this.#commits.settle();\n      if (this.#over) return;\n', replace: '' },
      { find: 'await this.#commits.release();', replace: 'void this.#commits.release();' },
    ],
    scenarios: ['upgrade'],
  },
  {
    id: 'region-hears-by-mailbox',
    sentence: 'What the group and the shards say to a region is lost when its mailbox is full.',
    file: 'src/actors/shard/region.ts',
    edits: [
      {
        find: "if (this.#notes.length > 1 || this.#context.self.tell({ type: 'look' }) === 'accepted') return;",
        replace: "if (this.#context.self.tell({ type: 'look' }) !== 'accepted') this.#notes.pop(); return;",
      },
    ],
    scenarios: ['services'],
  },
  {
    id: 'outbox-restored-late',
    sentence: 'Flows that run on at a takeover send before the numbers of what they sent earlier are known.',
    file: shard,
    edits: [
      {
        find: 'this.#outbox.restored();\n      this.#program.restored(before);',
        replace: 'this.#program.restored(before);\n      this.#outbox.restored();',
      },
    ],
    scenarios: ['branches'],
  },
];
