/** Bugs in what notices that brokers have lost what they had acknowledged. */
import type { Mutation } from '../mutation.ts';

const shard = 'src/actors/shard/shard.ts';
const claiming = 'src/transport/log/kafka/claiming.ts';

export const bugsOfLosses: readonly Mutation[] = [
  {
    id: 'cut-off-and-claimed',
    sentence: 'A worker claims a shard again whose log ends before what it was acknowledged.',
    file: claiming,
    edits: [{ find: '  assertWhole(setup, fence);\n', replace: '' }],
    scenarios: ['losses'],
  },
  {
    id: 'grown-past-the-cut',
    sentence: 'A worker claims a shard again that another one has gone on with, from before what it was acknowledged.',
    file: claiming,
    edits: [
      { find: 'if (setup.former !== undefined) assertWhole(setup, state.begunBelow(setup.former));', replace: '' },
    ],
    scenarios: ['losses'],
  },
  {
    id: 'loss-kept-to-itself',
    sentence: 'A worker that finds commits gone ends, and does not say so in the log.',
    file: 'src/transport/log/kafka/kafka-log.ts',
    edits: [
      {
        find: 'return this.#tracked(() => this.#catalog.registerLoss(shard, why));',
        replace: 'return Promise.resolve();',
      },
    ],
    scenarios: ['losses'],
  },
  {
    id: 'numbers-given-again',
    sentence: 'A shard takes messages of an owner that gives numbers again which were taken of an earlier one.',
    file: shard,
    edits: [{ find: 'this.#received.contradicts(sender, origin)', replace: 'sender < 0' }],
    scenarios: ['losses'],
  },
  {
    id: 'origin-forgotten-on-takeover',
    sentence: 'The next owner of a shard does not know any more from which owners its messages came.',
    file: 'src/actors/shard/restore.ts',
    edits: [{ find: 'received.restoreOrigin(Number(key.slice(2)), value);', replace: 'return;' }],
    scenarios: ['losses'],
  },
];
