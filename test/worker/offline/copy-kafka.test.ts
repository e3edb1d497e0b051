import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom, silentLogger } from '../../../src/ports/index.ts';
import type { OfflineLog } from '../../../src/transport/log/index.ts';
import { kafkaOffline } from '../../../src/transport/log/kafka/offline.ts';
import { exportLog, importLog, readLogFile } from '../../../src/worker/offline/index.ts';
import { codeOf, kafkaWorld, type World } from '../../transport/log/kafka/world.ts';
import { contents, copied, type Directory, directory, fill, memoryFile, pieces, published, record } from './support.ts';

const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function newDirectory(): Promise<Directory> {
  const made = await directory();
  closing.push(made.remove);
  return made;
}

let tools = 0;

function openOffline({ broker, clock, run }: World, prefix = 'weir.'): Promise<OfflineLog> {
  tools += 1;
  const wire = broker.connect(`tool-${tools}`);
  const ports = { clock, random: seededRandom(tools), logger: silentLogger };
  return run(
    kafkaOffline({ ...ports, wire, admin: broker.admin(), groups: ['flow'], cluster: 'a model', prefix, create: true }),
  );
}

async function exported(world: World, log: OfflineLog): Promise<Buffer> {
  const { sink, bytes } = memoryFile();
  await world.run(exportLog(log, sink, { clock: world.clock, version: '0.1.0' }));
  return bytes();
}

const partsOf = (file: Uint8Array) => readLogFile('a file', pieces(file));

/** The contents as they are read in virtual time. */
const contentsOf = (world: World, log: OfflineLog) => world.run(contents(log));

