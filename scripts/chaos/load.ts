/**
 * Clients that pay over HTTP, and never give up: each payment is asked for again, under its id, until its outcome is
 * known. Owns what clients were told: what was accepted, which outcome each heard, and how long nobody heard anything.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { generateMessage } from '../../examples/payments/generate.ts';
import { readCreditTransfers, type Transaction } from '../../examples/payments/iso20022/index.ts';
import { book } from './market.ts';

export interface Told {
  /** Payments that clients have begun to ask for. */
  readonly given: readonly Transaction[];
  /** Ids of payments that the node has answered for. */
  readonly accepted: ReadonlySet<string>;
  /** What clients heard of each payment: `settled`, or the code of its refusal. */
  readonly outcomes: ReadonlyMap<string, string>;
  /** Payments that were accepted, and that a node which answers knows nothing of. */
  readonly lost: readonly string[];
  /** Sentences that contradict each other: an id that is two flows, an outcome that changed. */
  readonly contradictions: readonly string[];
  /** The longest time in which no client was told anything new, in milliseconds. */
  readonly longestStallMs: number;
  /** Requests that found no node, or were refused or cut off, and were made again. */
  readonly retries: number;
  /** What they met, and how often. */
  readonly causes: ReadonlyMap<string, number>;
}

export interface Load extends Told {
  /** Gives no further payment; resolves when each that was given has an outcome. */
  finish(signal: AbortSignal): Promise<void>;
}

export interface LoadSetup {
  /** Where workers listen at this moment; clients spread over them. */
  readonly urls: () => readonly string[];
  readonly seed: number;
  /** Payments under way at one time. */
  readonly clients: number;
  /** Whether each request goes to a worker that says that it is ready, as by a load balancer. Default: to any. */
  readonly balanced?: boolean | undefined;
}

const batch = 200;
const waitText = '5s';
const requestMs = 8_000;
/** Of a client whose load balancer leaves out those that cannot answer: nothing has to be given up. */
const balancedMs = 60_000;
const retryMs = 50;
/** A worker that has just started may not know of every flow yet; when all say so for so long, it is lost. */
const lostAfterMs = 30_000;

// Not `created`: a start that is asked for again while its shard is elsewhere is told true, too.
const started = z.looseObject({ flowId: z.string() });
const ended = z.looseObject({
  status: z.string(),
  error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
  result: z.looseObject({ outcome: z.looseObject({ type: z.string(), code: z.string().optional() }) }).optional(),
});

