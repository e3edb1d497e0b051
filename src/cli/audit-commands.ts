/** `weir audit ...`: shows who did what to which flow, and verifies that nothing of it was changed. */
import { createWriteStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { messageOf, WeirError } from '../errors/index.ts';
import { auditAnswer, type EntryAnswer, linesOf, parsedLines, type Verdict, verify } from './audit-lines.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { memberText, shortened } from './flow-text.ts';
import { columns, printJson, timeText } from './output.ts';

interface ListFlags {
  readonly id?: string;
  readonly member?: string;
  readonly group?: string;
  readonly flow?: string;
  readonly principal?: string;
  readonly act?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly all?: true;
}

const help = 'weir audit --help';
const defaultLimit = 100;
const pageLimit = 1_000;

export function auditCommands(program: Command, { terminal, stdin, client, json, done }: CommandContext): void {
  const audit = program.command('audit').description('who did what to which flow; list, export and verify it');

  audit
    .command('list')
    .description('list acts, newest first')
    .option('--id <flow id>', 'only those on this flow')
    .option('--member <name>', 'only those on flows of this member')
    .option('--group <name>', 'membership group of the member (default: "default")')
    .option('--flow <name>', 'only those on flows of this kind')
    .option('--principal <name>', 'only those of this principal')
    .option('--act <act>', 'only those of this kind: start, retry, "retry with another state", skip, kill, end')
    .option('--since <time>', 'only from this time on, or from so long ago on: 2026-11-23T08:00:00Z, 2h')
    .option('--until <time>', 'only before this time, or before so long ago')
    .option('--limit <count>', 'how many (default: 100)')
    .option('--all', 'every one')
    .action(async ({ id: flowId, limit, all, ...flags }: ListFlags) => {
      const most = all ? Number.POSITIVE_INFINITY : limitOf(limit);
      const entries: EntryAnswer[] = [];
      let cursor: string | undefined;
      do {
        const atOnce = Math.min(pageLimit, most - entries.length);
        const page = await client().get(auditAnswer, '/audit', { ...flags, flowId, limit: atOnce, cursor });
        entries.push(...page.entries);
        cursor = page.cursor;
      } while (cursor !== undefined && entries.length < most);
      if (json()) return printJson(terminal, { entries, ...(cursor === undefined ? {} : { cursor }) });
      terminal.out(auditTable(entries));
      if (cursor !== undefined) terminal.out('There are more: add --all, or raise --limit.\n');
    });

  audit
    .command('export')
    .description('write the whole audit as lines of JSON, which can be verified anywhere')
    .argument('<file>', 'file to write, or - for standard output')
    .action(async (file: string) => {
      if (file === '-') {
        for await (const line of linesOf(client())) terminal.out(`${JSON.stringify(line)}\n`);
        return;
      }
      const entries = await writeExport(file, linesOf(client()));
      if (json()) return printJson(terminal, { file, entries });
      terminal.out(`${entries} entries written to ${file}\n`);
    });

  audit
    .command('verify')
    .description('compute every chain of the audit again, of a running node or of an export')
    .argument('[file]', 'an export, or - for standard input (default: the running node)')
    .action(async (file: string | undefined) => {
      const verdict = await verify(file === undefined ? linesOf(client()) : parsedLines(textOf(file, stdin)));
      if (json()) printJson(terminal, verdict);
      else terminal.out(verdictText(verdict));
      if (verdict.flaw !== undefined) done(exitCodes.failed);
    });
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return defaultLimit;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new WeirError('WEIR_CLI_USAGE', { why: `"${text}" is not a limit`, help });
}

/** Under another name until it is whole: an export that broke off must not pass for one. */
async function writeExport(file: string, lines: AsyncIterable<unknown>): Promise<number> {
  const part = `${file}.part`;
  let entries = 0;
  async function* text(): AsyncGenerator<string> {
    for await (const line of lines) {
      if (typeof line === 'object' && line !== null && 'number' in line) entries++;
      yield `${JSON.stringify(line)}\n`;
    }
  }
  try {
    await pipeline(Readable.from(text()), createWriteStream(part, { flags: 'w', mode: 0o600 }));
    await rename(part, file);
    return entries;
  } catch (thrown) {
    await rm(part, { force: true });
    const failed = thrown instanceof Error && 'syscall' in thrown;
    throw failed
      ? new WeirError('WEIR_CLI_USAGE', { why: `${file} cannot be written: ${messageOf(thrown)}`, help }, thrown)
      : thrown;
  }
}

async function* textOf(file: string, stdin: NodeJS.ReadableStream): AsyncGenerator<string> {
  if (file === '-') {
    yield* createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY });
    return;
  }
  let handle: FileHandle;
  try {
    handle = await open(file);
  } catch (thrown) {
    throw new WeirError('WEIR_CLI_USAGE', { why: `${file} cannot be read: ${messageOf(thrown)}`, help }, thrown);
  }
  yield* handle.readLines();
}

function auditTable(entries: readonly EntryAnswer[]): string {
  if (entries.length === 0) return 'No entries.\n';
  return columns(
    ['WHEN (UTC)', 'ACT', 'FLOW ID', 'FLOW', 'MEMBER', 'BY', 'WHY'],
    entries.map(({ at, act, subject, flowId, flow, member, principal, reason, code }) => [
      timeText(at),
      subject === '' ? act : `${act}: ${subject}`,
      flowId,
      flow,
      memberText(member),
      principal,
      shortened([code, reason].filter((part) => part !== '').join(': ')),
    ]),
  );
}

function verdictText({ chains, flaw }: Verdict): string {
  const entries = chains.reduce((sum, chain) => sum + chain.entries, 0);
  const whole = `${chains.length} chains with ${entries} entries are whole\n`;
  if (flaw === undefined) return whole;
  const { chain, entry, why } = flaw;
  const place = [chain === undefined ? '' : `chain ${chain}`, entry === undefined ? '' : `entry ${entry}`];
  return `${place.filter((part) => part !== '').join(', ') || 'the export'}: ${why}\n${whole}`;
}
