/**
 * An export of the audit: lines of JSON. The first says which chains there are; each chain is its anchor, its entries
 * in order, and where it ends. Owns how the lines are made from a running node, and how they are verified, wherever they
 * come from.
 */
import { z } from 'zod';
import { WeirError } from '../errors/index.ts';
import type { AuditRecord, ChainPoint } from '../persistence/index.ts';
import type { NodeClient } from './node-client.ts';

const point = z.object({ number: z.number(), hash: z.string() });
const value = z.object({ hash: z.string(), size: z.number(), bytes: z.string().optional() });
const kinds = ['operator', 'client', 'member', 'system'] as const;

export const entryAnswer = z.looseObject({
  chain: z.number(),
  number: z.number(),
  at: z.string(),
  act: z.string(),
  subject: z.string(),
  flowId: z.string(),
  flow: z.string(),
  version: z.number(),
  member: z.object({ name: z.string(), group: z.string() }),
  clientRequestId: z.string(),
  principal: z.string(),
  principalKind: z.enum(kinds),
  reason: z.string(),
  code: z.string(),
  before: value.optional(),
  after: value.optional(),
  previous: z.string(),
  hash: z.string(),
});
export type EntryAnswer = z.output<typeof entryAnswer>;

export const auditAnswer = z.looseObject({ entries: z.array(entryAnswer), cursor: z.string().optional() });
const chainsAnswer = z.looseObject({
  chains: z.array(z.looseObject({ chain: z.number(), anchor: point, head: point.optional() })),
});

const headLine = z.strictObject({ audit: z.literal(1), chains: z.array(z.number()) });
const anchorLine = z.strictObject({ chain: z.number(), anchor: point });
const endLine = z.strictObject({ chain: z.number(), end: point });

const entriesAtOnce = 1_000;

/** The lines of everything that a node has in its audit. */
export async function* linesOf(node: NodeClient): AsyncGenerator<unknown> {
  const { chains } = await node.get(chainsAnswer, '/audit/chains');
  yield { audit: 1, chains: chains.map(({ chain }) => chain) };
  for (const { chain, anchor, head } of chains) {
    yield { chain, anchor };
    let last = anchor;
    let cursor: string | undefined;
    do {
      const page = await node.get(auditAnswer, `/audit/chains/${chain}`, { limit: entriesAtOnce, cursor });
      for (const entry of page.entries) {
        yield entry;
        last = { number: entry.number, hash: entry.hash };
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    // What its shard had written when it was asked must be there; a chain whose end was cut off is whole otherwise.
    yield { chain, end: head !== undefined && head.number > last.number ? head : last };
  }
}

export interface VerifiedChain {
  readonly chain: number;
  readonly from: number;
  readonly to: number;
  readonly entries: number;
}

/** The first thing that is wrong; `entry` is where. */
export interface Flaw {
  readonly chain: number | undefined;
  readonly entry: number | undefined;
  readonly why: string;
}

export interface Verdict {
  readonly chains: readonly VerifiedChain[];
  readonly flaw: Flaw | undefined;
}

/** Computes every chain again; stops at the first thing that is wrong. */
export async function verify(lines: AsyncIterable<unknown>): Promise<Verdict> {
  // The other commands do without the codecs of records, and are quick for it.
  const { ChainCheck } = await import('../persistence/index.ts');
  const verified: VerifiedChain[] = [];
  let expected: readonly number[] | undefined;
  let open:
    | { readonly chain: number; readonly from: number; readonly check: InstanceType<typeof ChainCheck> }
    | undefined;
  const flawed = (why: string, entry?: number, chain = open?.chain): Verdict => ({
    chains: verified,
    flaw: { chain, entry, why },
  });
  for await (const line of lines) {
    const head = headLine.safeParse(line).data;
    const anchor = anchorLine.safeParse(line).data;
    const end = endLine.safeParse(line).data;
    const entry = entryAnswer.safeParse(line).data;
    if (head !== undefined && expected === undefined) {
      expected = head.chains;
    } else if (expected === undefined) {
      return flawed('it does not begin as an export of the audit does');
    } else if (anchor !== undefined && open === undefined) {
      const { chain } = anchor;
      const wanted = expected[verified.length];
      if (chain !== wanted) return flawed('the chain is missing', undefined, wanted);
      open = { chain, from: anchor.anchor.number, check: new ChainCheck(chain, pointOf(anchor.anchor)) };
    } else if (entry !== undefined && open !== undefined && entry.chain === open.chain) {
      const wrong = open.check.next(recordOf(entry));
      if (wrong !== undefined) return flawed(wrong, entry.number);
    } else if (end !== undefined && open !== undefined && end.chain === open.chain) {
      const { chain, from, check } = open;
      const { number, hash } = check.last;
      const wanted = end.end.number;
      if (number < wanted) return flawed(`entries ${number + 1} to ${wanted} are missing at its end`, number + 1);
      if (Buffer.from(hash).toString('hex') !== end.end.hash) return flawed('it is not the end of its chain', wanted);
      verified.push({ chain, from: from + 1, to: number, entries: number - from });
      open = undefined;
    } else {
      return flawed('a line does not belong where it stands, or is no line of an export');
    }
  }
  if (open !== undefined) return flawed('the end of the chain is missing', open.check.last.number + 1);
  if (expected === undefined) return flawed('it is empty');
  const missing = expected[verified.length];
  if (missing !== undefined) return flawed('the chain is missing', undefined, missing);
  return { chains: verified, flaw: undefined };
}

/** Lines of JSON in text. @throws WeirError `WEIR_CLI_USAGE` for one that is no JSON */
export async function* parsedLines(text: AsyncIterable<string>): AsyncGenerator<unknown> {
  let number = 0;
  for await (const line of text) {
    number++;
    if (line === '') continue;
    try {
      yield JSON.parse(line);
    } catch (thrown) {
      throw new WeirError('WEIR_CLI_USAGE', { why: `line ${number} is not JSON`, help: 'weir audit --help' }, thrown);
    }
  }
}

function recordOf({ chain: _, at, member, before, after, previous, hash, ...said }: EntryAnswer): AuditRecord {
  return {
    ...said,
    at: Date.parse(at),
    memberName: member.name,
    memberGroup: member.group,
    before: auditValueOf(before),
    after: auditValueOf(after),
    previous: bytesOf(previous),
    hash: bytesOf(hash),
  };
}

function auditValueOf(given: z.output<typeof value> | undefined): AuditRecord['before'] {
  if (given === undefined) return null;
  const { hash, size, bytes = '' } = given;
  return { hash: bytesOf(hash), size, value: new Uint8Array(Buffer.from(bytes, 'base64')) };
}

function pointOf({ number, hash }: z.output<typeof point>): ChainPoint {
  return { number, hash: bytesOf(hash), at: 0 };
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
