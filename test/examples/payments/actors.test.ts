/** What each message does to an account, and that it does it once for each payment. */
import { describe, expect, it } from 'vitest';
import { account, uetr } from '../../../examples/payments/actors.ts';
import { persistentActorKit } from '../../../src/testing/index.ts';

const { given } = persistentActorKit(account, 'DE61209901004410037000');
const euro = (minor: bigint) => ({ currency: 'EUR', minor });
const open = { owner: 'Ada', status: 'open' as const, balance: euro(100n) };
const opened = given().when('open', open).state;
const closed = given().when('open', { ...open, status: 'closed' }).state;
const of = (payment: string, minor = 60n) => ({ payment, amount: euro(minor) });
const done = { type: 'done' as const };

describe('an account', () => {
  it('is opened once: opening it again changes nothing', () => {
    given(opened)
      .when('open', { ...open, balance: euro(9_999n) })
      .then({ reply: false, state: opened });
  });

  it.each([
    ['AC01', given().state, euro(1n)],
    ['AC04', closed, euro(1n)],
    ['AM03', opened, { currency: 'USD', minor: 1n }],
  ])('refuses to reserve and to credit with %s', (code, state, amount) => {
    for (const type of ['reserve', 'credit'] as const) {
      given(state)
        .when(type, { payment: 'p', amount })
        .then({ reply: (answer) => answer.type === 'refused' && answer.code === code, state });
    }
  });

  it('cannot spend what is reserved already', () => {
    given(opened)
      .when('reserve', of('p'))
      .when('reserve', of('q'))
      .then({ reply: (answer) => answer.type === 'refused' && answer.code === 'AM04' });
  });

  it('reserves, settles, releases and credits once for each payment', () => {
    const reserved = given(opened).when('reserve', of('p')).when('reserve', of('p'));
    reserved.then({ reply: done, state: { ...opened, reserved: new Map([['p', 60n]]) } });
    const p = { payment: 'p' };
    reserved
      .when('settle', p)
      .when('settle', p)
      .then({ state: { ...opened, balance: 40n } });
    given(reserved.state).when('release', p).when('release', p).then({ state: opened });
    given(reserved.state)
      .when('settle', p)
      .when('release', p)
      .then({ state: { ...opened, balance: 40n } });
    expect(given(opened).when('credit', of('p')).when('credit', of('p')).state.balance).toBe(160n);
  });

  it('says "done" to a credit that it has booked, whatever has become of it since', () => {
    const credited = given(opened).when('credit', of('p')).state;
    given({ ...credited, status: 'closed' })
      .when('credit', of('p'))
      .then({ reply: done });
  });

  it('remembers only payments under way', () => {
    given(opened)
      .when('reserve', of('p'))
      .when('settle', { payment: 'p' })
      .when('credit', of('q'))
      .when('forget', { payment: 'q' })
      .then({ state: opened });
  });
});

it('a UETR belongs to the payment that claims it first, which may claim it again', () => {
  persistentActorKit(uetr)
    .given()
    .when('claim', { payment: 'p' })
    .then({ reply: true })
    .when('claim', { payment: 'p' })
    .then({ reply: true })
    .when('claim', { payment: 'q' })
    .then({ reply: false });
});
