/**
 * The payments example's command: `npm start -- [FILES...]`. Owns the options, what a wrong one is answered with, the
 * signals and the exit code: 0 all is well, 1 the books do not balance or a payment has no outcome, 2 a file or an
 * option was wrong, 130 or 143 stopped by a signal before the end.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Node, WeirError } from 'weir';
import { adviceFor } from './advice.ts';
import { Archive, type GivenFile, givenFile } from './archive.ts';
import { PaymentsError } from './errors.ts';
import { problemOf, type RunEvents } from './events.ts';
import { jsonEvents } from './json-events.ts';
import { startMarket } from './market.ts';
import { parseDecimal } from './money.ts';
import { accountKey, type OpeningBook, openAtFirstSight, readOpeningBook } from './opening-book.ts';
import { run } from './run.ts';
import { textEvents } from './text-events.ts';

interface Options {
  readonly data: string;
  readonly reports?: string;
  readonly accounts?: string;
  readonly openAccounts?: string;
  readonly port?: number;
  readonly serve: boolean;
  readonly allowChaos?: true;
  readonly json?: true;
}

const shipped = new URL('files/', import.meta.url);
const defaultPort = 7_447;
const exits = { ok: 0, unbalanced: 1, input: 2, SIGINT: 130, SIGTERM: 143 } as const;
/** Since the process began. */
const clock = (): number => performance.now();

async function main(paths: readonly string[], options: Options): Promise<number> {
  const data = resolve(options.data);
  const reportsFolder = resolve(options.reports ?? join(data, 'reports'));
  const out = process.stdout;
  const events = options.json ? jsonEvents() : textEvents({ out, clock, advice: (url) => adviceFor(url, files) });
  const stop = stopOnSignal();
  let wrong = 0;
  const report = (error: unknown, where: string): void => {
    wrong++;
    if (error instanceof PaymentsError) events.problem(problemOf(error, where));
    else if (WeirError.is(error)) events.problem({ code: error.code, message: error.message, remedy: error.remedy });
    else throw error;
  };

  const files = readFiles(paths, report);
  if (files.length === 0) return exits.input;
  let node: Node;
  let archive: Archive;
  let book: OpeningBook;
  let url: string | undefined;
  const accounts = options.accounts ?? new URL('accounts.json', shipped).pathname;
  let where = data;
  try {
    archive = new Archive(data);
    where = accounts;
    book = bookFor(files, archive, accounts, options.openAccounts);
    where = data;
    ({ node, url } = await startServing({ data: join(data, 'node'), book, options, events }));
  } catch (error) {
    report(knownError(error), where);
    return exits.input;
  }
  const failed = new Promise<never>((_resolve, reject) => node.onFailure(reject));
  failed.catch(() => undefined);
  try {
    // The node's lock makes the directory ours only now.
    if (!archive.isCurrent()) throw new PaymentsError('PAYMENTS_DATA_CHANGED', 'another process added files just now');
    const setup = { node, archive, files, book, reportsFolder, events, clock, signal: stop };
    const summary = await Promise.race([run({ ...setup, createdAt: new Date().toISOString() }), failed]);
    if (summary === undefined) return stop.reason === 'SIGTERM' ? exits.SIGTERM : exits.SIGINT;
    events.summary(summary);
    if (options.serve && !stop.aborted) {
      events.serving(url);
      await Promise.race([aborted(stop), failed]);
    }
    if (!summary.balanced || summary.open.length > 0) return exits.unbalanced;
    return wrong > 0 ? exits.input : exits.ok;
  } catch (error) {
    report(error, data);
    return exits.unbalanced;
  } finally {
    await node.stop();
    events.stopped();
  }
}

/** The files that can be read; of each other one is said what is wrong with it. */
function readFiles(paths: readonly string[], report: (error: unknown, where: string) => void): GivenFile[] {
  const chosen = paths.length > 0 ? paths : shippedFiles();
  return chosen.flatMap((path) => {
    try {
      return [givenFile(basename(path), bytesOf(path))];
    } catch (error) {
      report(error, path);
      return [];
    }
  });
}

