import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Allowance } from '../../../src/actors/session-manager/index.ts';
import { flow } from '../../../src/index.ts';
import { factsOf, member, messageFrom, type Wire, wiredNode } from '../flow/wire.ts';
import { body, codeOf, echo, talk } from './talk.ts';

let wire: Wire;
afterEach(() => wire.node.stop());

const alice = member('ALICE');
const bob = member('BOB');

/** Says a word, sleeps, says another one, and tells what became of that. */
const persistent = flow('persistent', {
  version: 1,
  result: z.array(z.string()),
  states: { start: z.object({ sleepMs: z.number() }) },
  stages: {
    *start({ sleepMs }, { session, sleep }) {
      const peer = yield* session('BOB', talk);
      yield* peer.send('say', 'first');
      yield* sleep(sleepMs);
      const codes = [yield* codeOf(peer.send('say', 'into the void'))];
      yield* sleep('1 min');
      codes.push(yield* codeOf(peer.send('say', 'again')), yield* codeOf(peer.receive()));
      return codes;
    },
  },
});

/** Hears one word and ends. */
const brief = flow('brief', {
  version: 1,
  responds: talk,
  states: { start: z.unknown() },
  stages: {
    *start(_input, { initiator }) {
      yield* initiator.receive();
    },
  },
});

const dayMs = 24 * 60 * 60 * 1_000;

