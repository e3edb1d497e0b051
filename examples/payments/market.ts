/**
 * The market as a Weir node: every bank of the book is a member, and so is the tracker. Owns the settings of the node,
 * and how accounts are opened and looked at from outside of any flow.
 */
import { type KafkaConnection, type Logger, type Node, type StartedNode, startNode } from 'weir';
import { account, uetr } from './actors.ts';
import { eachOf } from './each-of.ts';
import { pay, take, track } from './flows.ts';
import type { OpeningBook } from './opening-book.ts';
import { trackerName } from './protocol.ts';
import type { ReportedBalance } from './recompute.ts';

export interface MarketSettings {
  readonly book: OpeningBook;
  /** Data directory of the node. */
  readonly data: string;
  /** A cluster that keeps everything instead of the data directory. */
  readonly kafka?: KafkaConnection | undefined;
  /** None: the node is reached from this process alone. 0 takes a free one. */
  readonly port?: number;
  /** Failures may be injected by name (`weir chaos`). Default: none. */
  readonly chaos?: boolean;
  readonly logger?: Logger;
}

export interface AccountNow extends ReportedBalance {
  /** In the smallest unit; part of the balance. */
  readonly reserved: bigint;
}

/** A payment must stay a duplicate for as long as anybody may send it again; a day, the default, is not enough. */
const retention = '3650 days';
const accountsAtOnce = 256;

export function startMarket(settings: MarketSettings): Promise<StartedNode> {
  const { book, data, kafka, port, chaos = false, logger } = settings;
  const bank = { flows: [pay, take], actors: [account, uetr] };
  return startNode({
    members: {
      ...Object.fromEntries(book.banks.map(({ id }) => [id, bank])),
      [trackerName]: { flows: [track], actors: [uetr] },
    },
    data,
    retention,
    chaos: { allow: chaos },
    ...(kafka === undefined ? {} : { kafka }),
    ...(port === undefined ? {} : { http: { port } }),
    ...(logger === undefined ? {} : { logger }),
  });
}

/** Opens every account of the book that is not open yet, and answers how many that were. */
export async function openAccounts(node: Node, { accounts }: OpeningBook, opened: () => void): Promise<number> {
  let count = 0;
  await eachOf(accounts, accountsAtOnce, async ({ bank, account: id, owner, status, balance }) => {
    // An account that was opened by a run that was killed keeps what it holds: opening it again changes nothing.
    if (!(await node.ask(bank, account, id, 'open', { owner, status, balance }))) return;
    count++;
    opened();
  });
  return count;
}

/** What every account of the book holds now. */
export async function lookAtAccounts(node: Node, { accounts }: OpeningBook): Promise<readonly AccountNow[]> {
  const found: AccountNow[] = [];
  await eachOf(accounts, accountsAtOnce, async ({ bank, account: id }) => {
    const { currency, balance: minor, reserved } = await node.ask(bank, account, id, 'look', {});
    found.push({ bank, account: id, balance: { currency, minor }, reserved });
  });
  return found;
}
