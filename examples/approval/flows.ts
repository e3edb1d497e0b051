/** An approval that waits for a person for days: reminders, a deadline, and a word from outside that ends the waiting. */
import { flow } from 'weir';
import { z } from 'zod';
import { mail } from './mail.ts';

const decision = z.strictObject({ by: z.string().min(1), approved: z.boolean(), note: z.string().default('') });

/**
 * `weir flow start ACME approve --input '{"what": "a new roof", "amount": "12000", "approver": "ann@acme"}'`, then
 * `weir flow signal FLOW decide --body '{"by": "ann@acme", "approved": true}'`
 */
export const approve = flow('approve', {
  version: 1,
  states: {
    start: z.strictObject({
      what: z.string().min(1),
      amount: z.coerce.bigint<bigint | string | number>(),
      approver: z.string().min(1),
      /** Reminders before it lapses; one every two days. */
      reminders: z.int().min(0).max(50).default(3),
    }),
    decided: z.strictObject({ what: z.string(), decision }),
  },
  result: z.strictObject({ outcome: z.enum(['approved', 'rejected', 'lapsed', 'withdrawn']), by: z.string() }),
  signals: { decide: decision, withdraw: z.strictObject({ by: z.string().min(1) }) },
  queries: {
    /** What the approver sees. */
    request: ({ stage, state, progress }) => ({ stage, state, told: progress.map(({ text }) => text) }),
  },
  stages: {
    *start(request, { step, signal, progress, become }) {
      const { what, amount, approver, reminders } = request;
      yield* step('ask', ({ id }) => mail(id, approver, `Please decide on ${what} for ${amount}.`));
      yield* progress(`${approver} was asked`);
      for (let sent = 0; ; sent++) {
        const word = yield* signal(['decide', 'withdraw'], { within: '2 days' });
        if (word.type === 'decide') return become('decided', { what, decision: word.body });
        if (word.type === 'withdraw') return { outcome: 'withdrawn' as const, by: word.body.by };
        if (sent === reminders) return { outcome: 'lapsed' as const, by: approver };
        yield* step('remind', ({ id }) => mail(id, approver, `Still open: ${what}.`));
        yield* progress(`${approver} was reminded`, { times: sent + 1 });
      }
    },

    *decided({ what, decision: { by, approved, note } }, { step }) {
      const outcome = approved ? ('approved' as const) : ('rejected' as const);
      yield* step('tell', ({ id }) => mail(id, 'requests@acme', `${what} was ${outcome} by ${by}. ${note}`.trim()));
      return { outcome, by };
    },
  },
});
