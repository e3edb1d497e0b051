/** Writes the pacs.002 report of each message into the reports directory. Owns the names of the files. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CreditTransferMessage,
  idsOf,
  type Outcome,
  type Transaction,
  writeStatusReport,
} from './iso20022/index.ts';
import { writeDurably } from './write-durably.ts';

export interface ReportsSetup {
  readonly folder: string;
  /** Undefined while a payment has no outcome. */
  readonly outcomeOf: (transaction: Transaction) => Outcome | undefined;
  readonly createdAt: string;
}

export class Reports {
  readonly #setup: ReportsSetup;
  readonly #written = new Set<string>();

  constructor(setup: ReportsSetup) {
    this.#setup = setup;
  }

  get count(): number {
    return this.#written.size;
  }

  exists(message: CreditTransferMessage): boolean {
    return existsSync(this.#pathOf(message));
  }

  /** Writes the report, unless a payment has no outcome yet: a report must not say what is not so. */
  write(message: CreditTransferMessage): boolean {
    const outcomes = new Map<string, Outcome>();
    for (const transaction of message.transactions) {
      const outcome = this.#setup.outcomeOf(transaction);
      if (outcome === undefined) return false;
      outcomes.set(idsOf(transaction).clientRequestId, outcome);
    }
    const path = this.#pathOf(message);
    if (this.#written.has(path)) return true;
    const { createdAt } = this.#setup;
    writeDurably(path, Buffer.from(writeStatusReport({ message, outcomes, createdAt })));
    this.#written.add(path);
    return true;
  }

  /** By message id, for people, and by its contents, because nothing keeps two senders from using one id. */
  #pathOf(message: CreditTransferMessage): string {
    const contents = JSON.stringify(message, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    const digest = createHash('sha256').update(contents).digest('hex').slice(0, 8);
    const id = message.messageId.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 60);
    return join(this.#setup.folder, `pacs.002-${id === '' ? 'NOTPROVIDED' : id}-${digest}.xml`);
  }
}