export function startLoad({ urls, seed, clients, balanced = false }: LoadSetup): Load {
  const given: Transaction[] = [];
  const accepted = new Set<string>();
  const flowIds = new Map<string, string>();
  const outcomes = new Map<string, string>();
  const contradictions: string[] = [];
  const lost: string[] = [];
  const causes = new Map<string, number>();
  let retries = 0;
  let longestStallMs = 0;
  let lastNews = performance.now();
  let open = true;
  let aborted = false;
  const payments = paymentsFrom(seed);
  const withinMs = balanced ? balancedMs : requestMs;

  const news = (): void => {
    const now = performance.now();
    longestStallMs = Math.max(longestStallMs, now - lastNews);
    lastNews = now;
  };

  /** The next one in turn; with a load balancer, the next one that is ready. */
  const workerFor = async (turn: number): Promise<string | undefined> => {
    const all = urls();
    const inTurn = all.map((_, index) => all[(turn + index) % all.length]);
    if (!balanced) return inTurn[0];
    for (const url of inTurn) if (await isReady(url)) return url;
    return undefined;
  };

  const pay = async (transaction: Transaction, client: number): Promise<void> => {
    if (transaction.type !== 'transfer') return;
    const { transfer } = transaction;
    const { clientRequestId: id } = transfer;
    const member = encodeURIComponent(transfer.debtor.bank.id);
    const body = JSON.stringify({ clientRequestId: id, flow: 'pay', input: transfer }, decimal);
    // What was accepted is not asked for a second time: that would start again what was lost, and hide it.
    let flowId: string | undefined;
    let notFoundSince: number | undefined;
    for (let attempt = 0; !aborted; attempt++) {
      try {
        const url = await workerFor(client + attempt);
        if (url === undefined) throw new Error('no worker listens');
        if (flowId === undefined) {
          const start = await ask(started, `${url}/api/v1/members/${member}/flows`, { withinMs, body });
          const before = flowIds.get(id) ?? start.flowId;
          if (before !== start.flowId) contradictions.push(`${id} is flow ${before}, then ${start.flowId}`);
          flowIds.set(id, start.flowId);
          if (!accepted.has(id)) news();
          accepted.add(id);
          flowId = start.flowId;
        }
        const view = await ask(ended, `${url}/api/v1/flows/${flowId}/result?wait=${waitText}`, { withinMs });
        notFoundSince = undefined;
        if (view.status === 'RUNNING') continue;
        const outcome = view.result?.outcome;
        const heard = outcome === undefined ? `${view.status} ${view.error?.message}` : (outcome.code ?? outcome.type);
        news();
        outcomes.set(id, heard);
        return;
      } catch (error) {
        if (error instanceof NotFound) notFoundSince ??= performance.now();
        if (notFoundSince !== undefined && performance.now() - notFoundSince > lostAfterMs) {
          lost.push(id);
          outcomes.set(id, 'lost');
          return;
        }
        // It has not been asked at all: a load balancer takes the next one, and no client hears of it.
        if (balanced && isRefused(error)) continue;
        // No node, a node that refuses, or an answer that was cut off: a client asks again, and nothing may come of it twice.
        retries += 1;
        const cause = causeOf(error);
        causes.set(cause, (causes.get(cause) ?? 0) + 1);
        await pause(retryMs);
      }
    }
  };

  const run = async (client: number): Promise<void> => {
    while (open) {
      const transaction = payments.next();
      given.push(transaction);
      await pay(transaction, client);
      if (transaction.type === 'transfer') await askAgain(transaction.transfer.clientRequestId);
    }
  };

  /** Now and then a client asks for what it knows: the answer must be the same as before. */
  const askAgain = async (id: string): Promise<void> => {
    if (outcomes.size % 20 !== 0) return;
    const found = given.find((one) => one.type === 'transfer' && one.transfer.clientRequestId === id);
    const before = outcomes.get(id);
    if (found === undefined || before === undefined) return;
    await pay(found, 0);
    const after = outcomes.get(id);
    if (after !== before) contradictions.push(`${id} was ${before}, then ${after}`);
  };

  const all = Promise.all(Array.from({ length: clients }, (_, client) => run(client)));
  return {
    given,
    accepted,
    outcomes,
    lost,
    contradictions,
    causes,
    get longestStallMs() {
      return longestStallMs;
    },
    get retries() {
      return retries;
    },
    async finish(signal) {
      open = false;
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await all;
    },
  };
}

/** Generated payments without end, the same for a seed. */
function paymentsFrom(seed: number): { next(): Transaction } {
  let waiting: Transaction[] = [];
  let batches = 0;
  return {
    next() {
      while (waiting.length === 0) {
        batches += 1;
        const xml = generateMessage({ book, transactions: batch, seed: seed * 10_000 + batches });
        waiting = readCreditTransfers(xml)
          .messages.flatMap(({ transactions }) => transactions)
          // What its file refuses is never asked for.
          .filter(({ type }) => type === 'transfer');
      }
      const first = waiting.shift();
      if (first === undefined) throw new Error('a generated message has payments');
      return first;
    },
  };
}

class NotFound extends Error {}

interface AskOptions {
  readonly withinMs: number;
  readonly body?: string;
}

async function ask<T extends z.ZodType>(schema: T, url: string, { withinMs, body }: AskOptions): Promise<z.output<T>> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(withinMs),
    ...(body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
  });
  const answer: unknown = await response.json();
  if (response.status === 404) throw new NotFound(JSON.stringify(answer));
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return schema.parse(answer);
}

/** `fetch` says only that it failed; why is its cause. */
function causeOf(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : {};
  return cause instanceof Error ? cause.message : String(cause);
}

/** Nobody listens there (any more). */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

async function isReady(url: string | undefined): Promise<boolean> {
  return fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(requestMs) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Amounts as text: JSON numbers are not exact. */
function decimal(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
