/** Parts that flows are put together from: subflows, sagas, conversations with several peers. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApplicationError, FlowError, flow, protocol, subflow } from '../../../src/index.ts';
import { type TestNode, testNode } from '../../../src/testing/index.ts';
import { crashEverywhere } from './crash-points.ts';
import { nodeOf, scripted } from './scripts.ts';

let kit: TestNode | undefined;
afterEach(async () => {
  await kit?.stop();
  kit = undefined;
});

const quote = protocol('quote', {
  version: 1,
  initiator: { ask: z.string(), thanks: z.null() },
  responder: { price: z.number() },
});

/** Answers with a price, after `delay`; remembers how the conversation ended. */
function seller(ends: string[], price: number, delay = 0) {
  return flow('seller', {
    version: 1,
    responds: quote,
    states: { start: z.looseObject({}) },
    stages: {
      *start(_from, { initiator, sleep, member }) {
        try {
          yield* initiator.receive();
          yield* sleep(delay);
          yield* initiator.send('price', price);
          const last = yield* initiator.receive();
          ends.push(`${member.name} ${last.type}`);
        } catch (error) {
          ends.push(`${member.name} ${error instanceof FlowError ? error.code : 'another'}`);
        }
      },
    },
  });
}

/** What is heard is noted in code of a stage, so it must not run once more to be checked. */
const counted = { shards: 2, replayCheck: false };

