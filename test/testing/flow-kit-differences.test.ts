/** What the kit for flows says when a flow is not as its test. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, persistentActor, protocol } from '../../src/index.ts';
import { ExpectationError, flowKit, given } from '../../src/testing/index.ts';

const talk = protocol('talk', {
  version: 1,
  initiator: { hello: z.object({ name: z.string(), at: z.int() }), bye: z.null() },
  responder: { welcome: z.null() },
});

const book = persistentActor('book', {
  version: 1,
  state: z.int(),
  initial: () => 0,
  messages: { add: { body: z.int(), reply: z.int() } },
  on: { add: (state, count) => ({ state: state + count, reply: state + count }) },
});

const greet = flow('greet', {
  version: 1,
  states: { start: z.object({ name: z.string() }), done: z.object({ guests: z.int() }) },
  result: z.object({ guests: z.int() }),
  stages: {
    *start({ name }, { session, actor, become, log }) {
      const host = yield* session('HOST', talk);
      yield* host.send('hello', { name, at: 7 });
      yield* host.receive();
      log.info({ name }, 'is welcome');
      const guests = yield* actor(book, 'guests').ask('add', 1);
      return become('done', { guests });
    },
    *done({ guests }, { sleep }) {
      yield* sleep('2 hours');
      return { guests };
    },
  },
});

const { given: greeting } = flowKit(greet, { actors: [book] });
const met = greeting()
  .input({ name: 'Ada' })
  .session('HOST', talk)
  .receives('hello', ({ name }) => name === 'Ada')
  .replies('welcome', null);

async function messageOf(failing: Promise<unknown>): Promise<string> {
  const error = await failing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ExpectationError);
  return error instanceof Error ? error.message : '';
}

describe('a flow that is not as its test', () => {
  it('TK2 shows all that it did beside what is missing, and how it stands', async () => {
    const message = await messageOf(met.receives('bye').advance('2 hours').then.completed());
    expect(message).toBe(`flow "greet": HOST was to receive "bye", and received nothing

what it did (= expected, + not expected), and - what is missing:
  stage start { name: 'Ada' }
    open talk HOST
=   send hello to HOST { name: 'Ada', at: 7 }
    receive from HOST → welcome null
    ask book/guests add 1 → 1
  stage done { guests: 1 }
    sleep 2 hours
-   send bye to HOST

it is RUNNING in stage done, and waits on sleep 2 hours until 2026-01-01T02:00:00.000Z (now 2026-01-01T00:00:00.000Z)

its log:
00:00:00.000 INFO  is welcome name=Ada`);
  });

  it('TK2 points at the line of the test that was not met', async () => {
    const error = await met
      .receives('bye')
      .then.completed()
      .catch((thrown: unknown) => thrown);
    const [first] =
      error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
    expect(first).toContain('flow-kit-differences.test.ts');
  });

  it('TK2 shows how a body differs', async () => {
    const other = greeting().input({ name: 'Ada' }).session('HOST', talk).receives('hello', { name: 'Ada', at: 8 });
    const message = await messageOf(other.then.waits());
    expect(message).toContain("expected { at: 8, name: 'Ada' }\nfound    { at: 7, name: 'Ada' }");
  });

  it('TK2 names a message that nobody expected', async () => {
    const message = await messageOf(
      greeting().input({ name: 'Ada' }).session('HOST', talk).sends('welcome', null).then.waits('sleep'),
    );
    expect(message).toContain("not expected: send hello to HOST { name: 'Ada', at: 7 }");
    expect(message).toContain("+   send hello to HOST { name: 'Ada', at: 7 }");
  });

  it('TK2 names a question to an actor of which nothing was said, or other things', async () => {
    const plain = given(greet).input({ name: 'Ada' }).session('HOST', talk).receives('hello').replies('welcome', null);
    expect(await messageOf(plain.then.waits())).toContain(
      'not expected: ask book/guests add 1\nthe script says nothing',
    );
    const other = plain.actor(book, 'guests').asked('add', 2).answers(2);
    expect(await messageOf(other.then.waits())).toContain('expected 2\nfound    1');
    const twice = plain.actor(book, 'guests').asked('add', 1).answers(1).asked('add', 1).answers(2);
    expect(await messageOf(twice.then.waits())).toContain('expected, and missing: ask book/guests add 1');
  });

  it('TK2 names a step that did not run', async () => {
    const message = await messageOf(met.step('count').returns(1).then.waits('sleep'));
    expect(message).toContain('expected, and missing: step "count"');
  });

  it('TK2 shows another result, another state, another end', async () => {
    expect(await messageOf(met.advance('2 hours').then.completed({ guests: 2 }))).toContain(
      'its result is another one\nexpected { guests: 2 }\nfound    { guests: 1 }',
    );
    expect(await messageOf(met.then.becomes('done', { guests: 2 }))).toContain(
      'the state of stage done is another one',
    );
    expect(await messageOf(met.then.completed())).toContain('it was to complete, and has not');
    expect(await messageOf(met.then.failed('declined'))).toContain('it was to be FAILED, and is RUNNING');
    expect(await messageOf(met.then.waits('message'))).toContain('it was to wait on message');
    const effects = await messageOf(
      met.then.effects('send hello to HOST', 'ask book/guests add 1', 'sleep 2 hours').waits(),
    );
    expect(effects).toContain(
      "- send hello to HOST\n+ send hello to HOST { name: 'Ada', at: 7 }\n  ask book/guests add 1",
    );
  });

  it('TK2 does not let a test pass that has no end', async () => {
    const message = await messageOf((async () => void (await met))());
    expect(message).toBe('a test of flow "greet" has no end: say .then.completed() or another');
  });

  it('TK2 says what is wrong with a test that cannot be played', async () => {
    expect(await messageOf(greeting().then.waits())).toContain('.input({ ... })');
    expect(await messageOf(greeting('gone', {}).then.waits())).toContain('no stage "gone": it has start, done');
    expect(await messageOf(greeting('done', { guests: 'many' }).then.waits())).toContain('does not fit');
    const early = greeting().input({ name: 'Ada' }).session('HOST', talk, { nth: 2 }).closes();
    expect(await messageOf(early.then.waits())).toContain('the flow has not opened session 2 of talk with it');
  });
});

/** A flow of one stage whose code the test gives. */
function mistaken(code: () => unknown) {
  return flow('mistaken', {
    version: 1,
    states: { start: z.null() },
    result: z.unknown(),
    stages: {
      *start(_input, { session, sleep }) {
        const host = yield* session('HOST', talk);
        yield* sleep('1 s');
        const found = code();
        yield* host.send('hello', { name: String(found), at: 7 });
        yield* sleep('1 s');
        return found;
      },
    },
  });
}

