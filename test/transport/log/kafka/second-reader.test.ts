/**
 * What is on the topics after real flows, as Kafka's own tools read it: the dump of a segment and the console consumer.
 * They share no line with the driver, so a mistake that its writer and its reader both make shows here.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, silentLogger, startNode } from '../../../../src/index.ts';
import { describeKafka } from '../../../rig/describe-kafka.ts';

const directory = mkdtempSync(join(tmpdir(), 'weir-second-reader-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const prefix = 'read.';
const flows = 12;
const steps = flow('steps', {
  version: 1,
  states: { start: z.number() },
  result: z.number(),
  stages: {
    *start(n, { step }) {
      const first = yield* step('first', () => n + 1);
      return yield* step('second', () => first + 1);
    },
  },
});

interface Batch {
  readonly fields: ReadonlyMap<string, string>;
  readonly records: ReadonlyArray<{ readonly key: string; readonly headers: string; readonly at: number }>;
}

/** The batches of a segment, by what the tool prints of them. */
function batchesOf(dump: string): Batch[] {
  const batches: Array<{ fields: Map<string, string>; records: Array<Batch['records'][number]> }> = [];
  for (const line of dump.split('\n')) {
    if (line.startsWith('baseOffset:')) {
      const fields = new Map([...line.matchAll(/(\w+): (\S+)/g)].map(([, name = '', value = '']) => [name, value]));
      batches.push({ fields, records: [] });
      continue;
    }
    const record = /^\| offset: .* CreateTime: (\d+) .*headerKeys: \[(.*?)\].*? key: (\S+)/.exec(line);
    if (record === null) continue;
    const [, at = '', headers = '', key = ''] = record;
    batches.at(-1)?.records.push({ key, headers, at: Number(at) });
  }
  return batches;
}

describeKafka('a second reader of what is on the topics', { directory }, (kafka) => {
  const ids: string[] = [];
  let commits = 0;

  const dumpOf = async (topic: string): Promise<Batch[]> => {
    const folder = join(directory, 'data-0', `${prefix}${topic}-0`);
    const files = readdirSync(folder).filter((name) => name.endsWith('.log'));
    const args = ['--print-data-log', '--deep-iteration', '--files', files.map((name) => join(folder, name)).join()];
    return batchesOf(await kafka().tool('org.apache.kafka.tools.DumpLogSegments', args));
  };

  beforeAll(async () => {
    const connection = { brokers: kafka().brokers, prefix, replication: 1, minInsyncReplicas: 1 };
    // Two owners, one after the other: the second one claims what the first one has given up.
    for (const worker of ['first', 'second']) {
      const node = await startNode({
        members: { ACME: { flows: [steps] } },
        ...{ data: join(directory, worker), shards: 1, logger: silentLogger },
        kafka: { ...connection, worker },
      });
      for (let n = 0; n < flows / 2; n++) {
        const handle = await node.start('ACME', steps, n);
        expect(await handle.result()).toBe(n + 2);
        ids.push(handle.flowId);
      }
      const shard = node
        .tree()
        .flatMap(({ children }) => children)
        .flatMap(({ children }) => children)
        .find(({ path }) => path.endsWith('/shard-0'));
      commits += Number(shard?.facts?.commits);
      await node.stop();
    }
  }, 120_000);

  it('WK2 a commit is one whole batch of one producer, and there is one for each', async () => {
    const batches = await dumpOf('flow.state');
    for (const { fields, records } of batches) {
      expect(fields.get('isvalid')).toBe('true');
      expect([fields.get('magic'), fields.get('isTransactional'), fields.get('isControl')]).toEqual([
        '2',
        'false',
        'false',
      ]);
      expect(records).toHaveLength(Number(fields.get('count')));
      // Each record that a shard writes stands in a commit, and each commit has its number once, in the record of the shard.
      const own = records.filter(({ key }) => !key.startsWith('!'));
      expect(own.filter(({ key }) => key === 'shard')).toHaveLength(own.length > 0 ? 1 : 0);
    }
    const committed = batches.filter(({ records }) => records.some(({ key }) => key === 'shard')).length;
    // Each owner commits once more when it gives the shard up, and what nobody waited for may go before that.
    expect(committed).toBeGreaterThanOrEqual(commits + 2);
    expect(committed).toBeLessThanOrEqual(commits + 4);
  }, 60_000);

  it('WK5 epochs, sequences, offsets and times only go on; each claim begins with its fence', async () => {
    const batches = await dumpOf('flow.state');
    const sequences = new Map<string, number>();
    let [offset, epoch, at] = [0, -1, 0];
    const fences: string[][] = [];
    for (const { fields, records } of batches) {
      const number = (name: string): number => Number(fields.get(name));
      expect(number('baseOffset')).toBe(offset);
      offset = number('lastOffset') + 1;
      const producer = `${number('producerId')}/${number('producerEpoch')}`;
      expect(number('producerId')).toBeGreaterThanOrEqual(0);
      if (number('producerEpoch') !== epoch) {
        expect(number('producerEpoch')).toBeGreaterThan(epoch);
        epoch = number('producerEpoch');
        fences.push(records.map(({ key }) => key));
      }
      expect(number('baseSequence')).toBe(sequences.get(producer) ?? 0);
      sequences.set(producer, number('lastSequence') + 1);
      for (const record of records) {
        expect(record.at).toBeGreaterThanOrEqual(at);
        at = record.at;
        expect(record.headers).toBe('');
      }
    }
    expect(fences).toEqual([['!fence'], ['!fence']]);
    expect(batches.flatMap(({ records }) => records).filter(({ key }) => key === '!claim')).toHaveLength(2);
  }, 60_000);

  it('WK3 the newest record of each key is the state: ended flows, their statuses, and nothing else of them', async () => {
    const newest = async (topic: string): Promise<Map<string, boolean>> => {
      const args = ['--bootstrap-server', kafka().brokers.join(), '--topic', `${prefix}${topic}`, '--from-beginning'];
      const shown = ['--timeout-ms', '5000', '--property', 'print.key=true', '--property', 'key.separator= = '];
      const text = await kafka().tool('org.apache.kafka.tools.consumer.ConsoleConsumer', [...args, ...shown]);
      // Values are bytes: a line that does not begin with a key belongs to the one before it.
      const lines = text.split('\n').flatMap((line) => {
        const found = /^([!-~]+) = (.*)$/.exec(line);
        return found === null ? [] : [[found[1] ?? '', found[2] !== 'null'] as const];
      });
      return new Map(lines);
    };
    const state = await newest('flow.state');
    const live = [...state].flatMap(([key, there]) => (there && !key.startsWith('!') ? [key] : []));
    const ofFlows = live.filter((key) => /^[cji]\//.test(key));
    expect(ofFlows.sort()).toEqual(ids.map((id) => `c/${id}`).sort());
    expect(live).toContain('shard');
    const statuses = await newest('flow.status');
    for (const id of ids) expect(statuses.get(id)).toBe(true);
    expect([...statuses].filter(([key, there]) => there && !key.startsWith('!'))).toHaveLength(ids.length);
  }, 60_000);
});
