/** What must hold for payments: at every commit for the money, at the end for what both sides say of each payment. */
import { actorsOf, flowsOf, type Invariant } from 'weir/testing';
import type { z } from 'zod';
import { account, accountState, ended } from './payment-accounts.ts';

type Account = z.output<typeof accountState>;

const opened: Account = accountState.parse(account.initial(''));

/**
 * Money is conserved at every commit: what all accounts have more than they began with is what is booked and has not yet
 * left the debtor's account. Nothing leaves that was not booked, and nobody spends what he does not have.
 */
export function moneyIsConserved(): Invariant {
  let surplus = 0;
  let underWay = 0;
  const credited = new Map<string, number>();
  const settled = new Map<string, number>();
  const reserved = new Map<string, number>();
  const weigh = (payment: string): number => (settled.has(payment) ? 0 : (credited.get(payment) ?? 0));
  return {
    name: 'money is conserved',
    hears: ['applied'],
    event(event, violate) {
      for (const { member, key, state, before } of actorsOf(event, account.name)) {
        const now = accountState.parse(state);
        const old = before === undefined ? opened : accountState.parse(before);
        const touched = new Set([...changed(old.credited, now.credited), ...changed(old.settled, now.settled)]);
        for (const payment of touched) underWay -= weigh(payment);
        follow(credited, old.credited, now.credited);
        follow(settled, old.settled, now.settled);
        follow(reserved, old.reserved, now.reserved);
        for (const payment of touched) {
          underWay += weigh(payment);
          if (settled.has(payment) && !credited.has(payment)) violate(`${payment} has left, and is booked nowhere`);
        }
        surplus += now.balance - old.balance;
        const free = now.balance - Object.values(now.reserved).reduce((sum, amount) => sum + amount, 0);
        if (free < 0) violate(`account ${key} of ${member} has spent ${-free} more than it had`);
      }
      if (surplus !== underWay) violate(`accounts have ${surplus} more than they began with, ${underWay} is under way`);
    },
    end(_world, violate) {
      if (underWay !== 0) violate(`${underWay} is booked, and has left nowhere`);
      if (reserved.size > 0) violate(`${reserved.size} payments have ended, and their money is still set aside`);
    },
  };
}

/** Each payment has one outcome, and both sides say the same of it. */
export function oneOutcome(asked: ReadonlySet<string>): Invariant {
  const paid = new Map<string, string>();
  const taken = new Map<string, string[]>();
  return {
    name: 'one outcome on both sides',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow, status, result, clientRequestId } of flowsOf(event)) {
        if (!flow.startsWith('payments.') || status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`${flow} ${clientRequestId} is ${status}`);
        const { payment, outcome } = ended.parse(result);
        if (flow === 'payments.take') taken.set(payment, [...(taken.get(payment) ?? []), outcome]);
        else if (paid.has(payment)) violate(`${payment} has ended twice`);
        else paid.set(payment, outcome);
      }
    },
    end(_world, violate) {
      if (paid.size !== asked.size) violate(`${asked.size} payments were asked for, ${paid.size} have ended`);
      for (const [payment, outcome] of paid) {
        const other = taken.get(payment)?.at(-1) ?? 'no funds';
        if (other !== outcome) violate(`${payment} is ${outcome} here, and ${other} there`);
      }
    },
  };
}

function follow(all: Map<string, number>, old: Record<string, number>, now: Record<string, number>): void {
  for (const payment of Object.keys(old)) if (!(payment in now)) all.delete(payment);
  for (const [payment, amount] of Object.entries(now)) all.set(payment, amount);
}

function changed(old: Record<string, number>, now: Record<string, number>): string[] {
  return [...Object.keys(now).filter((key) => !(key in old)), ...Object.keys(old).filter((key) => !(key in now))];
}
