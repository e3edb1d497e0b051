/**
 * What was ever given to a data directory: every file, in the order in which they came, and the banks and accounts that
 * were opened for them. Kept before the first payment of a file is started, so that a run that was killed is finished by
 * the next one, and the books can be proved over everything that happened. Files are only ever added.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PaymentsError } from './errors.ts';
import { type CreditTransferMessage, readCreditTransfers } from './iso20022/index.ts';
import { formatAmount } from './money.ts';
import { accountKey, type OpeningBook, readOpeningBook } from './opening-book.ts';
import { writeDurably } from './write-durably.ts';

export interface GivenFile {
  /** As its sender named it. */
  readonly name: string;
  readonly messages: readonly CreditTransferMessage[];
  /** Other messages that it holds, left alone. */
  readonly ignored: readonly string[];
  readonly bytes: Uint8Array;
  /** Of its bytes: the same file, whatever its name. */
  readonly digest: string;
}

/** A file of the archive; `place` counts them from 0. */
export interface ArchivedFile extends GivenFile {
  readonly place: number;
}

/** The book, and since when it has each bank and account: from the file of this place on. */
export interface GrownBook {
  readonly book: OpeningBook;
  /** By bank id. */
  readonly banksSince: ReadonlyMap<string, number>;
  /** By `accountKey`. */
  readonly accountsSince: ReadonlyMap<string, number>;
}

/** @throws PaymentsError `PAYMENTS_FILE_*`, `PAYMENTS_NO_CREDIT_TRANSFER` */
export function givenFile(name: string, bytes: Uint8Array): GivenFile {
  const { messages, ignored } = readCreditTransfers(bytes);
  return { name, messages, ignored, bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}

const fileForm = /^(\d{6})-[0-9a-f]{12}-(.+)$/;
const bookForm = /^(\d{6})-\d{3}\.json$/;

export class Archive {
  readonly #folder: string;
  readonly #files: ArchivedFile[] = [];
  readonly #banksSince = new Map<string, number>();
  readonly #accountsSince = new Map<string, number>();
  #book: OpeningBook = { banks: [], accounts: [] };
  #books = 0;

  /** @throws PaymentsError `PAYMENTS_ARCHIVE_DAMAGED` */
  constructor(directory: string) {
    this.#folder = join(directory, 'given');
    for (const name of this.#names('books')) {
      const since = Number(bookForm.exec(name)?.[1]);
      this.#grow(
        this.#read('books', name, (bytes) => readOpeningBook(bytes.toString('utf8'))),
        since,
      );
    }
    for (const name of this.#names('files')) {
      const [, place, original = name] = fileForm.exec(name) ?? [];
      const file = this.#read('files', name, (bytes) => givenFile(original, bytes));
      if (Number(place) !== this.#files.length) throw damaged(`${name} does not follow the file before it`);
      this.#files.push({ ...file, place: this.#files.length });
    }
  }

  /** Whether nobody has added anything since it was read. To be asked when the data directory is one's own. */
  isCurrent(): boolean {
    return this.#names('files').length === this.#files.length && this.#names('books').length === this.#books;
  }

  get files(): readonly ArchivedFile[] {
    return this.#files;
  }

  get grown(): GrownBook {
    return { book: this.#book, banksSince: this.#banksSince, accountsSince: this.#accountsSince };
  }

  /** Keeps what `book` has beyond the book so far; files that are added later see it, earlier ones never did. */
  extend(book: OpeningBook): void {
    const banks = book.banks.filter(({ id }) => !this.#banksSince.has(id));
    const accounts = book.accounts.filter(({ bank, account }) => !this.#accountsSince.has(accountKey(bank, account)));
    if (banks.length === 0 && accounts.length === 0) return;
    // The format of accounts.json asks for the banks of its accounts.
    const needed = new Set([...banks.map(({ id }) => id), ...accounts.map(({ bank }) => bank)]);
    const listed = book.banks.filter(({ id }) => needed.has(id));
    const since = this.#files.length;
    const name = `${digits(since, 6)}-${digits(this.#books, 3)}.json`;
    this.#write('books', name, Buffer.from(textOf({ banks: listed, accounts })));
    this.#grow({ banks: listed, accounts }, since);
  }

  /** Keeps a file, or finds it if it is there already. */
  add(file: GivenFile): ArchivedFile {
    const known = this.#files.find(({ digest }) => digest === file.digest);
    if (known !== undefined) return known;
    const place = this.#files.length;
    const safeName = file.name.replace(/[^A-Za-z0-9._-]/g, '_').slice(-100);
    this.#write('files', `${digits(place, 6)}-${file.digest.slice(0, 12)}-${safeName}`, file.bytes);
    const archived = { ...file, place };
    this.#files.push(archived);
    return archived;
  }

  #grow({ banks, accounts }: OpeningBook, since: number): void {
    const newBanks = banks.filter(({ id }) => !this.#banksSince.has(id));
    for (const { id } of newBanks) this.#banksSince.set(id, since);
    for (const { bank, account } of accounts) this.#accountsSince.set(accountKey(bank, account), since);
    this.#book = { banks: [...this.#book.banks, ...newBanks], accounts: [...this.#book.accounts, ...accounts] };
    this.#books++;
  }

  #names(kind: 'files' | 'books'): string[] {
    const folder = join(this.#folder, kind);
    const form = kind === 'files' ? fileForm : bookForm;
    // Whatever has another name is not ours, or is what a killed process left half written.
    return existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => form.test(name))
          .sort()
      : [];
  }

  #read<T>(kind: 'files' | 'books', name: string, parse: (bytes: Buffer) => T): T {
    const path = join(this.#folder, kind, name);
    try {
      return parse(readFileSync(path));
    } catch (cause) {
      throw damaged(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }

  #write(kind: 'files' | 'books', name: string, bytes: Uint8Array): void {
    writeDurably(join(this.#folder, kind, name), bytes);
  }
}

function textOf({ banks, accounts }: OpeningBook): string {
  const lines = accounts.map(({ balance, ...one }) => ({
    ...one,
    currency: balance.currency,
    balance: formatAmount(balance),
  }));
  return `${JSON.stringify({ banks, accounts: lines }, undefined, 1)}\n`;
}

function digits(number: number, length: number): string {
  return String(number).padStart(length, '0');
}

function damaged(why: string, cause?: unknown): PaymentsError {
  return new PaymentsError(
    'PAYMENTS_ARCHIVE_DAMAGED',
    `the files that were given before cannot be read: ${why}`,
    cause,
  );
}
