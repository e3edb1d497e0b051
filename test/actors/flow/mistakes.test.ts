/** A beginner's mistakes: each is named with its place and its remedy, and none of them touches a neighbour. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, type Operation, persistentActor, protocol } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { type Script, scripted } from './scripts.ts';

let kit: TestNode;
afterEach(() => kit.stop());

/** Runs a script beside a neighbour in the same shard; the neighbour has to end well. */
async function run(script: Script) {
  const subject = scripted('subject', script);
  const neighbour = scripted('neighbour', function* ({ sleep }) {
    yield* sleep('1 min');
    return 'fine';
  });
  kit = await testNode({ members: { A: { flows: [subject, neighbour] } }, shards: 1 });
  const node = kit.node();
  const beside = await node.start('A', neighbour, null);
  const { flowId } = await node.start('A', subject, null);
  await kit.advance('2 min');
  expect((await beside.view()).result).toBe('fine');
  expect(node.status().shards[0]).toMatchObject({ phase: 'running', restarts: 0 });
  return node.get({ flowId });
}

/** What types forbid and JavaScript allows. */
const wild = (value: unknown): never => value as never;

describe('flow code that says nothing', () => {
  it('is told that an operation was made and never run', async () => {
    const view = await run(function* ({ step, sleep }) {
      yield* sleep(1);
      step('charge', () => 'charged');
      return 'done';
    });
    expect(view.status).toBe('STUCK');
    expect(view.error).toMatchObject({ code: 'WEIR_FLOW_OPERATION_FORGOTTEN' });
    expect(view.error?.message).toContain('step "charge"');
    expect(view.error?.remedy).toContain('yield*');
    expect(view.error?.at).toContain('stage start');
  });

  it('may make an operation early and run it later', async () => {
    const view = await run(function* ({ step, sleep }) {
      const later: Operation<string> = step('later', () => 'run');
      yield* sleep(1);
      return yield* later;
    });
    expect([view.status, view.result]).toEqual(['COMPLETED', 'run']);
  });

  it('is told that become or failed was called and not returned', async () => {
    const view = await run(function* ({ failed, sleep }) {
      yield* sleep(1);
      failed('no-stock');
      return 'done';
    });
    expect(view.error).toMatchObject({ code: 'WEIR_FLOW_OUTCOME_FORGOTTEN' });
    expect(view.error?.remedy).toContain('return');
  });

  it('may return an object that only looks like an outcome', async () => {
    const result = { outcome: 'failed', stage: 'nope', code: 'x' };
    const view = await run(function* ({ sleep }) {
      yield* sleep(1);
      return result;
    });
    expect([view.status, view.result]).toEqual(['COMPLETED', result]);
  });

  it('may not yield an object that only looks like an operation', async () => {
    const view = await run(function* () {
      yield wild({ op: 'sleep', label: 'x', ms: 1 });
    });
    expect(view.error).toMatchObject({ code: 'WEIR_FLOW_OPERATION_UNKNOWN' });
  });
});

describe('W5 values of flow code that nobody foresaw', () => {
  const hostile = Object.create(null) as object;
  it.each<[string, Script]>([
    [
      'a step without a name',
      function* ({ step }) {
        yield* step(wild(undefined), () => 1);
      },
    ],
    [
      'a step without a body',
      function* ({ step }) {
        yield* step('x', wild('body'));
      },
    ],
    [
      'an actor with a number for a key',
      function* ({ actor }) {
        yield* actor(counter, wild(7)).ask('add', 1);
      },
    ],
    [
      'a retry that is no duration',
      function* ({ step }) {
        yield* step('x', () => 1, { retry: { min: wild('fast') } });
      },
    ],
    [
      'a retry without attempts',
      function* ({ step }) {
        yield* step('x', () => 1, { retry: { attempts: 0 } });
      },
    ],
    [
      'an error that cannot be printed',
      function* ({ sleep }) {
        yield* sleep(1);
        throw hostile;
      },
    ],
    [
      'an error with an object for a message',
      function* ({ step }) {
        yield* step('x', () => {
          throw Object.assign(new TypeError('x'), { message: { a: 1 } });
        });
      },
    ],
    [
      'a string that is thrown',
      function* ({ sleep }) {
        yield* sleep(1);
        // biome-ignore lint/style/useThrowOnlyError: it is what this test is about
        throw 'boom';
      },
    ],
    [
      'a string that a step throws',
      function* ({ step }) {
        yield* step('x', () => {
          // biome-ignore lint/style/useThrowOnlyError: it is what this test is about
          throw 'boom';
        });
      },
    ],
  ])('%s: its flow is STUCK, its neighbour is not', async (_what, script) => {
    expect((await run(script)).status).toBe('STUCK');
  });
});

describe('FE6 what counts as transient', () => {
  it.each<[string, () => Error]>([
    [
      'a refused connection that fetch reports as a cause',
      () => new TypeError('fetch failed', { cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED' }) }),
    ],
    ['a timeout of AbortSignal', () => new DOMException('too slow', 'TimeoutError')],
    [
      'one of several addresses that timed out',
      () => new AggregateError([Object.assign(new Error('no'), { code: 'ETIMEDOUT' })]),
    ],
  ])('%s is tried again', async (_what, failure) => {
    let attempts = 0;
    const view = await run(function* ({ step }) {
      return yield* step('call', () => {
        attempts++;
        if (attempts < 3) throw failure();
        return 'answered';
      });
    });
    expect([view.status, view.result, attempts]).toEqual(['COMPLETED', 'answered', 3]);
  });
});

const counter = persistentActor('counter', {
  version: 1,
  state: z.number(),
  initial: () => 0,
  messages: { add: { body: z.number(), reply: z.number() } },
  on: { add: (state, body) => ({ state: state + body, reply: state + body }) },
});

describe('definitions', () => {
  const start = z.unknown();
  it.each<[string, () => unknown, string]>([
    [
      'an async stage',
      () => flow('f', { version: 1, states: { start }, stages: { start: wild(async () => 1) } }),
      'async',
    ],
    ['a flow without a name', () => flow('', { version: 1, states: { start }, stages: { *start() {} } }), 'name'],
    [
      'a retry that is no duration',
      () => flow('f', { version: 1, states: { start }, retry: { min: wild('fast') }, stages: { *start() {} } }),
      'fast',
    ],
    [
      'a protocol with a reserved message',
      () => protocol('p', { version: 1, initiator: { timedOut: start }, responder: {} }),
      'timedOut',
    ],
    ['a protocol of version 0', () => protocol('p', { version: 0, initiator: {}, responder: {} }), 'version'],
    [
      'an actor without a handler',
      () =>
        persistentActor('a', {
          version: 1,
          state: start,
          initial: () => 0,
          messages: { add: { body: start } },
          on: wild({}),
        }),
      'add',
    ],
  ])('%s is refused where it is made', async (_what, make, word) => {
    kit = await testNode({ members: { A: {} } });
    expect(make).toThrow(new RegExp(word));
  });
});
