/** What a party holds of an asset, and the register of who owns which securities. */
import { ApplicationError, persistentActor } from 'weir';
import { z } from 'zod';

const trade = z.strictObject({ trade: z.string() });

/** One for each member and asset: what is free, and what is locked for which trade. */
export const holding = persistentActor('holding', {
  version: 1,
  state: z.object({ free: z.bigint(), locked: z.record(z.string(), z.bigint()) }),
  initial: () => ({ free: 0n, locked: {} }),
  messages: {
    credit: { body: z.strictObject({ amount: z.coerce.bigint<bigint | string | number>() }) },
    lock: { body: z.strictObject({ trade: z.string(), amount: z.bigint() }) },
    release: { body: trade },
    deliver: { body: trade },
    read: { body: z.null(), reply: z.object({ free: z.bigint(), locked: z.bigint() }) },
  },
  on: {
    credit: ({ free, locked }, { amount }) => ({ state: { free: free + amount, locked } }),
    lock: ({ free, locked }, { trade, amount }) => {
      if (trade in locked) throw new ApplicationError('LOCKED', `${trade} is locked already`);
      if (free < amount) throw new ApplicationError('TOO_LITTLE', `there are ${free}, not ${amount}`);
      return { state: { free: free - amount, locked: { ...locked, [trade]: amount } } };
    },
    release: ({ free, locked }, body) => {
      const { [body.trade]: amount = 0n, ...others } = locked;
      return { state: { free: free + amount, locked: others } };
    },
    deliver: ({ free, locked }, body) => {
      const { [body.trade]: _gone, ...others } = locked;
      return { state: { free, locked: others } };
    },
    read: ({ free, locked }) => ({
      reply: { free, locked: Object.values(locked).reduce((sum, amount) => sum + amount, 0n) },
    }),
  },
});

/** One for each security: every trade that was settled, in order. */
export const register = persistentActor('register', {
  version: 1,
  state: z.object({ trades: z.array(z.string()) }),
  initial: () => ({ trades: [] }),
  messages: {
    moved: {
      body: z.strictObject({ trade: z.string(), from: z.string(), to: z.string(), quantity: z.bigint() }),
    },
    read: { body: z.null(), reply: z.array(z.string()) },
  },
  on: {
    moved: ({ trades }, { trade, from, to, quantity }) => ({
      state: { trades: [...trades, `${trade}: ${quantity} from ${from} to ${to}`] },
    }),
    read: ({ trades }) => ({ reply: trades }),
  },
});
