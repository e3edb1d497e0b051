import { afterEach, describe, expect, it } from 'vitest';
import { ApplicationError, TransientError } from '../../../src/index.ts';
import type { TestNode } from '../../../src/testing/index.ts';
import { counter, gate, nodeOf, scripted } from './scripts.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const retry = { attempts: 5, min: '1 min', max: '5 min' } as const;

describe('a step that fails for a moment', () => {
  it('FE6 W5 is tried again after its own backoff, while other flows of the shard go on', async () => {
    const times: number[] = [];
    const flaky = scripted(
      'flaky',
      function* ({ step }) {
        return yield* step('try', ({ attempt }) => {
          times.push(kit.clock.now());
          if (attempt < 4) throw new TransientError('not yet');
          return attempt;
        });
      },
      { retry },
    );
    const steady = scripted('steady', function* ({ step }) {
      let sum = 0;
      for (let i = 0; i < 5; i++) sum += yield* step('add', () => i);
      return sum;
    });
    kit = await nodeOf([flaky, steady]);
    const slow = await kit.node().start('A', flaky, null);
    await kit.advance('30 s');
    expect(await kit.node().describe({ flowId: slow.flowId })).toMatchObject({
      status: 'RUNNING',
      waitingOn: { what: 'retry', label: 'try' },
    });
    const quick = await kit.node().start('A', steady, null);
    await kit.advance(0);
    expect((await quick.view()).status).toBe('COMPLETED');
    await kit.advance('1 hour');
    expect(await slow.view()).toMatchObject({ status: 'COMPLETED', result: 4 });
    const waits = times.slice(1).map((at, i) => (at - (times[i] ?? 0)) / 60_000);
    for (const [i, wait] of waits.entries()) {
      const least = Math.min(5, 2 ** i);
      expect(wait).toBeGreaterThanOrEqual(least);
      expect(wait).toBeLessThanOrEqual(least * 1.25 + 0.001);
    }
    expect(waits).toHaveLength(3);
  });

  it('FE6 two flows that fail together are tried again at different moments', async () => {
    const times: number[] = [];
    const flaky = scripted(
      'flaky',
      function* ({ step }) {
        yield* step('try', ({ attempt }) => {
          if (attempt > 1) times.push(kit.clock.now());
          else throw new TransientError('not yet');
        });
      },
      { retry },
    );
    kit = await nodeOf([flaky]);
    await Promise.all(Array.from({ length: 10 }, () => kit.node().start('A', flaky, null)));
    await kit.advance('1 hour');
    expect(new Set(times).size).toBeGreaterThan(5);
  });

  it('FE6 W6 the backoff survives a restart, with the number of attempts', async () => {
    const attempts: Array<readonly [number, number]> = [];
    let began = 0;
    const flaky = scripted(
      'flaky',
      function* ({ step }) {
        yield* step('try', ({ attempt }) => {
          attempts.push([attempt, kit.clock.now() - began]);
          if (attempt < 3) throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
        });
      },
      { retry: { attempts: 5, min: '10 min', max: '1 hour' } },
    );
    kit = await nodeOf([flaky]);
    began = kit.clock.now();
    const handle = await kit.node().start('A', flaky, null);
    await kit.advance('1 min');
    kit.crash();
    await kit.advance('1 min');
    await kit.restart();
    await kit.advance('7 min');
    expect(attempts).toHaveLength(1);
    await kit.advance('4 min');
    expect(attempts).toHaveLength(2);
    // The next wait ends while the node is down.
    kit.crash();
    await kit.advance('1 hour');
    await kit.restart();
    await kit.advance(0);
    expect(attempts.map(([attempt]) => attempt)).toEqual([1, 2, 3]);
    expect((await kit.node().get({ flowId: handle.flowId })).status).toBe('COMPLETED');
  });

  it('FE8 is STUCK after its last attempt, and an operator lets it try as often again', async () => {
    let down = true;
    const seen: number[] = [];
    const ids = new Set<string>();
    const flaky = scripted(
      'flaky',
      function* ({ step }) {
        return yield* step('try', ({ attempt, id }) => {
          seen.push(attempt);
          ids.add(id);
          if (down) throw new TransientError('the bank is closed');
          return 'paid';
        });
      },
      { retry: { attempts: 3, min: '1 s' } },
    );
    kit = await nodeOf([flaky]);
    const name = { flowId: (await kit.node().start('A', flaky, null)).flowId };
    await kit.advance('1 min');
    expect(await kit.node().get(name)).toMatchObject({ status: 'STUCK', error: { code: 'WEIR_STEP_EXHAUSTED' } });
    await kit.node().retry(name, 'again');
    await kit.advance('1 min');
    expect(seen).toEqual([1, 2, 3, 1, 2, 3]);
    expect((await kit.node().get(name)).status).toBe('STUCK');
    down = false;
    kit.crash();
    await kit.restart();
    await kit.advance('1 day');
    // A restart is not an operator's act.
    expect((await kit.node().get(name)).status).toBe('STUCK');
    await kit.node().retry(name, 'it is open');
    await kit.advance(0);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 'paid' });
    expect(ids.size).toBe(1);
  });

  it('FE6 a step may have a policy of its own', async () => {
    let tries = 0;
    const flaky = scripted(
      'flaky',
      function* ({ step }) {
        yield* step(
          'try',
          () => {
            tries++;
            throw new TransientError('no');
          },
          { retry: { attempts: 2 } },
        );
      },
      { retry: { attempts: 9, min: 0 } },
    );
    kit = await nodeOf([flaky]);
    await kit.node().start('A', flaky, null);
    await kit.advance('1 hour');
    expect(tries).toBe(2);
  });
});

