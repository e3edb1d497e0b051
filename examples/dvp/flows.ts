/**
 * Delivery against payment: a registrar has the seller lock securities and the buyer lock cash, and lets both change
 * hands when both are locked; otherwise neither moves. Three members, two sessions, one flow that decides.
 */
import { ApplicationError, FlowError, flow, type InitiatorSession, type Operation, protocol } from 'weir';
import { z } from 'zod';
import { holding, register } from './actors.ts';

const amount = z.coerce.bigint<bigint | string | number>();
const asset = z.strictObject({ what: z.string(), amount: z.bigint() });

/** What the registrar says to a party, and the party to the registrar. */
const custody = protocol('custody', {
  version: 1,
  initiator: {
    lock: z.strictObject({ trade: z.string(), asset }),
    /** What was locked goes, what it is exchanged for comes. */
    settle: z.strictObject({ receive: asset }),
    release: z.null(),
  },
  responder: { locked: z.null(), refused: z.strictObject({ why: z.string() }) },
});

/**
 * `weir flow start REGISTRAR settle --wait 10s --input '{"trade": "t-1", "seller": "SELLER", "buyer": "BUYER",
 * "isin": "CH0012221716", "quantity": 10, "currency": "CHF", "price": 500}'`
 */
export const settle = flow('settle', {
  version: 1,
  states: {
    start: z.strictObject({
      trade: z.string().min(1),
      seller: z.string(),
      buyer: z.string(),
      isin: z.string(),
      quantity: amount,
      currency: z.string(),
      price: amount,
    }),
  },
  result: z.strictObject({ trade: z.string(), settled: z.literal(true) }),
  stages: {
    *start({ trade, seller, buyer, isin, quantity, currency, price }, { actor, all, session, failed }) {
      const securities = { what: isin, amount: quantity };
      const cash = { what: currency, amount: price };
      try {
        const parties = yield* all({ seller: session(seller, custody), buyer: session(buyer, custody) });
        // A party that refuses, or does not answer, ends both branches; the error goes on to `failed` below, and the end
        // of this flow tells both parties to release what they have locked.
        yield* all([locked(parties.seller, trade, securities), locked(parties.buyer, trade, cash)]);
        yield* parties.seller.send('settle', { receive: cash });
        yield* parties.buyer.send('settle', { receive: securities });
      } catch (error) {
        if (error instanceof ApplicationError) return failed('NOT_SETTLED', { trade, why: error.message });
        throw error;
      }
      yield* actor(register, isin).ask('moved', { trade, from: seller, to: buyer, quantity });
      return { trade, settled: true as const };
    },
  },
});

/** Has a party lock an asset. @throws ApplicationError when it refuses, or does not answer in time */
function* locked(
  party: InitiatorSession<typeof custody>,
  trade: string,
  asset: { what: string; amount: bigint },
): Operation<void> {
  yield* party.send('lock', { trade, asset });
  const answer = yield* party.receive({ within: '1 hour' });
  if (answer.type === 'locked') return;
  const why = answer.type === 'refused' ? answer.body.why : 'no answer within an hour';
  throw new ApplicationError('NOT_LOCKED', `${party.peer.name}: ${why}`);
}

/** A party's side: locks what it is asked for, and does with it what the registrar says. */
export const hold = flow('hold', {
  version: 1,
  responds: custody,
  states: { start: z.looseObject({}) },
  stages: {
    *start(_from, { actor, initiator }) {
      const asked = yield* initiator.receive();
      if (asked.type !== 'lock') throw new ApplicationError('UNEXPECTED', `${asked.type} before lock`);
      const { trade, asset } = asked.body;
      const held = actor(holding, asset.what);
      try {
        yield* held.ask('lock', { trade, amount: asset.amount });
      } catch (error) {
        if (!(error instanceof FlowError)) throw error;
        yield* initiator.send('refused', { why: error.message });
        return;
      }
      yield* initiator.send('locked', null);
      const word = yield* verdict(initiator.receive());
      if (word?.type !== 'settle') {
        yield* held.ask('release', { trade });
        return;
      }
      yield* held.ask('deliver', { trade });
      const { what, amount } = word.body.receive;
      yield* actor(holding, what).ask('credit', { amount });
    },
  },
});

/**
 * What the registrar says; nothing when its flow has ended without a word. Both parties are told to settle in one commit
 * of the registrar's flow, and messages of a session arrive in order: so an end without a word means that none of them was.
 */
function* verdict<T>(receive: Operation<T>): Operation<T | undefined> {
  try {
    return yield* receive;
  } catch (error) {
    if (error instanceof FlowError) return undefined;
    throw error;
  }
}
