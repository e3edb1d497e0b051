import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Duration, flow, protocol, toMs } from '../../../src/index.ts';
import type { LogRecord } from '../../../src/transport/log/index.ts';
import { asFirstVersion } from '../../fixtures/older-records.ts';
import { factsOf, type Wire, wiredNode } from '../flow/wire.ts';
import { codeOf, talk } from './talk.ts';

let wire: Wire;
afterEach(() => wire.node.stop());

/** Says a word and waits for a reply; tells what it heard, and what its session then says. */
const patient = (over: typeof talk, rest: Duration = 0) =>
  flow('patient', {
    version: 1,
    result: z.array(z.string()),
    states: { start: z.unknown() },
    stages: {
      *start(_input, { session, sleep }) {
        const peer = yield* session('BOB', over);
        yield* peer.send('say', 'hello');
        const codes = [yield* codeOf(peer.receive()), yield* codeOf(peer.send('say', 'still there?'))];
        yield* sleep(rest);
        return codes;
      },
    },
  });

/** Hears a word, is silent for so long, and tells what becomes of its reply. */
const dawdler = (over: typeof talk, silence: Duration) =>
  flow('dawdler', {
    version: 1,
    responds: over,
    result: z.array(z.string()),
    states: { start: z.unknown() },
    stages: {
      *start(_input, { initiator, sleep }) {
        yield* initiator.receive();
        yield* sleep(silence);
        return [yield* codeOf(initiator.send('reply', 'at last')), yield* codeOf(initiator.receive())];
      },
    },
  });

const windows = { idle: '1 hour', hospital: '30 min', redeliver: '30 min' } as const;
const expired = ['WEIR_SESSION_EXPIRED', 'WEIR_SESSION_EXPIRED'];

async function silence(length: Duration, over = talk) {
  const flows = { patient: patient(over), dawdler: dawdler(over, length) };
  wire = await wiredNode({
    members: { ALICE: { flows: [flows.patient] }, BOB: { flows: [flows.dawdler] } },
    shards: 1,
    ...windows,
  });
  const { flowId } = await wire.node.start('ALICE', flows.patient, null);
  const of = async (name: string) => (await wire.node.list({ flow: name })).flows[0];
  return { flowId, patient: () => of('patient'), dawdler: () => of('dawdler') };
}

