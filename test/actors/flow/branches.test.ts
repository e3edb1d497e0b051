import { afterEach, describe, expect, it } from 'vitest';
import { ApplicationError, type Duration, type FlowContext, FlowError, type Operation } from '../../../src/index.ts';
import type { TestNode } from '../../../src/testing/index.ts';
import { crashEverywhere } from './crash-points.ts';
import { gate, nodeOf, type Script, scripted } from './scripts.ts';

let kit: TestNode | undefined;
afterEach(async () => {
  await kit?.stop();
  kit = undefined;
});

async function run(script: Script, time: Duration = '1 hour') {
  const flow = scripted('branches', script);
  kit = await nodeOf([flow]);
  const handle = await kit.node().start('A', flow, null);
  await kit.advance(time);
  return handle.view();
}

describe('all', () => {
  it('FE19 gives the results in the shape of its branches, whatever the order of their ends', async () => {
    const view = await run(function* ({ all, sleep, step }) {
      function* slowly(ms: number, value: string): Operation<string> {
        yield* sleep(ms);
        return yield* step(value, () => value);
      }
      const list = yield* all([slowly(30, 'a'), slowly(10, 'b'), slowly(20, 'c')]);
      const object = yield* all({ x: slowly(5, 'd'), y: step('e', () => 5) });
      return { list, object, none: yield* all([]) };
    });
    expect(view.result).toEqual({ list: ['a', 'b', 'c'], object: { x: 'd', y: 5 }, none: [] });
  });

  it('FE19 runs as many branches at the same time as it is told', async () => {
    let running = 0;
    let most = 0;
    const view = await run(function* ({ all, step, sleep }) {
      function* item(n: number): Operation<number> {
        yield* step(`begin ${n}`, () => {
          running++;
          most = Math.max(most, running);
        });
        yield* sleep(10);
        yield* step(`end ${n}`, () => {
          running--;
        });
        return n;
      }
      return yield* all(
        Array.from({ length: 20 }, (_, n) => item(n)),
        { concurrency: 3 },
      );
    });
    expect(view.result).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(most).toBe(3);
  });

  it('FE19 at the first error the others are cancelled, their cleanup runs, and the error is thrown', async () => {
    const done: string[] = [];
    const view = await run(function* ({ all, sleep, step }) {
      function* guarded(): Operation<void> {
        try {
          yield* sleep('1 day');
          done.push('slept');
        } finally {
          yield* step('undo', () => {
            done.push('undone');
          });
        }
      }
      function* failing(): Operation<void> {
        yield* sleep(10);
        yield* step('fail', () => {
          throw new ApplicationError('NO', 'no');
        });
      }
      try {
        yield* all([guarded(), failing()]);
      } catch (error) {
        return [error instanceof FlowError ? error.code : 'another', ...done];
      }
      return 'nothing thrown';
    });
    expect(view.result).toEqual(['NO', 'undone']);
  });

  it('FE19 an error that nobody catches is the end of the flow, and a retry keeps what the other branches did', async () => {
    const bodies: string[] = [];
    let broken = true;
    const flow = scripted('branches', function* ({ all, step, sleep }) {
      function* late(): Operation<string> {
        yield* sleep(50);
        return yield* step('late', () => {
          bodies.push('late');
          if (broken) throw new TypeError('a bug');
          return 'late';
        });
      }
      const first = step('first', () => {
        bodies.push('first');
        return 'first';
      });
      return yield* all([first, late()]);
    });
    kit = await nodeOf([flow]);
    const handle = await kit.node().start('A', flow, null);
    await kit.advance('1 min');
    expect(await handle.view()).toMatchObject({ status: 'STUCK', error: { code: 'TypeError' } });
    broken = false;
    await kit.node().retry({ flowId: handle.flowId }, 'mended');
    await kit.advance('1 min');
    expect(await handle.view()).toMatchObject({ status: 'COMPLETED', result: ['first', 'late'] });
    expect(bodies).toEqual(['first', 'late', 'late']);
  });
});

describe('race', () => {
  it('FE19 gives what the first branch gives, and the late answer of a loser changes nothing', async () => {
    const late = gate();
    const view = await run(function* ({ race, sleep, step }) {
      const won = yield* race({
        slow: step('slow', async () => {
          await late.promise;
          return 1;
        }),
        time: sleep('10 min'),
      });
      const after = yield* step('after', () => {
        late.resolve();
        return 'after';
      });
      yield* sleep('1 min');
      return { won, after };
    });
    expect(view.result).toEqual({ won: { type: 'time', value: undefined }, after: 'after' });
  });

  it('FE19 the body of a step in a losing branch is told by its signal', async () => {
    const told = gate<string>();
    await run(function* ({ race, sleep, step }) {
      yield* race([
        step('slow', ({ signal }) => {
          signal.addEventListener('abort', () => told.resolve(String(signal.reason)));
          return told.promise;
        }),
        sleep('10 min'),
      ]);
    });
    expect(await told.promise).toMatch(/cancelled/);
  });

  it('FE19 a list gives the value alone; branches that never began are not forgotten operations', async () => {
    const view = await run(function* ({ race, step, now, all }) {
      const first = yield* race([now(), step('never', () => 'never')]);
      const some = yield* race([
        all([step('one', () => 1), step('two', () => 2)], { concurrency: 1 }),
        step('quick', () => 'quick'),
      ]);
      return [first instanceof Date, some];
    });
    expect(view).toMatchObject({ status: 'COMPLETED', result: [true, 'quick'] });
  });

  it('FE19 a race inside a branch of all is cancelled with it, leaf first', async () => {
    const order: string[] = [];
    const view = await run(function* ({ all, race, sleep, step }) {
      function* leaf(name: string): Operation<void> {
        try {
          yield* sleep('1 day');
        } finally {
          yield* step(`undo ${name}`, () => {
            order.push(name);
          });
        }
      }
      function* middle(): Operation<void> {
        try {
          yield* race([leaf('a'), leaf('b')]);
        } finally {
          yield* step('undo middle', () => {
            order.push('middle');
          });
        }
      }
      function* failing(): Operation<void> {
        yield* sleep(5);
        throw new ApplicationError('STOP', 'stop');
      }
      try {
        yield* all([middle(), failing()]);
      } catch {
        return order;
      }
      return 'nothing thrown';
    });
    expect(view.result).toEqual(['a', 'b', 'middle']);
  });
});

