/** The payments example on disk: its accounts opened, its configuration for `weir up`, and its ledger when all is at rest. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { paidSchema } from '../../examples/payments/flows.ts';
import type { Transaction } from '../../examples/payments/iso20022/index.ts';
import { lookAtAccounts, openAccounts, startMarket } from '../../examples/payments/market.ts';
import { type OpeningBook, readOpeningBook } from '../../examples/payments/opening-book.ts';
import { trackerName } from '../../examples/payments/protocol.ts';
import { type LedgerProof, type ReportedOutcome, recompute } from '../../examples/payments/recompute.ts';
import { type FlowView, type KafkaConnection, type StartedNode, silentLogger } from '../../src/index.ts';

const example = (path: string): string => fileURLToPath(new URL(`../../examples/payments/${path}`, import.meta.url));

export const book: OpeningBook = readOpeningBook(readFileSync(example('files/accounts.json'), 'utf8'));

/** How long what still runs may take once no fault strikes any more. */
const settleWithin = '1 min';

/** Where a market is kept. */
export interface MarketPlace {
  readonly folder: string;
  /** The cluster that has its data. Default: it is in `folder`/data. */
  readonly kafka?: KafkaConnection;
}

/** A worker of its own, in this process, while no other works on the market. */
function openMarket({ folder, kafka }: MarketPlace): Promise<StartedNode> {
  return startMarket({ ...{ book, kafka }, data: join(folder, 'data'), logger: silentLogger });
}

/** Opens the accounts, and writes the configuration of a node over them. Gives its path. */
export async function prepareMarket(place: MarketPlace): Promise<string> {
  const node = await openMarket(place);
  await openAccounts(node, book, () => undefined);
  await node.stop();
  return configure(place, 'weir.yaml');
}

/** Writes the configuration of a worker. Gives its path. */
export async function configure({ folder, kafka }: MarketPlace, name: string): Promise<string> {
  const flows = ['pay', 'take'].map((name) => `${example('flows.ts')}#${name}`);
  const actors = ['account', 'uetr'].map((name) => `${example('actors.ts')}#${name}`);
  const members = Object.fromEntries([
    ...book.banks.map(({ id }) => [id, { flows, actors }]),
    [trackerName, { flows: [`${example('flows.ts')}#track`], actors: [actors[1]] }],
  ]);
  const file = join(folder, name);
  // JSON is YAML.
  writeFileSync(
    file,
    JSON.stringify({
      ...{ data: './data', retention: '3650 days', chaos: { allow: true }, members },
      // The same after each restart, as clients expect.
      http: { port: await freePort() },
      log: { level: 'warn', pretty: false, ...(kafka === undefined ? {} : { driver: 'kafka', ...kafka }) },
    }),
  );
  return file;
}

export interface Ledger {
  readonly proof: LedgerProof;
  /** Of each payment, `settled` or the code that it was refused with; more than one where it was paid more than once. */
  readonly results: ReadonlyMap<string, readonly string[]>;
  readonly unfinished: readonly FlowView[];
  /** Money that is still set aside. */
  readonly reserved: bigint;
}

/** Reads the ledger from the node itself, and recomputes it from what was given to it. Nobody else may work on it. */
export async function settle(place: MarketPlace, given: readonly Transaction[]): Promise<Ledger> {
  const node = await openMarket(place);
  try {
    const views: FlowView[] = [];
    let cursor: string | undefined;
    do {
      const page = await node.list({ limit: 1_000, cursor });
      views.push(...page.flows);
      cursor = page.cursor;
    } while (cursor !== undefined);
    // A client has the outcome before the tracker and the other bank have heard of it.
    await Promise.all(
      views.map(async (view, at) => {
        if (view.status === 'RUNNING')
          views[at] = await node.settled({ flowId: view.flowId }, { within: settleWithin });
      }),
    );
    const outcomes: ReportedOutcome[] = [];
    const results = new Map<string, string[]>();
    for (const { flow, clientRequestId, status, result } of views) {
      if (flow !== 'pay' || status !== 'COMPLETED') continue;
      const { outcome } = paidSchema.parse(result);
      outcomes.push({ clientRequestId, result: outcome });
      const before = results.get(clientRequestId) ?? [];
      results.set(clientRequestId, [...before, outcome.type === 'settled' ? 'settled' : outcome.code]);
    }
    const balances = await lookAtAccounts(node, book);
    const message = { messageId: '', messageName: 'pacs.008' as const, transactions: given, warnings: [] };
    return {
      proof: recompute({ book, messages: [message], outcomes, balances }),
      results,
      unfinished: views.filter(({ status }) => status === 'RUNNING' || status === 'STUCK'),
      reserved: balances.reduce((sum, { reserved }) => sum + reserved, 0n),
    };
  } finally {
    await node.stop();
  }
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