describe('a step that fails', () => {
  it('FE7 gives the flow an error that it can catch, the same after a restart', async () => {
    const caught: unknown[] = [];
    const catching = scripted('catching', function* ({ step, sleep }) {
      try {
        yield* step('fail', () => {
          throw new ApplicationError('BROKE', 'no money', { left: 3n });
        });
      } catch (error) {
        if (!(error instanceof ApplicationError)) throw error;
        caught.push([error.code, error.message, error.details]);
      }
      yield* sleep('1 hour');
      return yield* step('go on', () => 'fine');
    });
    kit = await nodeOf([catching]);
    const { flowId } = await kit.node().start('A', catching, null);
    await kit.advance('1 min');
    kit.crash();
    await kit.restart();
    await kit.advance('2 hours');
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: 'fine' });
    expect(caught.length).toBeGreaterThan(1);
    for (const error of caught) expect(error).toEqual(['BROKE', 'no money', { left: 3n }]);
  });

  it('FE8 with a defect makes its flow STUCK, and a retry runs the step again', async () => {
    let broken = true;
    const runs = counter();
    const defective = scripted('defective', function* ({ step }) {
      const first = yield* step('first', () => runs.add('first'));
      const second = yield* step('second', ({ id }) => {
        runs.add(id);
        const nothing = broken ? undefined : { value: 5 };
        return (nothing as { value: number }).value;
      });
      return first + second;
    });
    kit = await nodeOf([defective]);
    const name = { flowId: (await kit.node().start('A', defective, null)).flowId };
    await kit.advance(0);
    expect(await kit.node().get(name)).toMatchObject({ status: 'STUCK', error: { code: 'TypeError' } });
    kit.crash();
    await kit.restart();
    broken = false;
    await kit.node().retry(name, 'mended');
    await kit.advance(0);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 6 });
    expect([...runs.counts.values()]).toEqual([1, 2]);
  });

  it('FE8 whose error comes back after other operations can be retried too', async () => {
    let broken = true;
    const runs = counter();
    const cleaning = scripted('cleaning', function* ({ step }) {
      try {
        return yield* step('main', () => {
          runs.add('main');
          if (broken) throw new TypeError('a defect');
          return 'done';
        });
      } catch (error) {
        yield* step('clean', () => runs.add('clean'));
        throw error;
      }
    });
    kit = await nodeOf([cleaning]);
    const name = { flowId: (await kit.node().start('A', cleaning, null)).flowId };
    await kit.advance(0);
    expect((await kit.node().get(name)).status).toBe('STUCK');
    broken = false;
    await kit.node().retry(name, 'mended');
    await kit.advance(0);
    expect(await kit.node().get(name)).toMatchObject({ status: 'COMPLETED', result: 'done' });
    expect(runs.of('main')).toBe(2);
  });
});

