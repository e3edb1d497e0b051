/** A persistent actor that adds up what it is given. */
import { z } from 'zod';
import { persistentActor } from '../../../src/index.ts';

export const till = persistentActor('till', {
  version: 1,
  state: z.object({ total: z.number() }),
  initial: () => ({ total: 0 }),
  messages: { add: { body: z.number(), reply: z.number() }, read: { body: z.null(), reply: z.number() } },
  on: {
    add: ({ total }, amount) => ({ state: { total: total + amount }, reply: total + amount }),
    read: ({ total }) => ({ reply: total }),
  },
});
