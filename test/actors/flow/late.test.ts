/** Acts that come later than any window: nothing of an unfinished flow is forgotten, so nothing happens twice. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flow, protocol } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { account } from './trading.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const greet = protocol('greet', {
  version: 1,
  initiator: { hello: z.string() },
  responder: { welcome: z.string() },
});

/** A flow that pays, greets somebody, and waits for a word; and what its steps and its host's have done. */
function visiting() {
  const bodies: string[] = [];
  const greeted: string[] = [];
  const bug = { there: true };
  const visit = flow('visit', {
    version: 1,
    states: { start: z.string() },
    signals: { note: z.string() },
    result: z.array(z.string()),
    stages: {
      *start(host, { actor, session, step, signal }) {
        yield* step('pay', () => bodies.push('pay'));
        yield* actor(account, 'cash').ask('credit', 5n);
        const peer = yield* session(host, greet);
        yield* peer.send('hello', 'good day');
        const answer = yield* peer.receive();
        const note = yield* signal('note');
        yield* step('break', () => {
          bodies.push('break');
          if (bug.there) throw new TypeError('a bug');
        });
        return [answer.body, note.body];
      },
    },
  });
  const host = flow('host', {
    version: 1,
    responds: greet,
    states: { start: z.looseObject({}) },
    stages: {
      *start(_from, { initiator, step }) {
        const hello = yield* initiator.receive();
        yield* step('greet', () => greeted.push(hello.body));
        yield* initiator.send('welcome', 'come in');
      },
    },
  });
  const members = { GUEST: { flows: [visit], actors: [account] }, HOST: { flows: [host] } };
  return { bodies, greeted, bug, visit, members };
}

const windows = { shards: 2, retention: '1 hour', redeliver: '10 min', hospital: '7 days' } as const;

describe('a flow that stays longer than every window', () => {
  it('DB17 SM3 W4 is retried after six days and over restarts, and repeats nothing that it has done', async () => {
    const { bodies, greeted, bug, visit, members } = visiting();
    kit = await testNode({ members, ...windows });
    const start = () => kit.node().start('GUEST', visit, 'HOST', { clientRequestId: 'one' });
    const { flowId } = await start();
    await kit.advance('1 min');
    await kit.node().signal(visit, { flowId }, 'note', 'thanks', { signalId: 'n' });
    await kit.advance('1 min');
    expect((await kit.node().get({ flowId })).status).toBe('STUCK');
    for (let day = 0; day < 6; day++) {
      await kit.advance('1 day');
      kit.crash();
      await kit.restart();
    }
    await kit.advance('1 min');
    expect(await start()).toMatchObject({ flowId, created: false });
    expect(await kit.node().signal(visit, { flowId }, 'note', 'thanks', { signalId: 'n' })).toEqual({
      accepted: false,
    });
    bug.there = false;
    await kit.node().retry({ flowId }, 'mended');
    await kit.advance('1 min');
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: ['come in', 'thanks'] });
    expect(bodies.filter((body) => body === 'pay')).toHaveLength(1);
    expect(greeted).toHaveLength(1);
    expect(await kit.node().ask('GUEST', account, 'cash', 'read', null)).toEqual({ balance: 5n, movements: 1 });
  });

  it('DB17 SM3 W4 is restored after sixty days in which nobody ran it, and repeats nothing that it has done', async () => {
    const { bodies, greeted, bug, visit, members } = visiting();
    bug.there = false;
    kit = await testNode({ members, ...windows, idle: '90 days' });
    const start = () => kit.node().start('GUEST', visit, 'HOST', { clientRequestId: 'one' });
    const note = (text: string) => kit.node().signal(visit, { flowId }, 'note', text, { signalId: 'n' });
    const { flowId } = await start();
    await kit.advance('1 min');
    kit.crash();
    await kit.advance('60 days');
    await kit.restart();
    await kit.advance('2 hours');
    expect(await start()).toMatchObject({ flowId, created: false });
    expect(await note('thanks')).toEqual({ accepted: true });
    // Its client has not heard so, and asks again when all of it has ended, been lost and come back.
    kit.crash();
    await kit.restart();
    await kit.advance('1 min');
    expect(await start()).toMatchObject({ flowId, created: false });
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: ['come in', 'thanks'] });
    expect(bodies.filter((body) => body === 'pay')).toHaveLength(1);
    expect(greeted).toHaveLength(1);
    expect(await kit.node().ask('GUEST', account, 'cash', 'read', null)).toEqual({ balance: 5n, movements: 1 });
  });
});
