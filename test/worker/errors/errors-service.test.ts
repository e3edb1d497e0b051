/** The service that tells of errors: several workers, one stream, in virtual time on a log that can be made to fail. */
import { describe, expect, it } from 'vitest';
import { type ActorSystem, createActorSystem } from '../../../src/actors/kernel/index.ts';
import { type Logger, seededRandom, silentLogger, silentMeter } from '../../../src/ports/index.ts';
import { virtualClock } from '../../../src/testing/index.ts';
import { type Fate, type Log, memoryCluster } from '../../../src/transport/log/index.ts';
import { ErrorList } from '../../../src/worker/errors/error-list.ts';
import { ErrorReporter } from '../../../src/worker/errors/error-reporter.ts';
import { errorsService } from '../../../src/worker/errors/errors-service.ts';
import { errorTopic } from '../../../src/worker/errors/record.ts';
import { reportingLogger } from '../../../src/worker/errors/reporting-logger.ts';

interface Worker {
  readonly list: ErrorList;
  readonly logger: Logger;
  readonly log: Log;
  readonly system: ActorSystem;
  drain(): Promise<void>;
  /** Messages and counts, oldest first. */
  told(): string[];
}

function cluster() {
  const clock = virtualClock();
  const random = seededRandom(1);
  const faults: { fate: Fate } = { fate: 'ok' };
  const appends: number[] = [];
  const brokers = memoryCluster({
    ...{ clock, random },
    faults: {
      append: ({ records }) => {
        appends.push(records);
        return faults.fate;
      },
    },
  });
  const worker = async (name: string): Promise<Worker> => {
    const reporter = new ErrorReporter({ clock, worker: name, instance: name });
    const list = new ErrorList(() => clock.now());
    const logger = reportingLogger(silentLogger, reporter.line);
    const system = createActorSystem({ clock, random, logger });
    const log = brokers.worker(name);
    const service = errorsService({ reporter, list, system });
    const created = log.ensureTopics(service.creates);
    await clock.advance(0);
    await created;
    const drains: Array<() => Promise<void>> = [];
    const behavior = service.start(
      { ...{ log, clock, random, logger, meter: silentMeter }, onDrain: (_name, how) => void drains.push(how) },
      { id: 'errors', ready: () => undefined, onAvailability: () => undefined },
    );
    system.spawn('errors', behavior);
    await clock.advance(0);
    const told = (): string[] => list.after(0, { limit: 1_000 }).errors.map((one) => `${one.worker}: ${one.message}`);
    return { list, logger, log, system, told, drain: async () => drains.at(-1)?.() };
  };
  return { clock, worker, appends, faults };
}

describe('errors of all workers', () => {
  it('MO11 are one stream: each worker reads those of all of them, in one order', async () => {
    const { clock, worker } = cluster();
    const [one, two] = [await worker('one'), await worker('two')];
    one.logger.error({}, 'a');
    two.logger.error({}, 'b');
    await clock.advance('1 s');
    expect(one.told().toSorted()).toEqual(['one: a', 'two: b']);
    expect(two.list.after(0, { limit: 10 })).toEqual(one.list.after(0, { limit: 10 }));
    // Whoever starts later reads what there was.
    expect((await worker('three')).told()).toEqual(one.told());
  });

  it('MO11 that keep coming are written together ten times a second, and repeats once a minute', async () => {
    const { clock, worker, appends } = cluster();
    const { logger, list } = await worker('one');
    for (let n = 0; n < 100; n++) {
      logger.error({}, 'the same');
      if (n % 10 === 0) logger.error({}, `another ${n}`);
      await clock.advance(10);
    }
    expect(appends.length).toBeLessThanOrEqual(11);
    await clock.advance('1 min');
    const same = list.after(0, { limit: 1_000 }).errors.filter(({ message }) => message === 'the same');
    expect(same.map(({ count }) => count).reduce((sum, count) => sum + count)).toBe(100);
    expect(same).toHaveLength(2);
  });

  it('MO11 W7 a log that stands still holds up nobody; what was reported meanwhile is told when it goes on', async () => {
    const { clock, worker, appends, faults } = cluster();
    const { logger, told } = await worker('one');
    const { promise, resolve } = Promise.withResolvers<void>();
    faults.fate = { delayMs: 0, held: promise };
    logger.error({}, 'the first');
    await clock.advance('1 s');
    for (let n = 0; n < 2_000; n++) logger.error({ n }, `wrong ${n}`);
    await clock.advance('1 min');
    expect([appends.length, told()]).toEqual([1, []]);
    faults.fate = 'ok';
    resolve();
    await clock.advance('1 s');
    expect(told()[0]).toBe('one: the first');
    expect(told().length).toBeLessThan(150);
    expect(told().at(-1)).toMatch(/^one: more errors than are told of: 19\d\d were left out/);
  });

  it('MO11 the last ones of a worker that ends are written before it does, unless the log stands still', async () => {
    const { clock, worker, faults } = cluster();
    const [one, two] = [await worker('one'), await worker('two')];
    one.logger.error({}, 'last words');
    const ended = one.drain();
    await clock.advance(10);
    await ended;
    expect(two.told()).toEqual(['one: last words']);
    faults.fate = { delayMs: 0, held: new Promise(() => undefined) };
    two.logger.error({}, 'nobody will hear');
    const late = two.drain();
    await clock.advance('2 s');
    await late;
  });

  it('MO11 a record whose acknowledgement was lost is there twice on the log, and once in the list', async () => {
    const { clock, worker, faults } = cluster();
    const { logger, told, list } = await worker('one');
    faults.fate = 'lost-ack';
    logger.error({}, 'once');
    await clock.advance('1 s');
    expect([told(), list.next]).toEqual([['one: once'], 2]);
  });

  it('MO11 W7 the stream is trimmed: it keeps as many as the list does', async () => {
    const { clock, worker } = cluster();
    const { log } = await worker('one');
    for (let n = 0; n < 6; n++) {
      const junk = Array.from({ length: 1_000 }, () => ({ key: 'k', value: Buffer.from('no record') }));
      const appended = log.append(errorTopic, 0, junk);
      await clock.advance('1 s');
      await appended;
    }
    const oldest: number[] = [];
    log.tail(errorTopic, 0, 0, ([first]) => {
      oldest.push(first?.offset ?? -1);
      return undefined;
    });
    log.append(errorTopic, 0, [{ key: 'k', value: Buffer.from('no record') }]).catch(() => undefined);
    await clock.advance('1 s');
    expect(oldest[0]).toBeGreaterThanOrEqual(5_500);
  });

  it('MO11 messages that nobody takes are told of when there are many', async () => {
    const { clock, worker } = cluster();
    const { system, list } = await worker('one');
    const ref = system.spawn('mayfly', () => ({ message: () => undefined }));
    const stopped = system.stop(ref);
    await clock.advance(0);
    await stopped;
    for (let n = 0; n < 99; n++) ref.tell('anybody?');
    await clock.advance('5 s');
    expect(list.page({ limit: 10 }).errors).toEqual([]);
    for (let n = 0; n < 500; n++) ref.tell('anybody?');
    await clock.advance('5 s');
    expect(list.page({ limit: 10 }).errors).toMatchObject([
      {
        code: 'WEIR_DEAD_LETTERS',
        severity: 'warning',
        message: expect.stringContaining('the last one was for /mayfly'),
      },
    ]);
  });
});
