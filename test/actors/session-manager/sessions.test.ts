import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApplicationError, type FlowContext, flow, type Operation, protocol } from '../../../src/index.ts';
import { seededRandom } from '../../../src/ports/index.ts';
import { factsOf, member, messageFrom, type Wire, wiredNode } from '../flow/wire.ts';
import { body, caller, codeOf, echo, talk } from './talk.ts';

let wire: Wire;
afterEach(() => wire.node.stop());

const alice = member('ALICE');
const bob = member('BOB');

async function conversation(extra: Partial<Parameters<typeof wiredNode>[0]> = {}) {
  wire = await wiredNode({
    members: { ALICE: { flows: [caller] }, BOB: { flows: [echo] } },
    shards: 2,
    ...extra,
  });
  return wire;
}

/** Code and message of the error that `script` throws. */
function* errorOf(script: Operation<unknown>): Operation<unknown> {
  try {
    return yield* script;
  } catch (error) {
    if (!(error instanceof ApplicationError)) throw error;
    const { code, message } = error;
    return { code, message };
  }
}

function caught(run: (context: FlowContext) => Operation<unknown>) {
  return flow('caught', {
    version: 1,
    result: z.unknown(),
    states: { start: z.unknown() },
    stages: {
      *start(_input, context) {
        return yield* run(context as never);
      },
    },
  });
}

/** Answers `talk` by running a script. */
function answering(name: string, run: (context: FlowContext) => Operation<unknown>) {
  return flow(name, {
    version: 1,
    responds: talk,
    result: z.unknown(),
    states: { start: z.unknown() },
    stages: {
      *start(_input, context) {
        return yield* run(context as never);
      },
    },
  });
}

