/**
 * What the node knows already: payments that earlier runs have brought to an end, and payments that came by another way
 * than a file, such as HTTP. The latter moved money too, so the books can only be proved with them.
 */
import type { FlowView, Node } from 'weir';
import { type PaymentOutcome, paidSchema, pay } from './flows.ts';
import type { Payment } from './intake.ts';
import type { CreditTransfer } from './iso20022/index.ts';

/** A payment that no file gave. */
export interface OtherPayment {
  readonly id: string;
  readonly transfer: CreditTransfer;
  readonly outcome: PaymentOutcome;
}

export interface KnownPayments {
  /** By the id of a payment of the files. */
  readonly ended: ReadonlyMap<string, PaymentOutcome>;
  readonly others: readonly OtherPayment[];
  /** Ids of other payments that have no outcome. */
  readonly unclear: readonly { readonly payment: string; readonly why: string }[];
}

const pageSize = 1_000;
const waitMs = 60_000;

export async function knownPayments(node: Node, payments: readonly Payment[]): Promise<KnownPayments> {
  const homes = new Map(payments.map(({ id, transfer }) => [id, transfer.debtor.bank.id]));
  const ended = new Map<string, PaymentOutcome>();
  const others: OtherPayment[] = [];
  const unclear: { payment: string; why: string }[] = [];
  for await (const view of allPayments(node)) {
    const { clientRequestId, member, flowId } = view;
    if (homes.get(clientRequestId) === member.name) {
      if (view.status === 'COMPLETED') ended.set(clientRequestId, paidSchema.parse(view.result).outcome);
      continue;
    }
    const { status, result } = view.status === 'RUNNING' ? await node.settled({ flowId }, { within: waitMs }) : view;
    if (status === 'COMPLETED') others.push({ id: flowId, ...paidSchema.parse(result) });
    else unclear.push({ payment: flowId, why: `started by ${view.startedBy}, it is ${status}` });
  }
  return { ended, others, unclear };
}

async function* allPayments(node: Node): AsyncGenerator<FlowView> {
  let cursor: string | undefined;
  do {
    const page = await node.list({ flow: pay.name, limit: pageSize, cursor });
    yield* page.flows;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
