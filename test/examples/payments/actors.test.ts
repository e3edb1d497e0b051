/** What each message does to an account, and that it does it once for each payment. */
import { describe, expect, it } from 'vitest';
import { account, uetr } from '../../../examples/payments/actors.ts';

const scope = { key: 'DE61209901004410037000', now: 0 };
const euro = (minor: bigint) => ({ currency: 'EUR', minor });
const unopened = account.state.parse(account.initial(scope.key));

type State = typeof unopened;
type Message = keyof typeof account.on;

/** The state and the last answer after some messages, one after another. */
function sending(state: State, ...messages: ReadonlyArray<readonly [type: Message, body: unknown]>) {
  let now = state;
  let answer: unknown;
  for (const [type, body] of messages) {
    const parsed = account.messages[type].body.parse(body);
    // Each body was parsed with the schema of its own handler.
    const effects = account.on[type](now, parsed as never, scope);
    now = account.state.parse(effects.state ?? now);
    answer = effects.reply;
  }
  return { state: now, answer };
}

const open = { owner: 'Ada', status: 'open', balance: euro(100n) };
const opened = sending(unopened, ['open', open]).state;
const closed = sending(unopened, ['open', { ...open, status: 'closed' }]).state;
const of = (payment: string, minor = 60n) => ({ payment, amount: euro(minor) });
const done = { type: 'done' };

describe('an account', () => {
  it('is opened once: opening it again changes nothing', () => {
    const { state, answer } = sending(opened, ['open', { ...open, balance: euro(9_999n) }]);
    expect({ answer, balance: state.balance }).toEqual({ answer: false, balance: 100n });
  });

  it.each([
    ['AC01', unopened, euro(1n)],
    ['AC04', closed, euro(1n)],
    ['AM03', opened, { currency: 'USD', minor: 1n }],
  ])('refuses to reserve and to credit with %s', (code, state, amount) => {
    for (const type of ['reserve', 'credit'] as const) {
      const { answer, state: now } = sending(state, [type, { payment: 'p', amount }]);
      expect(answer).toMatchObject({ type: 'refused', code });
      expect(now).toEqual(state);
    }
  });

  it('cannot spend what is reserved already', () => {
    const { answer } = sending(opened, ['reserve', of('p')], ['reserve', of('q')]);
    expect(answer).toMatchObject({ type: 'refused', code: 'AM04' });
  });

  it('reserves, settles, releases and credits once for each payment', () => {
    const reserved = sending(opened, ['reserve', of('p')], ['reserve', of('p')]);
    expect(reserved.answer).toEqual(done);
    expect([...reserved.state.reserved]).toEqual([['p', 60n]]);
    expect(sending(reserved.state, ['settle', of('p')], ['settle', of('p')]).state.balance).toBe(40n);
    expect(sending(reserved.state, ['release', of('p')], ['release', of('p')]).state).toEqual(opened);
    expect(sending(reserved.state, ['settle', of('p')], ['release', of('p')]).state.balance).toBe(40n);
    expect(sending(opened, ['credit', of('p')], ['credit', of('p')]).state.balance).toBe(160n);
  });

  it('says "done" to a credit that it has booked, whatever has become of it since', () => {
    const credited = sending(opened, ['credit', of('p')]).state;
    expect(sending({ ...credited, status: 'closed' }, ['credit', of('p')]).answer).toEqual(done);
  });

  it('remembers only payments under way', () => {
    const { state } = sending(
      opened,
      ['reserve', of('p')],
      ['settle', of('p')],
      ['credit', of('q')],
      ['forget', { payment: 'q' }],
    );
    expect({ reserved: state.reserved.size, credited: state.credited.size }).toEqual({ reserved: 0, credited: 0 });
  });
});

it('a UETR belongs to the payment that claims it first, which may claim it again', () => {
  const first = uetr.on.claim({}, { payment: 'p' }, scope);
  const state = uetr.state.parse(first.state);
  const again = uetr.on.claim(state, { payment: 'p' }, scope);
  const other = uetr.on.claim(state, { payment: 'q' }, scope);
  expect([first.reply, again.reply, other.reply]).toEqual([true, true, false]);
});
