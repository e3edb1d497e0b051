/** What a worker has to tell of its errors: folded, limited, without secrets, and never in anybody's way. */
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../../src/errors/index.ts';
import { silentLogger } from '../../../src/ports/index.ts';
import { virtualClock } from '../../../src/testing/index.ts';
import { ErrorReporter } from '../../../src/worker/errors/error-reporter.ts';
import { reportingLogger } from '../../../src/worker/errors/reporting-logger.ts';

function reporting() {
  const clock = virtualClock();
  const reporter = new ErrorReporter({ clock, worker: 'w-1', instance: 'i' });
  const logger = reportingLogger(silentLogger, reporter.line);
  return { clock, reporter, logger, told: () => reporter.take().map(({ message, count }) => `${message} ×${count}`) };
}

describe('lines of the log', () => {
  it('MO11 an error is told with worker, service, code, message, causes, remedy, flow and actor', () => {
    const { clock, reporter, logger } = reporting();
    const flow = logger.child({ actor: '/services/flow/shard-3', uid: 7 }).child({ flowId: 'f-1', member: 'ACME' });
    const err = new WeirError('WEIR_CHILD_DOWN', { id: 'rpc', restarts: 5 }, new Error('no port'));
    flow.error({ err, partition: 3 }, 'something failed');
    const at = clock.now();
    expect(reporter.take()).toEqual([
      {
        ...{ id: 'i/1', worker: 'w-1', service: 'flow', severity: 'error', code: 'WEIR_CHILD_DOWN' },
        message: 'something failed: child rpc is down: it failed again after 5 restarts',
        ...{ causes: ['no port'], remedy: expect.stringContaining('weir actor restart /services/rpc') },
        ...{ actor: '/services/flow/shard-3', flowId: 'f-1', member: 'ACME', details: { partition: 3 } },
        ...{ count: 1, since: at, at },
      },
    ]);
  });

  it('MO11 a warning is told of when it carries an error, and nothing else below the level error is', () => {
    const { reporter, logger } = reporting();
    logger.warn({ err: new Error('it restarts') }, 'actor failed');
    logger.warn({ error: 'text' }, 'a word of warning');
    logger.info({ err: new Error('none') }, 'a note');
    logger.debug({ err: new Error('none') }, 'a detail');
    expect(reporter.take()).toMatchObject([{ severity: 'warning', message: 'actor failed: it restarts' }]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['the actor that it happened in', { actor: '/services/rpc', service: 'x' }, 'rpc'],
    ['the child that a supervisor speaks of', { actor: '/services', child: 'http' }, 'http'],
    ['whoever logs it', { service: 'log' }, 'log'],
    ['the worker, when nobody is named', {}, 'worker'],
  ])('MO11 the service is that of %s', (_, fields, service) => {
    const { reporter, logger } = reporting();
    logger.error(fields, 'wrong');
    expect(reporter.take()).toMatchObject([{ service }]);
  });

  it('MO11 a flow without a remedy of its own names how to look at it', () => {
    const { reporter, logger } = reporting();
    logger.error({ flowId: 'f-1', code: 'TypeError', remedy: '' }, 'flow is stuck');
    expect(reporter.take()).toMatchObject([{ code: 'TypeError', remedy: 'see "weir flow show f-1"' }]);
  });

  it('MO11 secrets are left out, as in the log', () => {
    const { reporter, logger } = reporting();
    const key = '-----BEGIN PRIVATE KEY-----\nabc';
    const err = new Error(key, { cause: new Error(key) });
    logger.error({ err, password: 'p', deep: { apiKey: 'k' } }, 'cannot sign');
    const text = JSON.stringify(reporter.take());
    expect(text).not.toMatch(/abc|"p"|"k"/);
    expect(text).toContain('[redacted]');
  });

  it('MO11 fields that throw when they are looked at harm nobody, and are counted', () => {
    const { reporter, logger } = reporting();
    const fields = {
      get err(): never {
        throw new Error('look away');
      },
    };
    expect(() => reporter.line('error', fields, 'wrong')).not.toThrow();
    logger.error({ err: new Error('another') }, 'wrong');
    expect(reporter.take()).toMatchObject([{ message: 'wrong: another' }, { code: 'WEIR_ERRORS_DROPPED', count: 1 }]);
  });

  it('MO11 W7 however much a line carries, its record is small', () => {
    const { reporter, logger } = reporting();
    const long = 'x'.repeat(1_000_000);
    logger.error({ err: new Error(long, { cause: new Error(long) }), long, many: Array(10_000).fill(long) }, long);
    expect(JSON.stringify(reporter.take()).length).toBeLessThan(16_384);
  });
});

describe('repeats', () => {
  it('MO11 are told of once a minute, with how often and since when', async () => {
    const { clock, reporter, logger } = reporting();
    const fail = (): void => logger.error({ service: 'rpc', err: new Error('again') }, 'wrong');
    fail();
    expect(reporter.take()).toMatchObject([{ count: 1 }]);
    await clock.advance('10 s');
    const since = clock.now();
    fail();
    await clock.advance('5 s');
    fail();
    expect([reporter.take(), reporter.dueInMs()]).toEqual([[], 45_000]);
    await clock.advance('45 s');
    expect(reporter.take()).toMatchObject([{ count: 2, since, at: since + 5_000 }]);
    expect(reporter.dueInMs()).toBeUndefined();
  });

  it('MO11 of different flows are told apart', () => {
    const { logger, told } = reporting();
    for (const flowId of ['a', 'b', 'a']) logger.error({ flowId }, 'flow is stuck');
    expect(told()).toEqual(['flow is stuck ×2', 'flow is stuck ×1']);
  });

  it('MO11 one error that several layers tell of counts once, and again when it comes back', async () => {
    const { clock, logger, told } = reporting();
    const err = new Error('broken');
    logger.warn({ err }, 'actor failed');
    logger.error({ err }, 'a shard has failed');
    expect(told()).toEqual(['actor failed: broken ×1']);
    await clock.advance('2 min');
    logger.error({ err }, 'a shard has failed');
    expect(told()).toEqual(['a shard has failed: broken ×1']);
  });
});

describe('too many', () => {
  it('MO11 W7 kinds of errors are limited, and what is left out is told by number and kind', async () => {
    const { clock, reporter, logger } = reporting();
    for (let flow = 0; flow < 10_000; flow++)
      logger.error({ service: 'flow', code: 'E', flowId: `f-${flow}` }, 'stuck');
    const first = reporter.take();
    expect(first).toHaveLength(101);
    expect(first.at(-1)).toMatchObject({ code: 'WEIR_ERRORS_DROPPED', count: 9_900, details: { 'flow E': 9_900 } });
    await clock.advance('10 s');
    for (let flow = 0; flow < 100; flow++) logger.error({ service: 'flow', flowId: `g-${flow}` }, 'stuck');
    expect(reporter.take()).toHaveLength(20);
    await clock.advance('1 min');
    expect(reporter.take()).toMatchObject([{ code: 'WEIR_ERRORS_DROPPED', count: 80 }]);
  });

  it('MO11 W7 while nothing can be written no more than 500 kinds are held, and none is lost uncounted', async () => {
    const { clock, reporter, logger } = reporting();
    for (let minute = 0; minute < 60; minute++) {
      for (let n = 0; n < 50; n++) logger.error({ n: `${minute}/${n}` }, `wrong ${minute}/${n}`);
      await clock.advance('1 min');
    }
    const records = reporter.take();
    expect(records.length).toBe(501);
    expect(records.reduce((sum, { count }) => sum + count, 0)).toBe(60 * 50);
  });

  it('MO11 records that could not be written are counted as left out', () => {
    const { reporter, logger } = reporting();
    logger.error({ service: 'rpc' }, 'wrong');
    reporter.lost(reporter.take());
    expect(reporter.take()).toMatchObject([
      { code: 'WEIR_ERRORS_DROPPED', count: 1, details: { 'rpc WEIR_INTERNAL': 1 } },
    ]);
  });
});