describe('a flow that a restart changes', () => {
  it.each([
    ['the time of the machine', () => Date.now()],
    ['chance', () => Math.random()],
  ])('TK2 is found out, with both histories: %s', async (_what, code) => {
    const scenario = given(mistaken(code)).input(null).session('HOST', talk).staysSilent().advance('2 s');
    const message = await messageOf(scenario.then.completed());
    expect(message).toMatch(/^flow "mistaken" does something else when its worker is restarted at "sleep 1 s"/);
    expect(message).toMatch(/\n- +send hello to HOST .*\n(.*\n)*\+ +send hello to HOST /);
    expect(message).toContain('"Determinism"');
  });

  it('TK2 is found out when it remembers what is in no checkpoint', async () => {
    let runs = 0;
    const forgetful = flow('forgetful', {
      version: 1,
      states: { start: z.null() },
      stages: {
        *start(_input, { sleep }) {
          runs += 1;
          yield* sleep('1 s');
          yield* sleep(runs % 2 === 1 ? '2 s' : '3 s');
        },
      },
    });
    const message = await messageOf(given(forgetful).input(null).advance('1 min').then.completed());
    expect(message).toContain('does something else when its worker is restarted');
    expect(message).toMatch(/[-+] +sleep 3 s/);
  });

  it('TK2 is found out when its result alone is another one', async () => {
    const odd = flow('odd', {
      version: 1,
      states: { start: z.null() },
      result: z.number(),
      stages: {
        *start(_input, { sleep }) {
          yield* sleep('1 s');
          return Math.random();
        },
      },
    });
    const message = await messageOf(given(odd).input(null).advance('1 s').then.completed());
    expect(message).toMatch(/- it has COMPLETED with .*\n\+ it has COMPLETED with /);
  });

  it('TK2 may ask the context for time and chance', async () => {
    const drawn = flow('drawn', {
      version: 1,
      states: { start: z.null() },
      result: z.array(z.string()),
      stages: {
        *start(_input, { sleep, now, random, uuid }) {
          const first = `${(yield* now()).toISOString()} ${random()}`;
          yield* sleep('1 s');
          return [first, uuid()];
        },
      },
    });
    const start = Date.UTC(2030, 1, 1);
    const { restarts } = await given(drawn, { start })
      .input(null)
      .advance('1 s')
      .then.completed(([first = '']) => first.startsWith('2030-02-01T00:00:00'));
    expect(restarts).toEqual(['sleep 1 s', 'the end of the flow']);
  });
});
