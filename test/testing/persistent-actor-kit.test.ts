import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApplicationError, persistentActor } from '../../src/index.ts';
import { ExpectationError, persistentActorKit } from '../../src/testing/index.ts';

const shelf = persistentActor('shelf', {
  version: 1,
  state: z.object({ left: z.int(), since: z.date() }),
  initial: () => ({ left: 3, since: new Date(0) }),
  messages: { take: { body: z.int(), reply: z.int() }, put: { body: z.int() }, break: { body: z.null() } },
  on: {
    take: ({ left, since }, count) => {
      if (count > left) throw new ApplicationError('SOLD_OUT', `there are only ${left}`);
      return { state: { left: left - count, since }, reply: left - count };
    },
    put: ({ left }, count, { now }) => ({ state: { left: left + count, since: new Date(now) } }),
    break: (state) => {
      state.left = 0;
      throw new TypeError('it broke');
    },
  },
});
const { given, clock } = persistentActorKit(shelf, 'chair');

describe('a test of a persistent actor', () => {
  it('TK2 gives a state and messages, and looks at state and reply', () => {
    given()
      .when('take', 2)
      .then({ reply: 1, state: { left: 1, since: new Date(0) } })
      .when('take', 2)
      .then({ refused: 'SOLD_OUT', state: ({ left }) => left === 1 })
      .when('put', 1)
      .then({ state: { left: 2, since: new Date(clock.now()) } });
    expect(given({ left: 9, since: new Date(5) }).when('take', 1).state).toEqual({ left: 8, since: new Date(5) });
  });

  it('TK2 sees that a handler that throws leaves no trace', () => {
    given()
      .when('break', null)
      .then({ refused: 'WEIR_ACTOR_FAILED', state: { left: 3, since: new Date(0) } });
  });

  it.each([
    [
      'the reply to shelf/chair take is another one\nexpected 2\nfound    1',
      () => given().when('take', 2).then({ reply: 2 }),
    ],
    [
      'the state after shelf/chair take',
      () =>
        given()
          .when('take', 2)
          .then({ state: { left: 2, since: new Date(0) } }),
    ],
    ['shelf/chair take refused with SOLD_OUT: there are only 3', () => given().when('take', 9).then({ reply: 0 })],
    ['was to refuse with SOLD_OUT, and did not', () => given().when('take', 1).then({ refused: 'SOLD_OUT' })],
  ])('TK2 says what is another: %s', (message, test) => {
    expect(test).toThrow(ExpectationError);
    expect(test).toThrow(message);
  });
});