describe('session messages', () => {
  it('SM6 FE1 both ends of a session on one node reach their own flow', async () => {
    await conversation();
    const handles = await Promise.all(
      ['a', 'b', 'c'].map((word) => wire.node.start('ALICE', caller, { peer: 'BOB', words: [word, `${word}${word}`] })),
    );
    await wire.advance('1 min');
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([
      ['a!', 'aa!'],
      ['b!', 'bb!'],
      ['c!', 'cc!'],
    ]);
    const { flows } = await wire.node.list({ flow: 'echo' });
    expect(flows.map(({ result }) => result).sort()).toEqual(
      ['a aa', 'b bb', 'c cc'].map((words) => `ALICE: ${words} (WEIR_SESSION_CLOSED)`),
    );
  });

  it('SM6 a member may hold a session with itself', async () => {
    await conversation({ members: { BOB: { flows: [caller, echo] } } });
    const handle = await wire.node.start('BOB', caller, { peer: 'BOB', words: ['me'] });
    await wire.advance('1 min');
    expect(await handle.result()).toEqual(['me!']);
  });

  it('SM7 FE3 a message that comes again, however often and late, is answered as before and read once', async () => {
    await conversation({ members: { BOB: { flows: [echo] } } });
    const created = wire.clock.now();
    const said = (['a', 'b'] as const).map((word, index) => ({
      ...{ session: 's', created, kind: 'data' as const, sequence: index + 1, type: 'say', body: body(word) },
    }));
    const again = async (): Promise<string[]> => {
      const before = wire.sent.length;
      for (const message of said) wire.deliver(messageFrom(alice, bob, message));
      await wire.advance(0);
      const answers = wire.sent.slice(before).filter(({ kind }) => kind === 'ack' || kind === 'reject');
      return answers.map(({ kind, received, ended }) => `${kind} ${received}${ended ? ', ended' : ''}`);
    };
    expect(await again()).toEqual(['ack 1', 'ack 2']);
    expect(await again()).toEqual(['ack 2', 'ack 2']);
    wire.crash();
    await wire.restart();
    expect(await again()).toEqual(['ack 2', 'ack 2']);
    wire.deliver(messageFrom(alice, bob, { session: 's', created, kind: 'close', sequence: 3 }));
    await wire.advance(0);
    // Its flow has ended: nobody would read a word that was not read before.
    expect(await again()).toEqual(['ack 1, ended', 'ack 2, ended']);
    wire.crash();
    await wire.restart();
    expect(await again()).toEqual(['ack 1, ended', 'ack 2, ended']);
    const { flows } = await wire.node.list({ flow: 'echo' });
    expect(flows.map(({ result }) => result)).toEqual(['ALICE: a b (WEIR_SESSION_CLOSED)']);
  });

  it('SM8 what overtook waits for what it overtook, and nothing behind a gap is delivered', async () => {
    await conversation({ members: { BOB: { flows: [echo] } } });
    const created = wire.clock.now();
    const say = (sequence: number) =>
      wire.deliver(
        messageFrom(alice, bob, {
          session: 's',
          created,
          kind: 'data',
          sequence,
          type: 'say',
          body: body(String(sequence)),
        }),
      );
    const replies = () => wire.sent.filter(({ kind }) => kind === 'data').map(({ sequence }) => sequence);
    say(1);
    for (const sequence of [4, 3, 6]) say(sequence);
    await wire.advance(0);
    expect(replies()).toEqual([1]);
    say(2);
    await wire.advance(0);
    expect(replies()).toEqual([1, 2, 3, 4]);
    wire.deliver(messageFrom(alice, bob, { session: 's', created, kind: 'close', sequence: 7 }));
    say(5);
    await wire.advance(0);
    const { flows } = await wire.node.list();
    expect(flows[0]?.result).toBe('ALICE: 1 2 3 4 5 6 (WEIR_SESSION_CLOSED)');
  });

  it('SM8 a session whose first message is late starts when it comes', async () => {
    await conversation({ members: { BOB: { flows: [echo] } } });
    const created = wire.clock.now();
    wire.deliver(
      messageFrom(alice, bob, { session: 's', created, kind: 'data', sequence: 2, type: 'say', body: body('b') }),
    );
    await wire.advance(0);
    expect((await wire.node.list()).flows).toEqual([]);
    expect(wire.sent).toEqual([]);
  });

  it('SM7 W4 a message that is older than its time is dropped', async () => {
    await conversation({ members: { BOB: { flows: [echo] } } });
    const created = wire.clock.now();
    const old = messageFrom(alice, bob, { session: 's', created, kind: 'data', type: 'say', body: body('x') });
    await wire.advance('2 min');
    wire.deliver(old);
    await wire.advance(0);
    expect((await wire.node.list()).flows).toEqual([]);
  });

  it('FE4 an answer, an acknowledgement and a message for flows that are not there change nothing, and what was to be read is refused', async () => {
    await conversation({ members: { ALICE: { flows: [caller] }, BOB: { flows: [echo] } }, shards: 1 });
    const created = wire.clock.now();
    const nobody = { session: `${'0'.repeat(24)}-1.0.0`, created, direction: 'toInitiator' } as const;
    wire.deliver(messageFrom(bob, alice, { ...nobody, kind: 'data', type: 'reply', body: body('x') }));
    wire.deliver(messageFrom(bob, alice, { ...nobody, kind: 'ack', sequence: 0, received: 5 }));
    wire.deliver(messageFrom(bob, alice, { ...nobody, kind: 'reject', sequence: 0 }));
    wire.deliver(messageFrom(bob, alice, { session: '', created, direction: 'toInitiator', kind: 'error' }));
    await wire.advance(0);
    expect(factsOf(wire.node)).toMatchObject({ phase: 'running', flows: 0, refused: 1 });
    // The sender of a message need not send it again; an error is not answered with an error (SM9).
    expect(wire.sent.map(({ kind }) => kind)).toEqual(['reject', 'ack']);
  });

  it('SM12 when both flows have ended, nothing of their session is left, whatever was lost', async () => {
    await conversation({ shards: 1 });
    const random = seededRandom(7);
    wire.lose(() => random.next() < 0.6);
    for (let i = 0; i < 5; i++) await wire.node.start('ALICE', caller, { peer: 'BOB', words: ['x', 'y'] });
    await wire.advance('10 min');
    expect((await wire.node.list()).flows.map(({ status }) => status)).toEqual(Array(10).fill('COMPLETED'));
    expect(factsOf(wire.node)).toMatchObject({ flows: 0, unacknowledgedSessions: 0, sessionLanes: 0 });
    await wire.advance('2 days');
    expect(factsOf(wire.node)).toMatchObject({ remembered: 0 });
  });
});