describe('a message that finds nobody', () => {
  it('SM11 SM9 data for a flow that has ended is an error that its sender can catch', async () => {
    wire = await wiredNode({ members: { ALICE: { flows: [persistent] }, BOB: { flows: [brief] } }, shards: 1 });
    const handle = await wire.node.start('ALICE', persistent, { sleepMs: 60_000 });
    await wire.advance('3 min');
    // What it does not know yet it cannot be told; from then on it is told each time.
    expect(await handle.result()).toEqual(['none', 'WEIR_SESSION_CLOSED', 'WEIR_SESSION_CLOSED']);
    expect(factsOf(wire.node)).toMatchObject({ refused: 0, discarded: 1, sessionLanes: 0, unacknowledgedSessions: 0 });
  });

  it('SM9 a message to a session that is forgotten is an error to its sender, once', async () => {
    wire = await wiredNode({
      members: { ALICE: { flows: [persistent] }, BOB: { flows: [brief] } },
      shards: 1,
      retention: '1 hour',
    });
    // Bob's last word never arrives, so all that Alice will hear of his end is the answer to her own.
    wire.lose(({ kind, direction }) => kind === 'close' && direction === 'toInitiator');
    const handle = await wire.node.start('ALICE', persistent, { sleepMs: 2 * dayMs });
    await wire.advance('2 days');
    await wire.advance('5 min');
    expect(await handle.result()).toEqual(['none', 'WEIR_SESSION_EXPIRED', 'WEIR_SESSION_EXPIRED']);
    const refused = wire.sent.filter(({ kind }) => kind === 'reject');
    expect(refused.map(({ cause, type }) => [cause, type])).toEqual([
      ['expired', 'the peer does not know it, or has forgotten it'],
    ]);
  });

  it('SM9 what the sender has not been told, because it was lost or the node died, it is told later', async () => {
    wire = await wiredNode({ members: { ALICE: { flows: [persistent] }, BOB: { flows: [brief] } }, shards: 1 });
    const handle = await wire.node.start('ALICE', persistent, { sleepMs: 60_000 });
    wire.lose(({ kind }) => kind === 'ack');
    await wire.advance('70 s');
    expect((await handle.view()).status).toBe('RUNNING');
    wire.crash();
    wire.lose(() => false);
    await wire.restart();
    await wire.advance('3 min');
    const { result } = await wire.node.get({ flowId: handle.flowId });
    expect(result).toEqual(['none', 'WEIR_SESSION_CLOSED', 'WEIR_SESSION_CLOSED']);
  });

  it('SM9 W3 nobody is told that a flow has ended before its end is durable', async () => {
    let slow = false;
    wire = await wiredNode(
      { members: { BOB: { flows: [echo] } }, shards: 1 },
      { commit: () => (slow ? { delayMs: 1_000 } : 'ok') },
    );
    const created = wire.clock.now();
    const say = (sequence: number, kind: 'data' | 'close') =>
      wire.deliver(messageFrom(alice, bob, { session: 's', created, kind, sequence, type: 'say', body: body('x') }));
    const toldOf = () => wire.sent.filter(({ ended }) => ended).map(({ received }) => received);
    say(1, 'data');
    await wire.advance(0);
    slow = true;
    say(2, 'close');
    say(3, 'data');
    await wire.advance('500 ms');
    expect(toldOf()).toEqual([]);
    wire.crash();
    slow = false;
    await wire.restart();
    await wire.advance(0);
    expect((await wire.node.list({ flow: 'echo' })).flows.map(({ status }) => status)).toEqual(['RUNNING']);
    say(2, 'close');
    // After a crash it runs one commit later.
    await wire.advance(0);
    say(3, 'data');
    await wire.advance(0);
    expect(toldOf()).toEqual([3]);
  });

  it.each([
    ['a flow that never was', 'toInitiator', `${'0'.repeat(24)}-1.0.0`, 3],
    ['a session of a flow that has none like it', 'toInitiator', 'own', 3],
    ['a session that its responder has forgotten', 'toResponder', 'chosen', 3],
  ] as const)(
    'SM9 of messages for %s those that want to be read are refused, the rest is not',
    async (_what, direction, name, sequence) => {
      wire = await wiredNode({ members: { ALICE: { flows: [persistent] }, BOB: { flows: [brief] } }, shards: 1 });
      const { flowId } = await wire.node.start('ALICE', persistent, { sleepMs: dayMs });
      await wire.advance('1 min');
      const session = name === 'own' ? `${flowId}.7.7` : name;
      const [from, to] = direction === 'toInitiator' ? [bob, alice] : [alice, bob];
      const before = wire.sent.length;
      const parts = { session, created: wire.clock.now(), direction, sequence, acknowledged: sequence - 1 };
      for (const kind of ['data', 'open', 'close', 'error', 'ack', 'reject'] as const) {
        wire.deliver(messageFrom(from, to, { ...parts, kind }));
      }
      await wire.advance('1 min');
      const answers = wire.sent.slice(before).filter((message) => message.session === session);
      expect(answers.map(({ kind }) => kind)).toEqual(['reject', 'reject', 'reject', 'ack']);
    },
  );

  it('SM9 SM8 a message that overtook the first one is no stranger: nothing is said until that one comes', async () => {
    wire = await wiredNode({ members: { BOB: { flows: [echo] } }, shards: 1 });
    const created = wire.clock.now();
    for (const kind of ['data', 'close', 'error'] as const) {
      wire.deliver(messageFrom(alice, bob, { session: 's', created, kind, sequence: 2, type: 'say', body: body('x') }));
    }
    await wire.advance('1 min');
    expect(wire.sent).toEqual([]);
  });

  it('SM9 a session that begins with its end starts nothing', async () => {
    wire = await wiredNode({ members: { BOB: { flows: [echo] } }, shards: 1 });
    const created = wire.clock.now();
    wire.deliver(messageFrom(alice, bob, { session: 's', created, kind: 'close' }));
    wire.deliver(messageFrom(alice, bob, { session: 't', created, kind: 'error' }));
    await wire.advance('1 min');
    expect((await wire.node.list()).flows).toEqual([]);
    expect(wire.sent.map(({ kind }) => kind)).toEqual(['ack', 'ack']);
  });

  it('SM11 data that is sent after the close of its own sender is refused, and the flow that goes on never sees it', async () => {
    const patient = flow('patient', {
      version: 1,
      responds: talk,
      result: z.array(z.string()),
      states: { start: z.unknown() },
      stages: {
        *start(_input, { initiator, sleep }) {
          const heard = [(yield* initiator.receive()).body];
          yield* sleep('1 hour');
          heard.push(yield* codeOf(initiator.receive()));
          return heard;
        },
      },
    });
    wire = await wiredNode({ members: { BOB: { flows: [patient] } }, shards: 1 });
    const created = wire.clock.now();
    const say = (sequence: number, kind: 'data' | 'close') =>
      wire.deliver(messageFrom(alice, bob, { session: 's', created, kind, sequence, type: 'say', body: body('x') }));
    say(1, 'data');
    say(2, 'close');
    say(3, 'data');
    await wire.advance('2 hours');
    expect(wire.sent.filter(({ kind }) => kind === 'reject').map(({ cause, type }) => [cause, type])).toEqual([
      ['failed', 'it was sent after the session was closed'],
    ]);
    expect((await wire.node.list()).flows.map(({ result }) => result)).toEqual([['x', 'WEIR_SESSION_CLOSED']]);
  });

  it('SM9 W7 a flood of them brings a bounded number of answers, none longer than what it answers', async () => {
    wire = await wiredNode({ members: { ALICE: { flows: [persistent] } }, shards: 1 });
    const created = wire.clock.now();
    const flood = Array.from({ length: 5_000 }, (_, i) =>
      messageFrom(bob, alice, {
        ...{ session: `${'0'.repeat(24)}-${i}.0.0`, created, direction: 'toInitiator', kind: 'data', type: 'reply' },
        body: body('x'.repeat(100)),
      }),
    );
    for (const message of flood) wire.deliver(message);
    await wire.advance(0);
    expect(factsOf(wire.node)).toMatchObject({ refused: 500, unanswered: 4_500 });
    expect(wire.sent).toHaveLength(500);
    // Whoever still wants an answer asks again.
    await wire.advance('2 s');
    wire.deliver({ ...(flood[4_999] ?? flood[0]), expires: created + 60_000 } as (typeof flood)[number]);
    await wire.advance(0);
    expect(wire.sent).toHaveLength(501);
  });
});

describe('an allowance', () => {
  it('SM9 W7 gives so many in a period, and again in the next one, whatever the clock does', () => {
    const allowance = new Allowance({ max: 2, withinMs: 100 });
    expect([0, 50, 99, 100, 150, 199].map((now) => allowance.take(now))).toEqual([
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
    expect([-1_000, -950, -901, 0].map((now) => allowance.take(now))).toEqual([true, true, false, true]);
  });
});
