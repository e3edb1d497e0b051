import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../../src/actors/shard/index.ts';
import { shardRecord } from '../../../src/persistence/index.ts';
import { seededRandom, silentLogger } from '../../../src/ports/index.ts';
import type { OfflineLog } from '../../../src/transport/log/index.ts';
import { kafkaOffline } from '../../../src/transport/log/kafka/offline.ts';
import { reshardLog } from '../../../src/worker/offline/index.ts';
import { codeOf, commit, kafkaWorld, type World } from '../../transport/log/kafka/world.ts';
import { contents, published, record } from './support.ts';

const flow = '0123456789abcdef01234567-1';
const home = partitionOf(flow.slice(0, 24), 5);
const specs = (partitions: number) =>
  [
    { name: 'flow.state', partitions, kind: 'state' },
    { name: 'flow.events', partitions, kind: 'events' },
    { name: 'flow.status', partitions, kind: 'table' },
  ] as const;

let tools = 0;

function openOffline({ broker, clock, run }: World): Promise<OfflineLog> {
  tools += 1;
  const ports = { clock, random: seededRandom(tools), logger: silentLogger };
  const wire = broker.connect(`tool-${tools}`);
  return run(kafkaOffline({ ...ports, wire, admin: broker.admin(), groups: ['flow'], cluster: 'a model' }));
}

/** A world whose first shard has a flow, and its owner, who holds the shard still. */
async function worldWithFlow() {
  const world = await kafkaWorld();
  const worker = world.worker('one');
  const claim = await world.claim(worker);
  const own = shardRecord.encode({ partitions: 2, commit: 5, released: true, claim: 0 });
  await world.run(
    claim.commit({
      records: [record(`c/${flow}`, 'head'), record('shard', own)],
      publications: [published(flow, 'RUNNING')],
    }),
  );
  return { world, worker, claim };
}

describe('another number of partitions on Kafka', () => {
  it('WK20 is there at once for whoever starts then, and the topics before are left to the operator', async () => {
    const { world } = await worldWithFlow();
    const log = await openOffline(world);
    const done = await world.run(reshardLog(log, 5, world.clock));
    expect(done).toMatchObject({ before: 2, partitions: 5, left: specs(2).map(({ name }) => `weir.${name}`) });
    const next = world.worker('two');
    await world.run(next.ensureTopics(specs(5)));
    const found = await world.run(contents(await openOffline(world)));
    expect(
      Object.values(found)
        .flat()
        .filter((line) => line.startsWith('shard=')),
    ).toHaveLength(5);
    expect(Object.entries(found).flatMap(([at, lines]) => (lines.includes(`${flow}=RUNNING`) ? [at] : []))).toEqual([
      `flow.status/${home}`,
    ]);
    expect(found[`flow.state/${home}`]).toContain(`c/${flow}=head`);
    const claim = await world.run(next.claim({ topic: 'flow.state', partition: 4 }));
    expect(claim.term).toEqual({ incarnation: done?.incarnation, counter: 1 });
    // The name on the brokers ends with that of the topic, and begins with the prefix.
    expect(world.broker.log(`weir.${done?.incarnation}.flow.state`, 4)).toBeDefined();
    expect(await codeOf(world.run(world.worker('three').ensureTopics(specs(2))))).toBe('WEIR_LOG_TOPIC');
  });

  it('WK20 W1 an owner who had slept commits nothing any more, and its worker claims nothing of what was before', async () => {
    const { world, worker, claim } = await worldWithFlow();
    world.broker.freeze('one');
    await world.run(reshardLog(await openOffline(world), 3, world.clock));
    world.broker.thaw('one');
    expect(await codeOf(world.run(claim.commit(commit({ [`c/${flow}`]: 'late' }))))).toBe('WEIR_LOG_FENCED');
    expect(await codeOf(world.claim(worker))).toBe('WEIR_LOG_REPLACED');
    expect(await codeOf(world.claim(worker)), 'and again').toBe('WEIR_LOG_REPLACED');
    const found = await world.run(contents(await openOffline(world)));
    expect(Object.values(found).flat()).toContain(`c/${flow}=head`);
  });

  it('WK20 is given up when somebody writes meanwhile, and then nothing has changed', async () => {
    const { world, worker } = await worldWithFlow();
    const log = await openOffline(world);
    let wrote = false;
    world.faults(({ api, about = '' }) => {
      // The table comes last: everything else has been read by then.
      if (!wrote && api === 'produce' && /^weir\.\d+\.flow\.status$/.test(about)) {
        wrote = true;
        void worker.append('flow.events', 1, [record('k', 'late')]);
      }
      return 'ok';
    });
    expect(await codeOf(world.run(reshardLog(log, 3, world.clock)))).toBe('WEIR_LOG_CHANGED');
    expect((await openOffline(world)).topics.map(({ partitions }) => partitions)).toEqual([2, 2, 2]);
    expect(world.broker.log('weir.flow.state', 0)?.batches.length).toBeGreaterThan(0);
    await world.run(world.worker('two').ensureTopics(specs(2)));
  });
});