describe('subflow', () => {
  const ask = subflow('ask', function* (item: string, { session }) {
    const peer = yield* session('SELLER', quote);
    yield* peer.send('ask', item);
    const answer = yield* peer.receive();
    if (answer.body > 100) throw new ApplicationError('DEAR', `${item} costs ${answer.body}`);
    return { id: peer.id, price: answer.body };
  });

  it('FE14 has sessions of its own, which are closed when it returns', async () => {
    const ends: string[] = [];
    const buyer = scripted('buyer', function* (context) {
      const first = yield* context.subflow(ask, 'apple');
      const second = yield* context.subflow(ask, 'pear');
      const own = yield* context.session('SELLER', quote);
      yield* context.sleep('1 hour');
      return { prices: [first.price, second.price], ids: new Set([first.id, second.id, own.id]).size, ends: [...ends] };
    });
    kit = await testNode({ members: { BUYER: { flows: [buyer] }, SELLER: { flows: [seller(ends, 7)] } }, ...counted });
    const handle = await kit.node().start('BUYER', buyer, null);
    await kit.advance('2 hours');
    expect((await handle.view()).result).toEqual({
      prices: [7, 7],
      ids: 3,
      ends: ['SELLER WEIR_SESSION_CLOSED', 'SELLER WEIR_SESSION_CLOSED'],
    });
  });

  it('FE14 when it fails, its peers are told, and the flow can go on', async () => {
    const ends: string[] = [];
    const buyer = scripted('buyer', function* (context) {
      try {
        yield* context.subflow(ask, 'house');
      } catch (error) {
        yield* context.sleep('1 hour');
        return [error instanceof ApplicationError ? error.code : 'another', ...ends];
      }
      return 'nothing thrown';
    });
    kit = await testNode({
      members: { BUYER: { flows: [buyer] }, SELLER: { flows: [seller(ends, 900)] } },
      ...counted,
    });
    const handle = await kit.node().start('BUYER', buyer, null);
    await kit.advance('2 hours');
    expect((await handle.view()).result).toEqual(['DEAR', 'SELLER WEIR_SESSION_FAILED']);
  });

  it('FE14 one that loses a race ends its sessions with an error', async () => {
    const ends: string[] = [];
    const buyer = scripted('buyer', function* (context) {
      const won = yield* context.race({ answer: context.subflow(ask, 'apple'), late: context.sleep('1 min') });
      yield* context.sleep('2 hours');
      return [won.type, ...ends];
    });
    const slow = seller(ends, 7, 3_600_000);
    kit = await testNode({ members: { BUYER: { flows: [buyer] }, SELLER: { flows: [slow] } }, ...counted });
    const handle = await kit.node().start('BUYER', buyer, null);
    await kit.advance('4 hours');
    expect((await handle.view()).result).toEqual(['late', 'SELLER WEIR_SESSION_FAILED']);
  });

  it('a subflow that is no generator is refused where it is declared', () => {
    const plain: unknown = () => 1;
    expect(() => Reflect.apply(subflow, undefined, ['plain', plain])).toThrow(/write "function\* \(input, context\)/);
  });
});

describe('saga', () => {
  function trip(log: string[], options: { readonly hotel: 'fine' | 'full'; readonly freeSeat?: () => void }) {
    return scripted('trip', function* ({ saga, step, sleep }) {
      try {
        return yield* saga(function* (compensate) {
          yield* step('book seat', () => log.push('seat'));
          compensate('free seat', () => {
            options.freeSeat?.();
            log.push('seat freed');
          });
          yield* step('book car', () => log.push('car'));
          compensate('free car', () => log.push('car freed'));
          yield* step('book hotel', () => {
            if (options.hotel === 'full') throw new ApplicationError('FULL', 'no room');
          });
          yield* sleep('1 hour');
          return 'travelling';
        });
      } catch (error) {
        if (error instanceof FlowError) return error.code;
        throw error;
      }
    });
  }

  it('undoes in reverse what was done when a later part fails, and the error goes on', async () => {
    const log: string[] = [];
    const flow = trip(log, { hotel: 'full' });
    kit = await nodeOf([flow]);
    const handle = await kit.node().start('A', flow, null);
    await kit.advance(0);
    expect((await handle.view()).result).toBe('FULL');
    expect(log).toEqual(['seat', 'car', 'car freed', 'seat freed']);
  });

  it('undoes nothing when all goes well, and everything when the flow is cancelled in it', async () => {
    const log: string[] = [];
    const flow = trip(log, { hotel: 'fine' });
    kit = await nodeOf([flow]);
    const well = await kit.node().start('A', flow, null);
    await kit.advance('2 hours');
    expect((await well.view()).result).toBe('travelling');
    expect(log).toEqual(['seat', 'car']);
    const cancelled = await kit.node().start('A', flow, null);
    await kit.advance(0);
    await kit.node().cancel({ flowId: cancelled.flowId }, 'no');
    await kit.advance(0);
    expect((await cancelled.view()).status).toBe('KILLED');
    expect(log.slice(4)).toEqual(['car freed', 'seat freed']);
  });

  it('FE8 a compensation that fails gets the flow STUCK, and a retry goes on with it', async () => {
    const log: string[] = [];
    let broken = true;
    const freeSeat = (): void => {
      if (broken) throw new ApplicationError('DESK_CLOSED', 'come back tomorrow');
    };
    const flow = trip(log, { hotel: 'full', freeSeat });
    kit = await nodeOf([flow]);
    const { flowId } = await kit.node().start('A', flow, null);
    await kit.advance(0);
    const view = await kit.node().get({ flowId });
    expect(view).toMatchObject({ status: 'STUCK', error: { code: 'WEIR_COMPENSATION_FAILED' } });
    broken = false;
    await kit.node().retry({ flowId }, 'the desk is open');
    await kit.advance(0);
    expect(await kit.node().get({ flowId })).toMatchObject({ status: 'COMPLETED', result: 'FULL' });
    expect(log).toEqual(['seat', 'car', 'car freed', 'seat freed']);
  });
});

describe('conversations with several peers', () => {
  function market(ends: string[] = []) {
    const buyer = scripted('buyer', function* ({ session, sendAll, receiveAny }) {
      const names = ['CHEAP', 'DEAR', 'SLOW'];
      const sessions = [];
      for (const name of names) sessions.push(yield* session(name, quote));
      yield* sendAll(sessions, 'ask', 'apple');
      const answers: unknown[] = [];
      let left = sessions;
      while (left.length > 0) {
        const answer = yield* receiveAny(left, { within: '10 min' });
        if (answer.type === 'timedOut') break;
        answers.push([answer.session.peer.name, answer.body]);
        left = left.filter(({ id }) => id !== answer.session.id);
      }
      return answers;
    });
    const members = {
      BUYER: { flows: [buyer] },
      CHEAP: { flows: [seller(ends, 1, 2_000)] },
      DEAR: { flows: [seller(ends, 9, 1_000)] },
      SLOW: { flows: [seller(ends, 5, 3_600_000)] },
    };
    return { buyer, members };
  }

  it('FE19 the next message of any is read, of the others none, until time is up', async () => {
    const { buyer, members } = market();
    kit = await testNode({ members, shards: 2 });
    const handle = await kit.node().start('BUYER', buyer, null);
    await kit.advance('2 hours');
    expect((await handle.view()).result).toEqual([
      ['DEAR', 9],
      ['CHEAP', 1],
    ]);
  });

  it('FE19 SM7 the answers are the same wherever the worker dies', async () => {
    const runs = await crashEverywhere({
      settings: () => ({ members: market().members }),
      start: (node) => node.node().start('BUYER', market().buyer, null, { clientRequestId: 'one' }),
      outcome: async (node) =>
        (await node.node().list({ flow: 'buyer' })).flows.map(({ status, result }) => ({ status, result })),
      time: '2 hours',
    });
    expect(runs.expected).toMatchObject([{ status: 'COMPLETED', result: { length: 2 } }]);
    expect(runs.different).toEqual([]);
  });
});
