/** The payments example in a test node, under load: payments are started whatever happens, and proved in the end. */
import { account, uetr } from '../../examples/payments/actors.ts';
import { paidSchema, pay, take, track } from '../../examples/payments/flows.ts';
import { generateMessage } from '../../examples/payments/generate.ts';
import { type CreditTransfer, idsOf, readCreditTransfers } from '../../examples/payments/iso20022/index.ts';
import { trackerName } from '../../examples/payments/protocol.ts';
import { type LedgerProof, type ReportedOutcome, recompute } from '../../examples/payments/recompute.ts';
import { type Node, WeirError } from '../../src/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../src/testing/index.ts';
import { shippedBook as book } from '../examples/payments/shipped.ts';

export interface Market {
  readonly kit: TestNode;
  /** Moves time on, restarting workers that are down, until the condition holds. @throws Error when it does not, within an hour. */
  until(holds: () => boolean, what: string): Promise<void>;
  /** Payments that the node has taken. */
  accepted(): number;
  /** Payments that have an outcome. */
  ended(): number;
  /** Stops the node, moving time as long as that takes. */
  stop(): Promise<void>;
  /** Waits for every payment, and recomputes the ledger from the files. */
  prove(): Promise<LedgerProof>;
}

export interface MarketSettings extends Partial<TestNodeSettings> {
  readonly payments?: number;
}

const stepMs = 25;
const longestMs = 3_600_000;

/** Starts the node, opens the accounts, and begins to pay. */
export async function openMarket({ payments = 40, seed = 1, ...settings }: MarketSettings = {}): Promise<Market> {
  const bank = { flows: [pay, take], actors: [account, uetr] };
  const { messages } = readCreditTransfers(generateMessage({ book, transactions: payments, seed }));
  const transactions = messages.flatMap((message) => message.transactions);
  const kit = await testNode({
    members: {
      ...Object.fromEntries(book.banks.map(({ id }) => [id, bank])),
      [trackerName]: { flows: [track], actors: [uetr] },
    },
    shards: 4,
    retention: '3650 days',
    seed,
    ...settings,
  });
  const workers = settings.workers ?? 1;
  const outcomes = new Map<string, ReportedOutcome['result']>();
  const started = new Set<string>();
  const failures: unknown[] = [];

  /** Asks whatever worker is up, again and again until one answers: a client that never gives up. */
  async function insist<T>(ask: (node: Node) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const up = Array.from({ length: workers }, (_, worker) => (worker + attempt) % workers).find(
        (worker) => !kit.isDown(worker),
      );
      try {
        // A worker that dies answers nobody, and what was asked of it never settles.
        const died = up === undefined ? undefined : kit.crashed(up).then(() => undefined);
        if (up !== undefined) {
          const answer = await Promise.race([ask(kit.node(up)).then((value) => ({ value })), died]);
          if (answer !== undefined) return answer.value;
        }
      } catch (error) {
        // What was accepted a moment ago may not have been told to readers yet; what is lost is never found, and shows.
        const tryAgain = WeirError.is(error) && (error.retryable || error.code === 'WEIR_FLOW_NOT_FOUND');
        if (!tryAgain) throw error;
      }
      await new Promise<void>((resolve) => void kit.clock.after(100, resolve));
    }
  }

  async function payOne(transfer: CreditTransfer): Promise<void> {
    const { clientRequestId } = transfer;
    const member = transfer.debtor.bank.id;
    const { flowId } = await insist((node) => node.start(member, pay, transfer, { clientRequestId }));
    started.add(clientRequestId);
    const view = await insist(async (node) => {
      const found = await node.settled({ flowId }, { within: '10 s' });
      if (found.status === 'RUNNING') throw new WeirError('WEIR_NODE_NOT_READY', { waitsOn: clientRequestId });
      return found;
    });
    if (view.status !== 'COMPLETED') throw new Error(`${clientRequestId} is ${view.status}: ${view.error?.message}`);
    outcomes.set(clientRequestId, paidSchema.parse(view.result).outcome);
  }

  async function until(holds: () => boolean, what: string): Promise<void> {
    const end = kit.clock.monotonic() + longestMs;
    while (!holds()) {
      if (failures.length > 0) throw failures[0];
      if (kit.clock.monotonic() > end) throw new Error(`within an hour, ${what} did not come`);
      for (let worker = 0; worker < workers; worker++) {
        // A worker may die again while it starts.
        if (kit.isDown(worker)) void kit.restart(worker).catch(() => undefined);
      }
      await kit.advance(stepMs);
    }
  }

  const work = async (tasks: ReadonlyArray<Promise<void>>, what: string): Promise<void> => {
    let done = false;
    const all = Promise.all(tasks).then(
      () => {
        done = true;
      },
      (error: unknown) => void failures.push(error),
    );
    await until(() => done, what);
    await all;
  };
  await work(
    book.accounts.map(({ bank: at, account: id, owner, status, balance }) =>
      insist((node) => node.ask(at, account, id, 'open', { owner, status, balance })).then(() => undefined),
    ),
    'the opening of accounts',
  );
  const homeless = new Set<string>();
  for (const [index, transaction] of transactions.entries()) {
    if (transaction.type === 'refused') {
      outcomes.set(idsOf(transaction).clientRequestId, { type: 'refused', code: transaction.refusal.code });
    } else {
      homeless.add(transaction.transfer.clientRequestId);
      // One after the other: in memory a payment takes no time, and a fault must meet payments under way.
      kit.clock.after(index * 25, () => {
        payOne(transaction.transfer).catch((error: unknown) => void failures.push(error));
      });
    }
  }

  return {
    kit,
    until,
    accepted: () => started.size,
    async stop() {
      let stopped = false;
      const stopping = kit.stop().finally(() => {
        stopped = true;
      });
      while (!stopped) await kit.advance(1_000);
      await stopping;
    },
    ended: () => [...homeless].filter((id) => outcomes.has(id)).length,
    async prove() {
      await until(() => outcomes.size === transactions.length, 'the outcome of every payment');
      const balances: Array<{ bank: string; account: string; balance: { currency: string; minor: bigint } }> = [];
      await work(
        book.accounts.map(async ({ bank: at, account: id }) => {
          const { currency, balance: minor } = await insist((node) => node.ask(at, account, id, 'look', {}));
          balances.push({ bank: at, account: id, balance: { currency, minor } });
        }),
        'the balance of every account',
      );
      return recompute({
        book,
        messages,
        outcomes: [...outcomes].map(([clientRequestId, result]) => ({ clientRequestId, result })),
        balances,
      });
    },
  };
}
