/** Deliberate bugs of the log: claims, fences and batches. */
import type { Mutation } from '../mutation.ts';

const claiming = 'src/transport/log/kafka/claiming.ts';
const lane = 'src/transport/log/kafka/publication-lane.ts';
const follower = 'src/transport/log/kafka/table-follower.ts';
const found = 'src/actors/flow/found-flows.ts';
const preview = 'src/actors/shard/preview.ts';

export const bugsOfLog: readonly Mutation[] = [
  {
    id: 'no-fence',
    sentence: 'A claim on Kafka takes a new epoch and writes no fence with it, nor looks where its first batch lands.',
    file: claiming,
    edits: [
      {
        find: 'const fence = await writer.write([fenceRecord({ ...producer, nonce })]);',
        replace: "const fence = (await wire.offset(topic, shard.partition, 'latest')).offset - 1;",
      },
      { find: 'await reading.to(fence, (batch) => isOwnFence(batch, nonce));', replace: 'await reading.to(fence);' },
      { find: 'writer.expect(Math.max(fence, end) + 1);', replace: '' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'fence-after-reading',
    sentence: 'A claim on Kafka reads first and writes its fence then.',
    file: claiming,
    edits: [
      {
        find: 'const fence = await writer.write([fenceRecord({ ...producer, nonce })]);',
        replace: "const before = (await wire.offset(topic, shard.partition, 'latest')).offset - 1;",
      },
      {
        find: 'await reading.to(fence, (batch) => isOwnFence(batch, nonce));',
        replace: 'await reading.to(before); const fence = await writer.write([fenceRecord({ ...producer, nonce })]);',
      },
      { find: 'await reading.to(Math.max(fence, end));', replace: '' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'batch-reformed',
    sentence: 'After an unknown outcome the same sequence is used for other records.',
    file: 'src/transport/log/kafka/fenced-writer.ts',
    edits: [
      {
        find: 'this.#sequence = (this.#sequence + records.length) % sequences;',
        replace: 'if (!unknown) this.#sequence = (this.#sequence + records.length) % sequences;',
      },
      { find: 'if (this.#expected !== undefined && baseOffset !== this.#expected) {', replace: 'if (false) {' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'no-dead-fence',
    sentence: 'Producer ids that were used up are not shut out.',
    file: claiming,
    edits: [
      {
        find: 'const end = await writeDeadFences({ ...setup, partition: shard.partition }, formerProducers);',
        replace: 'const end = -1;',
      },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'current-id-not-asked',
    sentence: 'A claim takes every other producer id for an older one, and shuts the newer one out for good.',
    file: claiming,
    edits: [{ find: 'if (formerProducers.length > 0) await nextEpoch(producer, setup);', replace: '' }],
    scenarios: ['kafka'],
  },
  {
    id: 'late-fence-passed-over',
    sentence: 'A claim goes on though a fence that came late, under an older producer id, lies behind its own.',
    file: claiming,
    edits: [
      {
        find: 'if (owner?.producerId !== producer.producerId || owner.epoch < producer.epoch) return undefined;',
        replace: '',
      },
      { find: 'if (owner.epoch > producer.epoch) throw fencedOut(setup);', replace: '' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'terms-go-back',
    sentence: 'Every claim begins to count terms anew.',
    file: claiming,
    edits: [{ find: 'counter: (term?.counter ?? 0) + 1 }', replace: 'counter: 1 }' }],
    scenarios: ['kafka'],
  },
  {
    id: 'older-status-stays',
    sentence: 'A publication that waits keeps its value when a newer one of its key takes its place.',
    file: lane,
    edits: [
      {
        find: 'this.#waiting.set(key, { ...publication, numbers });',
        replace: 'this.#waiting.set(key, { ...(former ?? publication), numbers });',
      },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'publication-forgotten-early',
    sentence: 'What is to be published is forgotten before its topic has acknowledged it.',
    file: lane,
    edits: [
      {
        find: 'await this.#writer.write(this.#sending.map(',
        replace:
          'onPublished(this.#sending.flatMap(({ numbers }) => numbers));\n      await this.#writer.write(this.#sending.map(',
      },
      { find: 'onPublished(sent.flatMap(({ numbers }) => numbers));', replace: '' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'told-before-it-has-read',
    sentence: 'A table is told by a claim of its worker before it has read what that claim sent earlier.',
    file: follower,
    edits: [{ find: 'if (lane.end !== this.#setup.reader.position) return;', replace: '' }],
    scenarios: ['kafka'],
  },
  {
    id: 'told-and-read',
    sentence: 'A table takes from its topic what a claim of its worker has told it before.',
    file: follower,
    edits: [{ find: 'if (isBy(batch, this.#toldBy)) return;', replace: '' }],
    scenarios: ['kafka'],
  },
  {
    id: 'claim-behind-what-was-read',
    sentence: 'A claim takes what was read ahead for everything, and passes over what came between that and its fence.',
    file: claiming,
    edits: [
      {
        find: 'if (this.#ahead !== undefined && offset < this.#ahead.position) this.#beginAnew();',
        replace: 'if (this.#ahead !== undefined) this.#reader = this.#readerAt(offset); this.#ahead = undefined;',
      },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'changes-not-told',
    sentence: 'What was read ahead of a shard is taken as it was, though it has changed since.',
    file: 'src/transport/log/kafka/shard-state.ts',
    edits: [
      {
        find: 'this.#put(this.#entries, key, record);\n        this.#changed?.add(key);',
        replace:
          'if (!this.#entries.has(key)) this.#changed?.add(key);\n        this.#put(this.#entries, key, record);',
      },
    ],
    scenarios: ['kafka', 'services'],
  },
  {
    id: 'made-too-early',
    sentence: 'A flow that was made of what was read ahead is given as it was, though it has changed since.',
    file: found,
    edits: [
      {
        find: 'flow.made = undefined;\n    if (made.type',
        replace: 'flow.made = undefined;\n    flow.early = made;\n    if (made.type',
      },
      { find: 'flow.changed = false;', replace: 'flow.changed = false;\n      flow.early = undefined;' },
      {
        find: 'if (flow.changed) this.#make(flow);',
        replace: 'if (flow.early) flow.made = flow.early; else if (flow.changed) this.#make(flow);',
      },
    ],
    scenarios: ['kafka', 'orders', 'services'],
  },
  {
    id: 'tail-not-told',
    sentence: 'What came between reading ahead and the claim is not put to what was made of it.',
    file: 'src/actors/shard/restore.ts',
    edits: [
      {
        find: 'for (const record of chunk) preview.put(record);',
        replace:
          'const ahead = preview.preparation.ahead;\n    if (!ahead) for (const record of chunk) preview.put(record);',
      },
      {
        file: preview,
        find: 'async take(records: readonly LogRecord[]): Promise<void> {',
        replace:
          'async take(records: readonly LogRecord[]): Promise<void> {\n    if (records.length > 0) this.preparation.ahead = true;',
      },
      {
        file: preview,
        find: 'this.preparation.clear();',
        replace: 'this.preparation.clear();\n    this.preparation.ahead = false;',
      },
    ],
    scenarios: ['kafka', 'orders', 'services'],
  },
];