describe('how sessions end', () => {
  it.each<[string, string, (context: FlowContext) => Operation<unknown>]>([
    [
      'has failed',
      'WEIR_SESSION_FAILED',
      function* ({ failed, initiator }) {
        yield* (initiator as never as { receive(): Operation<unknown> }).receive();
        return failed('no');
      },
    ],
    [
      'has thrown',
      'WEIR_SESSION_FAILED',
      // biome-ignore lint/correctness/useYield: it ends before it does anything
      function* () {
        throw new ApplicationError('NO', 'no');
      },
    ],
    ['is finished', 'WEIR_SESSION_CLOSED', function* () {}],
  ])('FE7 SM6 a flow whose peer %s hears %s and may go on', async (_what, code, script) => {
    const asking = caught(function* ({ session, step }) {
      const peer = yield* session('BOB', talk);
      yield* peer.send('say', 'hello');
      const heard = yield* codeOf(peer.receive());
      return [heard, yield* step('go on', () => 'fine')];
    });
    await conversation({ members: { ALICE: { flows: [asking] }, BOB: { flows: [answering('answer', script)] } } });
    const handle = await wire.node.start('ALICE', asking, null);
    await wire.advance('1 min');
    expect(await handle.result()).toEqual([code, 'fine']);
  });

  it('FE9 a killed flow is KILLED, its peer hears an error, and its end is final', async () => {
    const waiting = answering('waiting', function* ({ sleep }) {
      yield* sleep('10 days');
    });
    const asking = caught(function* ({ session }) {
      const peer = yield* session('BOB', talk);
      yield* peer.send('say', 'hello');
      return yield* codeOf(peer.receive());
    });
    await conversation({ members: { ALICE: { flows: [asking] }, BOB: { flows: [waiting] } } });
    const handle = await wire.node.start('ALICE', asking, null);
    await wire.advance('1 min');
    const [answer] = (await wire.node.list({ flow: 'waiting' })).flows;
    const name = { flowId: answer?.flowId ?? '' };
    wire.lose(() => true);
    await wire.node.kill(name, 'fraud');
    // The word to the peer outlives the node.
    wire.crash();
    wire.lose(() => false);
    await wire.restart();
    await wire.advance('1 min');
    expect(await wire.node.get(name)).toMatchObject({
      status: 'KILLED',
      error: { code: 'KILLED', message: 'killed: fraud' },
    });
    expect((await wire.node.get({ flowId: handle.flowId })).result).toBe('WEIR_SESSION_FAILED');
    await expect(wire.node.kill(name, 'again')).rejects.toMatchObject({ code: 'WEIR_FLOW_FINISHED' });
    await expect(wire.node.retry(name, 'again')).rejects.toMatchObject({ code: 'WEIR_FLOW_FINISHED' });
    // RP10: nothing that still comes changes it.
    for (const message of [...wire.sent]) wire.deliver(message);
    await wire.advance('1 hour');
    expect((await wire.node.get(name)).status).toBe('KILLED');
  });

  it('FE8 a STUCK flow keeps its sessions open: its peer waits, and hears the answer after a retry', async () => {
    let broken = true;
    const defective = answering('defective', function* ({ initiator }) {
      const session = initiator as never as {
        receive(): Operation<unknown>;
        send(type: string, body: unknown): Operation<void>;
      };
      yield* session.receive();
      if (broken) throw new TypeError('a defect');
      yield* session.send('reply', 'mended');
    });
    await conversation({ members: { ALICE: { flows: [caller] }, BOB: { flows: [defective] } } });
    const handle = await wire.node.start('ALICE', caller, { peer: 'BOB', words: ['a', 'b', 'c'], replies: 1 });
    await wire.advance('3 hours');
    const [stuck] = (await wire.node.list({ status: 'STUCK' })).flows;
    expect((await handle.view()).status).toBe('RUNNING');
    wire.crash();
    await wire.restart();
    broken = false;
    await wire.node.retry({ flowId: stuck?.flowId ?? '' }, 'mended');
    await wire.advance('1 min');
    expect((await wire.node.get({ flowId: handle.flowId })).result).toEqual(['mended']);
  });

  it('SM14 a protocol or version that nobody answers is an error at the initiator that says what is answered, and nothing is sent again', async () => {
    const newer = protocol('talk', { ...talk, version: 2 });
    const unheard = protocol('unheard', { version: 1, initiator: { say: z.string() }, responder: {} });
    const asking = caught(function* ({ session }) {
      const first = yield* session('BOB', newer);
      const heard = [yield* errorOf(first.receive())];
      const second = yield* session('BOB', unheard);
      yield* second.send('say', 'hello');
      heard.push(yield* errorOf(second.receive()), yield* errorOf(second.send('say', 'again')));
      return heard;
    });
    await conversation({ members: { ALICE: { flows: [asking] }, BOB: { flows: [echo] } }, shards: 1 });
    const handle = await wire.node.start('ALICE', asking, null);
    await wire.advance('1 min');
    const noTalk = 'member BOB does not answer protocol talk version 2: it answers version 1';
    const unheardOf = 'member BOB does not answer protocol unheard version 1: it answers no version of it';
    expect(await handle.result()).toEqual(
      [noTalk, unheardOf, unheardOf].map((message) => ({ code: 'WEIR_SESSION_NO_RESPONDER', message })),
    );
    expect(factsOf(wire.node)).toMatchObject({ unacknowledgedSessions: 0, sessionLanes: 0 });
  });

  it('FE7 an unknown member, and a peer that nothing reaches in time, are errors that a flow can catch', async () => {
    const asking = caught(function* ({ session }) {
      const unknown = yield* codeOf(session('NOBODY', talk));
      const elsewhere = yield* codeOf(session({ name: 'BOB', group: 'elsewhere' }, talk));
      const bobs = yield* session('BOB', talk);
      yield* bobs.send('say', 'hello');
      return [unknown, elsewhere, yield* codeOf(bobs.receive())];
    });
    await conversation({ members: { ALICE: { flows: [asking] }, BOB: { flows: [echo] } }, redeliver: '2 hours' });
    wire.lose(() => true);
    const handle = await wire.node.start('ALICE', asking, null);
    await wire.advance('1 hour');
    expect((await handle.view()).status).toBe('RUNNING');
    await wire.advance('2 hours');
    expect(await handle.result()).toEqual(['WEIR_MEMBER_UNKNOWN', 'WEIR_MEMBER_UNKNOWN', 'WEIR_SESSION_FAILED']);
  });
});