describe('a copy of a log on Kafka', () => {
  it('WK20 goes into the embedded log and back again, each time the same', async () => {
    const world = await kafkaWorld();
    await fill(world.worker('one'), world.run);
    const first = await exported(world, await openOffline(world));

    const between = await newDirectory();
    const embedded = await between.offline(true);
    await importLog(embedded, partsOf(first), world.clock);
    await embedded.close();
    const filled = await between.offline();
    closing.push(() => filled.close());
    expect(await contents(filled)).toEqual(copied);

    const { sink, bytes } = memoryFile();
    // A disk knows nothing of virtual time.
    await exportLog(filled, sink, { clock: world.clock, version: '0.1.0' });
    const again = await openOffline(world, 'again.');
    await world.run(importLog(again, partsOf(bytes()), world.clock));
    expect(await contentsOf(world, await openOffline(world, 'again.'))).toEqual(copied);
  });

  it('WK20 WK16 is run on by workers like any other log, under terms above those of the first one', async () => {
    const world = await kafkaWorld();
    await fill(world.worker('one'), world.run);
    const into = await openOffline(world, 'copy.');
    const file = await exported(world, await openOffline(world));
    const { incarnation } = await world.run(importLog(into, partsOf(file), world.clock));
    const worker = world.worker('two', { prefix: 'copy.' });
    await world.run(worker.ensureTopics([{ name: 'flow.state', partitions: 2, kind: 'state' }]));
    const claim = await world.claim(worker);
    expect(claim.term).toEqual({ incarnation, counter: 1 });
    expect(await world.restored(claim)).toEqual({ 'c/a': 'head', 'c/b': 'other', 'd/1:1': 'unreadable', shard: 'own' });
    await world.commit(claim, { 'c/b': 'newer' });
    const next = await world.claim(world.worker('three', { prefix: 'copy.' }));
    expect(next.term).toEqual({ incarnation, counter: 2 });
    expect(await world.restored(next)).toMatchObject({ 'c/a': 'head', 'c/b': 'newer' });
  });

  it('WK20 has what a shard had committed to publish when its worker died', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    await fill(worker, world.run);
    const claim = await world.claim(worker);
    world.faults(({ api, about }) => (api === 'produce' && about === 'weir.flow.status' ? 'lost' : 'ok'));
    await world.run(claim.commit({ records: [], publications: [published('a', 'FAILED'), published('x', 'RUNNING')] }));
    world.broker.crash('one');
    world.faults(() => 'ok');
    const log = await openOffline(world);
    expect((await contentsOf(world, log))['flow.status/0']).toEqual(['a=FAILED', 'x=RUNNING']);
  });

  it('WK20 is not taken while a worker runs, which is named', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('host-1');
    const membership = await world.run(
      worker.join('flow', 2, { assigned: () => undefined, revoked: () => Promise.resolve() }),
    );
    await world.run(world.clock.advance('1 s'));
    await expect(openOffline(world)).rejects.toMatchObject({
      code: 'WEIR_LOG_RUNNING',
      message: expect.stringContaining('host-1'),
    });
    await world.run(membership.leave());
    await openOffline(world);
  });

  it('WK20 is given up when somebody writes meanwhile', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    await fill(worker, world.run);
    const log = await openOffline(world);
    const writing = async (): Promise<void> => {
      const { sink } = memoryFile();
      await exportLog(
        log,
        async (bytes) => {
          await sink(bytes);
          await worker.append('flow.events', 0, [record('k', 'late')]);
        },
        { clock: world.clock, version: '0.1.0' },
      );
    };
    await expect(world.run(writing())).rejects.toMatchObject({
      code: 'WEIR_LOG_CHANGED',
      message: expect.stringContaining('weir.flow.events/0'),
    });
  });

  it('WK20 is there as a whole or not at all, wherever the import breaks off', async () => {
    const world = await kafkaWorld();
    await fill(world.worker('one'), world.run);
    const file = await exported(world, await openOffline(world));
    const target = await openOffline(world, 'copy.');
    const damaged = Buffer.from(file);
    const at = file.lastIndexOf('COMPLETED');
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    expect(await codeOf(world.run(importLog(target, partsOf(damaged), world.clock)))).toBe('WEIR_LOG_FILE_DAMAGED');
    expect((await openOffline(world, 'copy.')).topics).toEqual([]);

    // The process dies when it has written everything but the record that puts it in place.
    const dying = await openOffline(world, 'copy.');
    world.once(({ api, about }) => api === 'produce' && about === 'copy.topics', 'crash-before');
    void importLog(dying, partsOf(file), world.clock).catch(() => undefined);
    await world.run(world.clock.advance('1 min'));
    expect((await openOffline(world, 'copy.')).topics).toEqual([]);

    await world.run(world.clock.advance('1 s'));
    await world.run(importLog(await openOffline(world, 'copy.'), partsOf(file), world.clock));
    const whole = await openOffline(world, 'copy.');
    expect(await contentsOf(world, whole)).toEqual(copied);
    expect(await codeOf(world.run(importLog(whole, partsOf(file), world.clock)))).toBe('WEIR_LOG_NOT_EMPTY');
  });

  it('WK20 W1 has nothing of a writer that a broker had let past a fence', async () => {
    const world = await kafkaWorld();
    const worker = world.worker('one');
    await fill(worker, world.run);
    await world.claim(worker);
    const old = world.producer();
    await world.claim(world.worker('two'));
    world.broker.expireProducers('weir.flow.state', 0);
    await world.zombie(old, 7, { 'c/a': 'of a zombie' });
    expect((await contentsOf(world, await openOffline(world)))['flow.state/0']).toContain('c/a=head');
    const newest = world.batches().at(-1)?.records[0];
    expect(Buffer.from(newest?.value ?? []).toString(), 'it is on the partition').toBe('of a zombie');
  });

  it('WK20 waits half a minute for brokers that do not answer, and says so', async () => {
    const world = await kafkaWorld();
    world.faults(() => 'lost');
    await expect(openOffline(world)).rejects.toMatchObject({ code: 'WEIR_LOG_UNREACHABLE' });
  });
});
