/** Inputs of flows as the command line takes them: JSON, `@file`, or `-` for standard input. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { messageOf, WeirError } from '../errors/index.ts';

const help = 'weir flow start --help';

/** @throws WeirError `WEIR_CLI_USAGE` */
export async function readInput(given: string, stdin: NodeJS.ReadableStream): Promise<unknown> {
  const source = await readSource(given, stdin);
  try {
    return JSON.parse(source);
  } catch (thrown) {
    throw new WeirError('WEIR_CLI_USAGE', { why: `the input is not JSON: ${messageOf(thrown)}`, help }, thrown);
  }
}

async function readSource(given: string, stdin: NodeJS.ReadableStream): Promise<string> {
  if (given === '-') return text(stdin);
  if (!given.startsWith('@')) return given;
  try {
    return await readFile(given.slice(1), 'utf8');
  } catch (thrown) {
    throw new WeirError('WEIR_CLI_USAGE', { why: `the input cannot be read: ${messageOf(thrown)}`, help }, thrown);
  }
}