describe('a silent session', () => {
  it('SM13 fails with an error on both sides when nothing was said for its time, and not before', async () => {
    const { patient: alice, dawdler: bob, flowId } = await silence('10 hours');
    await wire.advance(toMs('1 hour') - 1);
    expect((await alice())?.status).toBe('RUNNING');
    expect(wire.sent.filter(({ kind }) => kind === 'error')).toEqual([]);
    await wire.advance('1 min');
    expect(await alice()).toMatchObject({ status: 'COMPLETED', result: expired });
    const told = wire.sent.filter(({ kind }) => kind === 'error');
    expect(told[0]).toMatchObject({ cause: 'expired', type: 'nothing was said for 1 hour' });
    // The other side still sleeps; it hears at its next word.
    const sleeping = await bob();
    expect(sleeping?.status).toBe('RUNNING');
    expect((await wire.node.describe({ flowId: sleeping?.flowId ?? '' })).sessions[0]?.state).toBe('expired');
    await wire.advance('10 hours');
    expect(await bob()).toMatchObject({ status: 'COMPLETED', result: expired });
    expect((await wire.node.get({ flowId })).status).toBe('COMPLETED');
    expect(factsOf(wire.node)).toMatchObject({ flows: 0, sessionLanes: 0, unacknowledgedSessions: 0 });
  });

  it('SM13 W6 its time goes on while the node is down', async () => {
    const { patient: alice, dawdler: bob } = await silence('10 hours');
    await wire.advance('50 min');
    wire.crash();
    await wire.advance('1 hour');
    await wire.restart();
    await wire.advance('1 s');
    expect(await alice()).toMatchObject({ status: 'COMPLETED', result: expired });
    await wire.advance('10 hours');
    expect(await bob()).toMatchObject({ result: expired });
  });

  it('SM13 each side finds out by itself when nothing gets through between them', async () => {
    const { patient: alice, dawdler: bob } = await silence('90 min');
    await wire.advance('1 min');
    wire.lose(() => true);
    await wire.advance('3 hours');
    expect(await alice()).toMatchObject({ result: expired });
    expect(await bob()).toMatchObject({ result: expired });
  });

  it('SM13 a message from either side begins its time anew', async () => {
    const chatty = flow('chatty', {
      version: 1,
      result: z.number(),
      states: { start: z.unknown() },
      stages: {
        *start(_input, { session, sleep }) {
          const peer = yield* session('BOB', talk);
          let heard = 0;
          for (let word = 0; word < 5; word++) {
            yield* peer.send('say', `${word}`);
            yield* sleep('50 min');
            yield* peer.receive();
            heard++;
          }
          return heard;
        },
      },
    });
    const answering = flow('answering', {
      version: 1,
      responds: talk,
      states: { start: z.unknown() },
      stages: {
        *start(_input, { initiator, sleep }) {
          for (let word = 0; word < 5; word++) {
            yield* initiator.receive();
            yield* sleep('30 min');
            yield* initiator.send('reply', 'yes');
          }
        },
      },
    });
    wire = await wiredNode({
      members: { ALICE: { flows: [chatty] }, BOB: { flows: [answering] } },
      shards: 1,
      ...windows,
    });
    const handle = await wire.node.start('ALICE', chatty, null);
    await wire.advance('5 hours');
    expect(await handle.result()).toBe(5);
  });

  it.each([
    ['longer', '20 hours', '10 hours', ['none', 'none'], ['none', 'none']],
    ['shorter', '45 min', '50 min', expired, expired],
  ] as const)('SM13 its protocol may give it a %s time', async (_what, idle, length, alices, bobs) => {
    const { patient: alice, dawdler: bob } = await silence(length, protocol('talk', { ...talk, idle }));
    await wire.advance('11 hours');
    expect(await alice()).toMatchObject({ result: alices });
    await wire.advance('1 hour');
    expect(await bob()).toMatchObject({ result: bobs });
  });

  it('SM13 SM9 what is sent into a session that has expired at the other side is refused, and its sender hears why', async () => {
    const flows = [patient(talk, '1 day'), dawdler(protocol('talk', { ...talk, idle: '3 hours' }), '61 min')] as const;
    const members = { ALICE: { flows: [flows[0]] }, BOB: { flows: [flows[1]] } };
    wire = await wiredNode({ members, shards: 1, ...windows });
    await wire.node.start('ALICE', flows[0], null);
    wire.lose(({ kind }) => kind === 'error');
    await wire.advance('65 min');
    const { flows: bobs } = await wire.node.list({ flow: 'dawdler' });
    expect(bobs.map(({ result }) => result)).toEqual([['none', 'WEIR_SESSION_EXPIRED']]);
    const refused = wire.sent.filter(({ kind }) => kind === 'reject');
    expect(refused.map(({ cause }) => cause)).toEqual(['expired']);
  });

  it('SM13 SM10 nobody waits longer than that for a peer to close', async () => {
    const deal = protocol('talk', { ...talk, requireClose: true });
    const through = flow('through', {
      version: 1,
      result: z.string(),
      states: { start: z.unknown() },
      stages: {
        *start(_input, { session }) {
          const peer = yield* session('BOB', deal);
          yield* peer.send('say', 'done');
          return 'through';
        },
      },
    });
    wire = await wiredNode({
      members: { ALICE: { flows: [through] }, BOB: { flows: [dawdler(deal, '10 hours')] } },
      shards: 1,
      ...windows,
    });
    const handle = await wire.node.start('ALICE', through, null);
    await wire.advance('59 min');
    expect((await handle.view()).status).toBe('RUNNING');
    await wire.advance('2 min');
    expect(await handle.result()).toBe('through');
  });

  it('SM13 a session that nobody has heard of has no time', async () => {
    const late = flow('late', {
      version: 1,
      result: z.string(),
      states: { start: z.unknown() },
      stages: {
        *start(_input, { session, sleep }) {
          const peer = yield* session('BOB', talk);
          yield* sleep('1 day');
          return yield* codeOf(peer.send('say', 'hello'));
        },
      },
    });
    wire = await wiredNode({ members: { ALICE: { flows: [late] }, BOB: {} }, shards: 1, ...windows });
    const handle = await wire.node.start('ALICE', late, null);
    await wire.advance('25 hours');
    expect(await handle.result()).toBe('none');
  });

  it('SM13 one whose record says nothing of it begins its time when the new version starts', async () => {
    const { patient: alice } = await silence('10 hours');
    await wire.advance('50 min');
    wire.crash();
    await rewrite(asFirstVersion);
    await wire.restart();
    await wire.advance('50 min');
    expect((await alice())?.status).toBe('RUNNING');
    await wire.advance('20 min');
    expect(await alice()).toMatchObject({ result: expired });
  });

  it('SM13 W7 thousands that are silent at once fail at once', async () => {
    const flows = { patient: patient(talk), dawdler: dawdler(talk, '10 hours') };
    wire = await wiredNode({
      members: { ALICE: { flows: [flows.patient] }, BOB: { flows: [flows.dawdler] } },
      shards: 2,
      ...windows,
    });
    for (let i = 0; i < 1_200; i++) await wire.node.start('ALICE', flows.patient, null);
    await wire.advance('61 min');
    const { flows: ended } = await wire.node.list({ flow: 'patient', status: 'COMPLETED', limit: 500 });
    expect(ended).toHaveLength(500);
    expect(new Set(ended.map(({ result }) => String(result)))).toEqual(new Set([expired.join()]));
    // Those that sleep still are all that is left.
    const left = [0, 1].map((shard) => Number(factsOf(wire.node, shard).flows));
    expect(left.reduce((sum, count) => sum + count)).toBe(1_200);
  });
});

/** Changes the records of shard 0 while nobody runs it. */
async function rewrite(change: (key: string, value: Uint8Array) => Uint8Array): Promise<void> {
  const claim = await wire.cluster.worker('migration').claim({ topic: 'flow.state', partition: 0 });
  const records: LogRecord[] = [];
  for await (const chunk of claim.restore()) {
    for (const { key, value } of chunk) if (value !== null) records.push({ key, value: change(key, value) });
  }
  await claim.commit({ records, publications: [] });
  await claim.release();
}
