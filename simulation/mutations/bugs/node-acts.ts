/** Deliberate bugs of what is done to a node: orders of operators, and another configuration. */
import type { Mutation } from '../mutation.ts';

const requests = 'src/actors/flow/flow-requests.ts';
const configuration = 'src/actors/flow/shard-configuration.ts';
const note = 'this.#setup.acts.onNode(note, authority, changes);';

export const bugsOfNodeActs: readonly Mutation[] = [
  {
    id: 'order-not-audited',
    sentence: 'An order of an operator is said to be noted, and is not.',
    file: requests,
    edits: [{ find: note, replace: '' }],
    scenarios: ['orders'],
  },
  {
    id: 'order-audited-twice',
    sentence: 'An order of an operator is noted twice.',
    file: requests,
    edits: [{ find: note, replace: `${note} ${note}` }],
    scenarios: ['orders'],
  },
  {
    id: 'order-noted-again',
    sentence: 'An act that is asked for again through the log, since its answer was lost, is done again.',
    file: 'src/actors/flow/log-answers.ts',
    edits: [
      {
        find: 'const known = this.#kept.get(ask.id);',
        replace: 'const known = ask.isAct ? undefined : this.#kept.get(ask.id);',
      },
    ],
    scenarios: ['orders'],
  },
  {
    id: 'order-before-entry',
    sentence: 'Drains, undrains and moves are given out while they are being noted.',
    file: 'src/worker/cluster/cluster.ts',
    edits: [
      ...['drain', 'move shard'].map((act) => ({
        find: `await noting({ act: '${act}'`,
        replace: `void noting({ act: '${act}'`,
      })),
      { find: 'const late = await this.#late(noted);', replace: 'const late = false;' },
    ],
    scenarios: ['orders'],
  },
  {
    id: 'configuration-not-audited',
    sentence: 'A shard that is run with another configuration keeps it, and does not say so in the audit.',
    file: configuration,
    edits: [
      {
        find: 'if (before !== undefined) acts.configured({ before, after }, configured.authority, changes);',
        replace: '',
      },
    ],
    scenarios: ['orders'],
  },
  {
    id: 'configuration-audited-twice',
    sentence: 'Every takeover is audited as a change of the configuration.',
    file: configuration,
    edits: [
      { find: 'if (before !== undefined && Buffer.compare(before.hash, after.hash) === 0) return;', replace: '' },
    ],
    scenarios: ['orders'],
  },
  {
    id: 'configuration-audited-late',
    sentence: 'A shard is run with another configuration for a commit before it says so.',
    file: configuration,
    edits: [
      {
        find: 'host.add(changes);',
        replace: 'const first = new ChangeSet(); first.after(() => host.add(changes)); host.add(first);',
      },
    ],
    scenarios: ['orders'],
  },
  {
    id: 'configuration-not-kept',
    sentence: 'A shard does not keep what it is run with: no later owner sees that this has changed.',
    file: configuration,
    edits: [{ find: 'changes.put(configurationKey, configurationRecord.encode(after));', replace: '' }],
    scenarios: ['orders'],
  },
];
