import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, type InitiatorSession, type Operation } from '../../../src/index.ts';
import { crashEverywhere } from '../flow/crash-points.ts';
import { type Wire, wiredNode } from '../flow/wire.ts';
import { codeOf, echo, talk } from './talk.ts';

let wire: Wire | undefined;
afterEach(async () => {
  await wire?.node.stop();
  wire = undefined;
});

/** Runs a script over a session with Bob. */
const asking = (script: (bob: InitiatorSession<typeof talk>) => Operation<unknown>) =>
  flow('asking', {
    version: 1,
    result: z.unknown(),
    states: { start: z.unknown() },
    stages: {
      *start(_input, { session }) {
        return yield* script(yield* session('BOB', talk));
      },
    },
  });

const mute = flow('mute', {
  version: 1,
  responds: talk,
  states: { start: z.unknown() },
  stages: {
    *start(_input, { sleep }) {
      yield* sleep('2 hours');
    },
  },
});

async function asked(script: Parameters<typeof asking>[0], responder: typeof echo | typeof mute = echo) {
  const one = asking(script);
  wire = await wiredNode({ members: { ALICE: { flows: [one] }, BOB: { flows: [responder] } }, shards: 1 });
  const handle = await wire.node.start('ALICE', one, null);
  await wire.advance('1 hour');
  return handle.view();
}

describe('sendAndReceive', () => {
  it('FE1 sends, and gives what comes next', async () => {
    const view = await asked(function* (bob) {
      const { body: first } = yield* bob.sendAndReceive('say', 'one');
      const { body: second } = yield* bob.sendAndReceive('say', 'two', { within: '1 min' }) as Operation<{
        body: string;
      }>;
      return [first, second];
    });
    expect(view.result).toEqual(['one!', 'two!']);
  });

  it('FE1 gives what was said before first: it pairs nothing', async () => {
    const view = await asked(function* (bob) {
      yield* bob.send('say', 'one');
      return [(yield* bob.sendAndReceive('say', 'two')).body, (yield* bob.receive()).body];
    });
    expect(view.result).toEqual(['one!', 'two!']);
  });

  it('FE1 gives up in time, and throws what its two parts throw', async () => {
    const view = await asked(function* (bob) {
      const answer = yield* bob.sendAndReceive('say', 'hello', { within: '1 min' });
      yield* bob.close();
      return [answer.type, yield* codeOf(bob.sendAndReceive('say', 'again'))];
    }, mute);
    expect(view.result).toEqual(['timedOut', 'WEIR_SESSION_CLOSED']);
  });

  it('FE1 a body that does not fit is a mistake at the line that calls it', async () => {
    const view = await asked(function* (bob) {
      return yield* bob.sendAndReceive('say', 42 as never);
    });
    expect(view).toMatchObject({ status: 'STUCK', error: { code: 'WEIR_MESSAGE_INVALID' } });
    expect(view.error?.at).toContain('send-and-receive.test.ts');
  });

  it('FE1 one without "yield*" is found by its name', async () => {
    const view = await asked(function* (bob) {
      void bob.sendAndReceive('say', 'never');
      yield* bob.send('say', 'hello');
      return null;
    });
    expect(view.error).toMatchObject({
      code: 'WEIR_FLOW_OPERATION_FORGOTTEN',
      message: expect.stringContaining('sendAndReceive "say"'),
    });
  });

  it('FE2 sends once and receives once at whichever commit the node dies', async () => {
    const one = asking(function* (bob) {
      const heard: string[] = [];
      for (const word of ['a', 'b', 'c']) heard.push((yield* bob.sendAndReceive('say', word)).body);
      return heard;
    });
    const runs = await crashEverywhere({
      settings: () => ({ members: { ALICE: { flows: [one] }, BOB: { flows: [echo] } } }),
      start: (kit) => kit.node().start('ALICE', one, null, { clientRequestId: 'one' }),
      outcome: async (kit) => (await kit.node().list()).flows.map(({ flow: name, result }) => [name, result]).sort(),
    });
    expect(runs.expected).toEqual([
      ['asking', ['a!', 'b!', 'c!']],
      ['echo', 'ALICE: a b c (WEIR_SESSION_CLOSED)'],
    ]);
    expect(runs.different).toEqual([]);
    expect(runs.points).toBeGreaterThan(12);
  });
});