function shippedFiles(): string[] {
  return readdirSync(shipped)
    .filter((name) => name.endsWith('.xml'))
    .sort()
    .map((name) => new URL(name, shipped).pathname);
}

/** @throws PaymentsError `PAYMENTS_FILE_UNREADABLE` */
function bytesOf(path: string): Buffer {
  try {
    if (!statSync(path).isFile()) throw new Error('it is not a file');
    return readFileSync(path);
  } catch (cause) {
    const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
    const why = code === 'ENOENT' ? 'there is no such file' : cause instanceof Error ? cause.message : String(cause);
    throw new PaymentsError('PAYMENTS_FILE_UNREADABLE', why, cause);
  }
}

/** What is in the book already, and what the options add to it. @throws PaymentsError */
function bookFor(files: readonly GivenFile[], archive: Archive, path: string, amount: string | undefined): OpeningBook {
  const given = readOpeningBook(bytesOf(path).toString('utf8'));
  const { book, banksSince, accountsSince } = archive.grown;
  const known = {
    banks: [...book.banks, ...given.banks.filter(({ id }) => !banksSince.has(id))],
    accounts: [
      ...book.accounts,
      ...given.accounts.filter((one) => !accountsSince.has(accountKey(one.bank, one.account))),
    ],
  };
  if (amount === undefined) return known;
  return openAtFirstSight(
    known,
    files.flatMap(({ messages }) => messages),
    amount,
  );
}

/** The operating system's errors about the data directory, in the form of all others. */
function knownError(error: unknown): unknown {
  const isSystem = error instanceof Error && 'errno' in error;
  return isSystem ? new PaymentsError('PAYMENTS_DATA_UNUSABLE', error.message, error) : error;
}

interface ServingSetup {
  readonly data: string;
  readonly book: OpeningBook;
  readonly options: Options;
  readonly events: RunEvents;
}

/** A port that was asked for must be had; the default one may be another. */
async function startServing({
  data,
  book,
  options,
  events,
}: ServingSetup): Promise<{ node: Node; url: string | undefined }> {
  const { port, serve, allowChaos: chaos = false } = options;
  const settings = { book, data, chaos };
  if (!serve) {
    const node = await startMarket(settings);
    events.nodeStarted({ data, url: undefined });
    return { node, url: undefined };
  }
  try {
    const node = await startMarket({ ...settings, port: port ?? defaultPort });
    events.nodeStarted({ data, url: node.url });
    return { node, url: node.url };
  } catch (error) {
    if (port !== undefined || !WeirError.is(error, 'WEIR_HTTP_PORT_IN_USE')) throw error;
    const node = await startMarket({ ...settings, port: 0 });
    const note = `Port ${defaultPort} is in use, so another one was taken; --port chooses one`;
    events.nodeStarted({ data, url: node.url, note });
    return { node, url: node.url };
  }
}

/** The first signal asks for an orderly stop; a second one ends the process as it is, which loses nothing either. */
function stopOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(name));
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It must be a whole number up to 65535.');
  return port;
}

function amountText(text: string): string {
  const amount = parseDecimal(text);
  if (amount === undefined || amount.units < 0n) throw new InvalidArgumentError('It must be an amount such as 1000.');
  return text;
}

const program = new Command('payments')
  .description('Pays the credit transfers of ISO 20022 pacs.008 files between banks, each exactly once.')
  .argument('[FILES...]', 'pacs.008 files of any version; the shipped ones if there is none')
  .option('--data <DIR>', 'data directory', '.weir/payments')
  .option('--reports <DIR>', 'where the pacs.002 reports go; default: reports in the data directory')
  .option('--accounts <FILE>', 'banks and accounts with opening balances; default: those of the shipped files')
  .option('--open-accounts <AMOUNT>', 'open unknown banks and accounts at first sight, with this amount', amountText)
  .option('--port <N>', `port for HTTP on 127.0.0.1; default ${defaultPort}, or a free one`, portOf)
  .option('--no-serve', 'end when the payments are through; no HTTP')
  .option('--allow-chaos', 'let failures be injected by name: npm run weir -- chaos --help')
  .option('--json', 'one JSON object a line, for programs')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exits.ok : exits.input));

program.parse();
process.exitCode = await main(program.args, program.opts<Options>());
