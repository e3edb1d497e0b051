import { afterEach, describe, expect, it } from 'vitest';
import { factsOf, member, messageFrom, type Wire, wiredNode } from '../flow/wire.ts';
import { body, caller, echo } from './talk.ts';

const alice = member('ALICE');
const bob = member('BOB');
const mallory = member('MALLORY');

let wire: Wire;
afterEach(() => wire.node.stop());

/** Alice has said `words` to Bob; nothing that Bob answers reaches her, and his acknowledgements do not either. */
async function waitingAlice(words: string[] = ['hello']) {
  wire = await wiredNode({
    members: { ALICE: { flows: [caller, echo] }, BOB: { flows: [echo] }, CAROL: { flows: [echo] } },
    shards: 1,
  });
  wire.lose(({ direction }) => direction === 'toInitiator');
  const handle = await wire.node.start('ALICE', caller, { peer: 'BOB', words });
  await wire.advance(0);
  const [first] = wire.sent;
  if (first === undefined) throw new Error('nothing was sent');
  const created = wire.clock.now();
  return { handle, session: first.session, created };
}

describe('session messages of strangers', () => {
  it('SM16 a message whose transport vouches for another source than it claims is dropped', async () => {
    const { handle, session, created } = await waitingAlice();
    const forged = messageFrom(bob, alice, {
      session,
      created,
      direction: 'toInitiator',
      kind: 'data',
      type: 'reply',
      body: body('evil'),
    });
    wire.deliver(forged, { source: mallory });
    await wire.advance(0);
    expect((await handle.view()).status).toBe('RUNNING');
    wire.deliver(forged);
    await wire.advance(0);
    expect(await handle.result()).toEqual(['evil']);
  });

  it.each(['data', 'close', 'error', 'reject'] as const)(
    'SM16 a %s from another than the peer is refused',
    async (kind) => {
      const { handle, session, created } = await waitingAlice();
      const forged = messageFrom(mallory, alice, {
        session,
        created,
        direction: 'toInitiator',
        kind,
        type: 'reply',
        body: body('evil'),
      });
      wire.deliver(forged);
      // The stranger may also name the true peer as the one it writes to.
      wire.deliver({ ...forged, destinationName: 'BOB' });
      wire.deliver({ ...forged, destinationName: 'CAROL' });
      await wire.advance(0);
      const { sessions, status } = await wire.node.describe({ flowId: handle.flowId });
      expect([status, sessions[0]?.state, sessions[0]?.received]).toEqual(['RUNNING', 'open', 0]);
      expect(factsOf(wire.node).forged).toBe(3);
      wire.lose(() => false);
      await wire.advance('5 s');
      expect(await handle.result()).toEqual(['hello!']);
    },
  );

  it('SM16 a message of the peer that is not for the member of the flow is refused', async () => {
    const { handle, session, created } = await waitingAlice();
    const astray = messageFrom(bob, member('CAROL'), {
      session,
      created,
      direction: 'toInitiator',
      kind: 'data',
      type: 'reply',
      body: body('x'),
    });
    wire.deliver(astray);
    await wire.advance(0);
    expect((await handle.view()).status).toBe('RUNNING');
    expect(factsOf(wire.node).forged).toBe(1);
  });

  it("SM16 an acknowledgement from another than the peer takes nothing out of the sender's outbox", async () => {
    wire = await wiredNode({ members: { ALICE: { flows: [caller] }, BOB: { flows: [echo] } }, shards: 1 });
    wire.lose(() => true);
    const handle = await wire.node.start('ALICE', caller, { peer: 'BOB', words: ['hello'] });
    await wire.advance(0);
    const session = wire.sent[0]?.session ?? '';
    const ack = messageFrom(mallory, alice, {
      session,
      created: wire.clock.now(),
      direction: 'toInitiator',
      kind: 'ack',
      sequence: 0,
      received: 1,
      consumed: 1,
    });
    wire.deliver(ack);
    wire.deliver({ ...ack, destinationName: 'BOB' });
    await wire.advance(0);
    wire.lose(() => false);
    await wire.advance('5 s');
    expect(await handle.result()).toEqual(['hello!']);
  });

  it('SM16 two peers that choose the same session id get flows, orders and outboxes of their own', async () => {
    wire = await wiredNode({ members: { BOB: { flows: [echo] } }, shards: 1 });
    wire.lose(() => true);
    const created = wire.clock.now();
    const say = (source: typeof alice, sequence: number, word: string) =>
      wire.deliver(
        messageFrom(source, bob, { session: 'chosen', created, kind: 'data', sequence, type: 'say', body: body(word) }),
      );
    say(alice, 1, 'a1');
    say(mallory, 1, 'm1');
    // What waits behind a gap of one peer is not taken for a message of the other.
    say(mallory, 3, 'm3');
    say(alice, 2, 'a2');
    await wire.advance(0);
    say(mallory, 2, 'm2');
    await wire.advance(0);
    const { flows } = await wire.node.list({ flow: 'echo' });
    expect(new Set(flows.map(({ flowId }) => flowId)).size).toBe(2);
    wire.crash();
    wire.sent.length = 0;
    await wire.restart();
    await wire.advance(0);
    const texts = (name: string) =>
      wire.sent
        .filter(({ destinationName, kind }) => destinationName === name && kind === 'data')
        .map(({ sequence, body }) => `${sequence} ${Buffer.from(body).toString('latin1').slice(1)}`);
    expect(texts('ALICE')).toEqual(['1 a1!', '2 a2!']);
    expect(texts('MALLORY')).toEqual(['1 m1!', '2 m2!', '3 m3!']);
    // One peer's acknowledgement leaves the other's messages alone.
    wire.deliver(
      messageFrom(mallory, bob, { session: 'chosen', created, kind: 'ack', sequence: 0, received: 3, consumed: 3 }),
    );
    wire.sent.length = 0;
    await wire.advance('2 s');
    expect([texts('ALICE')[0], texts('MALLORY').length]).toEqual(['1 a1!', 0]);
  });

  it('SM16 a stranger can neither choose the id of an answering flow nor answer for a member that is not here', async () => {
    const { session, created } = await waitingAlice();
    const before = await wire.node.list({ flow: 'echo' });
    // The very session of Alice with Bob, opened again by Mallory: another flow.
    wire.deliver(messageFrom(mallory, bob, { session, created, kind: 'data', type: 'say', body: body('me too') }));
    wire.deliver(messageFrom(mallory, member('NOBODY'), { session, created }));
    await wire.advance(0);
    const after = await wire.node.list({ flow: 'echo' });
    expect(after.flows).toHaveLength(before.flows.length + 1);
    const [newest] = after.flows;
    expect(newest?.startedBy).toBe('member:MALLORY');
    expect(before.flows[0]?.flowId).not.toBe(newest?.flowId);
  });

  it.each([
    ['an empty type', '', body('x')],
    ['a type that every object has', 'constructor', body('x')],
    ['a type of the other direction', 'say', body('x')],
    ['a body that does not fit', 'reply', body(42)],
    ['a body that cannot be decoded', 'reply', new Uint8Array([0xc1, 0xff])],
    ['no body', 'reply', new Uint8Array()],
  ])('WK11 a message with %s is an error that the flow can catch', async (_what, type, bytes) => {
    const { handle, session, created } = await waitingAlice();
    wire.deliver(
      messageFrom(bob, alice, { session, created, direction: 'toInitiator', kind: 'data', type, body: bytes }),
    );
    await wire.advance(0);
    const view = await handle.view();
    expect([view.status, view.error?.code]).toEqual(['FAILED', 'WEIR_MESSAGE_INVALID']);
  });

  it('WK11 W7 a message beyond the size limit is dropped, and its shard goes on', async () => {
    const { handle, session, created } = await waitingAlice();
    const huge = messageFrom(bob, alice, {
      session,
      created,
      direction: 'toInitiator',
      kind: 'data',
      type: 'reply',
      body: body('x'.repeat(2_000_000)),
    });
    wire.deliver(huge);
    wire.deliver({ ...huge, kind: 'error', type: 'why'.repeat(1_000_000), body: new Uint8Array() });
    wire.deliver(messageFrom(mallory, bob, { session: 's'.repeat(2_000_000), created }));
    wire.deliver(messageFrom(mallory, bob, { session: 's', created, trace: 't'.repeat(2_000_000) }));
    wire.deliverBytes({ source: mallory, destination: bob, bytes: new Uint8Array([1, 2, 3]) });
    await wire.advance(0);
    expect((await handle.view()).status).toBe('RUNNING');
    wire.lose(() => false);
    await wire.advance('5 s');
    expect(await handle.result()).toEqual(['hello!']);
    expect(factsOf(wire.node).phase).toBe('running');
  });
});
