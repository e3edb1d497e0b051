/** What the banks and the tracker say to each other. Each is its own organisation: this is all that they share. */
import { type Identity, protocol } from 'weir';
import { z } from 'zod';

/**
 * Knows every UETR of this market. It has to be one party: two banks that each kept only their own list would both take
 * a UETR that the other has used, or, each asking the other, both refuse it. Longer than any id of a bank (35
 * characters), so that no payment can name it as one.
 */
export const trackerName = 'CN=UETR Tracker, O=Payments Market Infrastructure, L=Brussels, C=BE';

export const tracking = protocol('uetr-tracking', {
  version: 1,
  initiator: { claim: z.object({ uetr: z.string(), payment: z.string() }) },
  responder: { answer: z.object({ granted: z.boolean() }) },
});

/** From the debtor's bank to the creditor's. */
export const interbankPayment = protocol('interbank-payment', {
  version: 1,
  initiator: {
    pay: z.object({
      /** The sender's own id of the payment: the same one, however often it has to ask. */
      payment: z.string(),
      uetr: z.string().optional(),
      amount: z.object({ currency: z.string(), minor: z.bigint().positive() }),
      account: z.string(),
    }),
    /** The sender has kept the answer and will never ask again. */
    noted: z.object({}),
  },
  responder: {
    credited: z.object({}),
    refused: z.object({ code: z.enum(['AC01', 'AC04', 'AM03', 'AM04', 'AM05', 'RC01']), info: z.string() }),
  },
});

export type Refusal = z.output<(typeof interbankPayment)['responder']['refused']>;

/** The members of a group are known by name; whose payment it is, is part of its id, so that no bank can name another's. */
export function paymentOf(sender: Identity, payment: string): string {
  return JSON.stringify([sender.group, sender.name, payment]);
}