describe('which session a flow means', () => {
  it('SM6 the same one when it asks again, also in a later stage and after a restart', async () => {
    const twice = flow('twice', {
      version: 1,
      result: z.array(z.string()),
      states: { start: z.unknown(), later: z.string() },
      stages: {
        *start(_input, { session, become }) {
          const peer = yield* session('BOB', talk);
          const again = yield* session('BOB', talk);
          yield* peer.send('say', 'one');
          yield* again.receive();
          return become('later', peer.id);
        },
        *later(id, { session, sleep }) {
          yield* sleep('1 hour');
          const peer = yield* session('BOB', talk);
          yield* peer.send('say', 'two');
          return [String(peer.id === id), (yield* peer.receive()).body];
        },
      },
    });
    await conversation({ members: { ALICE: { flows: [twice] }, BOB: { flows: [echo] } } });
    const { flowId } = await wire.node.start('ALICE', twice, null);
    await wire.advance('1 min');
    wire.crash();
    await wire.restart();
    await wire.advance('2 hours');
    expect((await wire.node.get({ flowId })).result).toEqual(['true', 'two!']);
    expect((await wire.node.list({ flow: 'echo' })).flows).toHaveLength(1);
  });

  it('SM6 several with one peer are told apart by name', async () => {
    const two = caught(function* ({ session }) {
      const first = yield* session('BOB', talk, { name: 'first' });
      const second = yield* session('BOB', talk, { name: 'second' });
      yield* second.send('say', '2');
      yield* first.send('say', '1');
      const again = yield* session('BOB', talk, { name: 'second' });
      return [(yield* first.receive()).body, (yield* again.receive()).body, first.id === second.id];
    });
    await conversation({ members: { ALICE: { flows: [two] }, BOB: { flows: [echo] } } });
    const handle = await wire.node.start('ALICE', two, null);
    await wire.advance('1 min');
    expect(await handle.result()).toEqual(['1!', '2!', false]);
    expect((await wire.node.list({ flow: 'echo' })).flows).toHaveLength(2);
  });

  it('SM16 members of one name in two groups never mix', async () => {
    const members = ['g1', 'g2'].flatMap((group) => [
      { name: 'ALICE', group, flows: [caller] },
      {
        name: 'BOB',
        group,
        flows: [
          answering('echo', function* ({ initiator, member: own }) {
            const session = initiator as never as {
              receive(): Operation<unknown>;
              send(type: string, body: unknown): Operation<void>;
            };
            yield* session.receive();
            yield* session.send('reply', own.group);
          }),
        ],
      },
    ]);
    await conversation({ members });
    const handles = await Promise.all(
      ['g1', 'g2'].map((group) =>
        wire.node.start({ name: 'ALICE', group }, caller, { peer: 'BOB', words: ['hi'] }, { clientRequestId: 'same' }),
      ),
    );
    await wire.advance('1 min');
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([['g1'], ['g2']]);
  });
});