describe('spawn', () => {
  it('FE19 runs on beside the flow, and gives its result when it is joined', async () => {
    const view = await run(function* ({ spawn, sleep, step }) {
      const task = yield* spawn(step('beside', () => 42));
      yield* sleep(10);
      return yield* task.join();
    });
    expect(view.result).toBe(42);
  });

  it('FE19 ends with the code that began it: what still runs there is cancelled', async () => {
    let undone = false;
    const view = await run(function* ({ spawn, sleep, step }) {
      yield* spawn(
        (function* () {
          try {
            yield* sleep('1 day');
          } finally {
            yield* step('undo', () => {
              undone = true;
            });
          }
        })(),
      );
      yield* sleep(10);
      return 'over';
    }, '1 min');
    expect(view).toMatchObject({ status: 'COMPLETED', result: 'over' });
    expect(undone).toBe(true);
  });

  it('FE19 a failure that nobody joined fails the code that began it; a joined one can be caught', async () => {
    function* failing({ step }: FlowContext): Operation<void> {
      yield* step('fail', () => {
        throw new ApplicationError('LOST', 'would be lost');
      });
    }
    const unjoined = await run(function* (context) {
      yield* context.spawn(failing(context));
      yield* context.sleep(10);
      return 'fine';
    });
    expect(unjoined).toMatchObject({ status: 'FAILED', error: { code: 'LOST' } });
    await kit?.stop();
    const joined = await run(function* (context) {
      const task = yield* context.spawn(failing(context));
      try {
        yield* task.join();
      } catch (error) {
        return error instanceof FlowError ? error.code : 'another';
      }
      return 'nothing thrown';
    });
    expect(joined).toMatchObject({ status: 'COMPLETED', result: 'LOST' });
  });

  it('FE19 a cancelled task has run its cleanup, and joining it throws', async () => {
    const view = await run(function* ({ spawn, sleep, step }) {
      const order: string[] = [];
      const task = yield* spawn(
        (function* () {
          try {
            yield* sleep('1 day');
          } finally {
            order.push(yield* step('undo', () => 'undone'));
          }
        })(),
      );
      yield* sleep(1);
      yield* task.cancel();
      try {
        yield* task.join();
      } catch (error) {
        order.push(error instanceof FlowError ? error.code : 'another');
      }
      return order;
    });
    expect(view.result).toEqual(['undone', 'WEIR_FLOW_BRANCH_CANCELLED']);
  });

  it('FE19 tasks that wait for each other are a mistake that is named, not a flow that waits for ever', async () => {
    const view = await run(function* ({ spawn }) {
      const tasks: Array<{ join(): Operation<unknown> }> = [];
      function* waits(place: number): Operation<unknown> {
        return yield* (tasks[place] ?? { join: () => spawn(waits(0)) }).join();
      }
      tasks.push(yield* spawn(waits(1)));
      tasks.push(yield* spawn(waits(0)));
      return yield* (tasks[0] ?? { join: () => spawn(waits(0)) }).join();
    });
    expect(view).toMatchObject({ status: 'STUCK' });
  });
});

describe('branches at every crash point', () => {
  it('FE19 FE2 the flow ends in the same way wherever its worker dies', async () => {
    const flow = scripted('branches', function* ({ all, race, spawn, sleep, step, now }) {
      const beside = yield* spawn(
        (function* () {
          yield* sleep(15);
          return yield* step('beside', () => 'beside');
        })(),
      );
      const results = yield* all([
        step('one', () => 1),
        (function* () {
          yield* sleep(20);
          return yield* step('two', () => 2);
        })(),
        race({ wins: sleep(10), loses: sleep(1_000) }),
      ]);
      const before = yield* now();
      return { results, beside: yield* beside.join(), later: (yield* now()).getTime() >= before.getTime() };
    });
    const runs = await crashEverywhere({
      settings: () => ({ members: { A: { flows: [flow] } } }),
      start: (node) => node.node().start('A', flow, null, { clientRequestId: 'one' }),
      outcome: async (node) => {
        const { flows } = await node.node().list();
        return flows.map(({ status, result }) => ({ status, result }));
      },
    });
    expect(runs.expected).toEqual([
      { status: 'COMPLETED', result: { results: [1, 2, { type: 'wins' }], beside: 'beside', later: true } },
    ]);
    expect(runs.different).toEqual([]);
    expect(runs.points).toBeGreaterThan(10);
  });
});