describe('a step and a crash', () => {
  it.each(['commit.before', 'commit.after'] as const)(
    'FE18 FE2 its id is the same at each run of its body, and one result is used (crash at %s)',
    async (where) => {
      const runs: Array<readonly [string, number]> = [];
      let crashes = 0;
      const stepping = scripted('stepping', function* ({ step }) {
        const results: number[] = [];
        for (let i = 0; i < 3; i++) results.push(yield* step(`step ${i}`, ({ id }) => runs.push([id, i])));
        return results;
      });
      kit = await nodeOf([stepping], {
        // Every commit once: the shard has its first alone, the flow the others.
        crashAt: (point) => point === where && crashes < 4 && ++crashes > 0,
      });
      const started = kit.node().start('A', stepping, null, { clientRequestId: 'r' });
      started.catch(() => undefined);
      for (let round = 0; round < 10; round++) {
        if (kit.isDown()) await kit.restart().catch(() => undefined);
        if (!kit.isDown())
          await Promise.race([
            kit
              .node()
              .start('A', stepping, null, { clientRequestId: 'r' })
              .catch(() => undefined),
            kit.crashed(),
          ]);
        await kit.advance('1 s');
      }
      const view = await kit.node().get({ member: { name: 'A', group: 'default' }, clientRequestId: 'r' });
      expect(view.status).toBe('COMPLETED');
      const byStep = [0, 1, 2].map((i) => new Set(runs.filter(([, at]) => at === i).map(([id]) => id)));
      expect(byStep.map((ids) => ids.size)).toEqual([1, 1, 1]);
      expect(new Set(byStep.flatMap((ids) => [...ids])).size).toBe(3);
      // Each result is that of one run of that step, later ones were made after earlier ones.
      const results = view.result as number[];
      expect(results.map((n) => runs[n - 1]?.[1])).toEqual([0, 1, 2]);
      expect(crashes).toBe(4);
    },
  );

  it('FE18 a body that ends after its flow was killed changes nothing', async () => {
    const body = gate<string>();
    const signals: AbortSignal[] = [];
    const slow = scripted('slow', function* ({ step }) {
      return yield* step('wait', ({ signal }) => {
        signals.push(signal);
        return body.promise;
      });
    });
    kit = await nodeOf([slow]);
    const handle = await kit.node().start('A', slow, null);
    await kit.advance(0);
    await kit.node().kill({ flowId: handle.flowId }, 'no longer wanted');
    expect(signals[0]?.aborted).toBe(true);
    body.resolve('too late');
    await kit.advance('1 min');
    expect(await handle.view()).toMatchObject({ status: 'KILLED' });
    await kit.stop();
    // Of an ended flow nothing but its head is kept.
    const claim = await kit.cluster.worker('reader').claim({ topic: 'flow.state', partition: 0 });
    const keys: string[] = [];
    for await (const chunk of claim.restore()) keys.push(...chunk.map(({ key }) => key));
    expect(keys).toEqual(['a/head', `c/${handle.flowId}`, 'shard']);
  });

  it('FE18 a body may give a promise-like, throw anything, or nothing', async () => {
    const odd = scripted('odd', function* ({ step }) {
      const results: unknown[] = [];
      results.push(
        yield* step(
          'thenable',
          // biome-ignore lint/suspicious/noThenProperty: it is what this test is about
          () => ({ then: (done: (value: number) => void) => done(7) }) as unknown as Promise<number>,
        ),
      );
      results.push(yield* step('nothing', () => undefined));
      for (const thrown of ['text', undefined, null, 42, { code: 'x' }]) {
        try {
          yield* step('throws', () => {
            throw thrown;
          });
        } catch (error) {
          results.push(error instanceof ApplicationError ? error.message : 'no');
        }
      }
      return results;
    });
    kit = await nodeOf([odd]);
    const handle = await kit.node().start('A', odd, null);
    await kit.advance(0);
    expect(await handle.view()).toMatchObject({
      status: 'COMPLETED',
      result: [7, undefined, 'text', 'undefined', 'null', '42', '[object Object]'],
    });
  });
});
