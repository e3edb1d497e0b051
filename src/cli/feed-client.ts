/**
 * Follows the feed of a node over WebSocket, and goes on where it was when the connection is lost: the node, or another
 * worker behind the address, may be away for as long as it takes.
 */
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { WeirError } from '../errors/index.ts';
import { Refusal } from './failure.ts';
import { addressOf, type FlowAnswer, flowAnswer, parsedJson, problem, whyUnreachable } from './node-client.ts';

export interface Subscription {
  readonly flowId?: string | undefined;
  readonly clientRequestId?: string | undefined;
  readonly member?: string | undefined;
  readonly group?: string | undefined;
  readonly status?: string | undefined;
  readonly flow?: string | undefined;
  /** `now`, or nothing: then all flows are told first. */
  readonly from?: string | undefined;
}

export interface FeedListener {
  readonly onFlows: (flows: readonly FlowAnswer[]) => void;
  /** Something happened to the feed itself, in words. */
  readonly onNote: (text: string) => void;
}

/** How a connection has ended; `problem` when the node said why. */
interface Ending {
  readonly opened: boolean;
  readonly code: number;
  readonly why: string;
  readonly problem: z.output<typeof problem> | undefined;
}

const message = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('flows'), flows: z.array(flowAnswer), position: z.string() }),
  z.looseObject({ type: z.literal('current'), position: z.string() }),
  z.looseObject({ type: z.literal('reset'), why: z.string(), position: z.string() }),
  z.looseObject({ type: z.literal('refused'), problem }),
]);

/** The flow of a feed of one flow has ended. */
const endedCode = 1_000;
/** A node says something, or asks whether somebody is there, every 30 s. */
const silentMs = 90_000;
const firstPauseMs = 200;
const longestPauseMs = 5_000;

/**
 * Resolves when the one flow of the feed has ended, or `signal` says so.
 * @throws Refusal when the node refuses; WeirError `WEIR_NODE_UNREACHABLE` when it cannot be reached at first
 */
export async function followFeed(
  url: string,
  subscription: Subscription,
  { onFlows, onNote }: FeedListener,
  signal: AbortSignal,
): Promise<void> {
  let { from } = subscription;
  let reached = false;
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    const ending = await connection(url, { ...subscription, from }, signal, (heard) => {
      if (heard.type === 'refused') return;
      pauseMs = firstPauseMs;
      if (heard.type === 'flows') onFlows(heard.flows);
      if (heard.type === 'reset') onNote(`${heard.why}: all flows as they are follow`);
      from = heard.position;
    });
    if (signal.aborted || (ending.opened && ending.code === endedCode)) return;
    const refusal = ending.problem === undefined ? undefined : new Refusal(ending.problem);
    if (refusal !== undefined && !(reached && refusal.retryable)) throw refusal;
    if (!reached && !ending.opened) throw new WeirError('WEIR_NODE_UNREACHABLE', { url, why: ending.why });
    // Told once for each time that it is lost.
    if (pauseMs === firstPauseMs) onNote(`the connection is lost (${ending.why}); trying again`);
    reached = true;
    await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** One connection, to its end. */
async function connection(
  url: string,
  subscription: Subscription,
  signal: AbortSignal,
  onMessage: (heard: z.output<typeof message>) => void,
): Promise<Ending> {
  const target = addressOf(url, '/feed');
  target.protocol = target.protocol.replace('http', 'ws');
  // Only whoever follows a feed pays for loading it.
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(target);
  const leave = (): void => socket.close();
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await endOf(socket, subscription, onMessage);
  } finally {
    signal.removeEventListener('abort', leave);
    socket.terminate();
  }
}

function endOf(
  socket: WebSocket,
  subscription: Subscription,
  onMessage: (heard: z.output<typeof message>) => void,
): Promise<Ending> {
  return new Promise((resolve) => {
    let opened = false;
    let told: z.output<typeof problem> | undefined;
    let why: string | undefined;
    const silence = setTimeout(() => {
      why = 'the node says nothing any more';
      socket.terminate();
    }, silentMs);
    socket.on('open', () => {
      opened = true;
      socket.send(JSON.stringify({ type: 'subscribe', ...subscription }));
    });
    socket.on('ping', () => silence.refresh());
    socket.on('message', (data) => {
      silence.refresh();
      const heard = message.safeParse(parsedJson(data.toString()));
      // Words of a newer node are not for this version.
      if (!heard.success) return;
      if (heard.data.type === 'refused') told = heard.data.problem;
      onMessage(heard.data);
    });
    socket.on('unexpected-response', (_request, response) => {
      void problemIn(response).then((found) => {
        told = found;
        why ??= `what listens there is no Weir node of this version (HTTP ${response.statusCode})`;
        socket.terminate();
      });
    });
    socket.on('error', (thrown) => {
      why ??= whyUnreachable(thrown);
    });
    socket.on('close', (code, reason) => {
      clearTimeout(silence);
      why ??= reason.toString() || `code ${code}`;
      resolve({ opened, code, why, problem: told });
    });
  });
}

async function problemIn(response: IncomingMessage): Promise<z.output<typeof problem> | undefined> {
  let text = '';
  try {
    for await (const chunk of response) text += String(chunk);
  } catch {
    // It was cut off in the middle: whoever asks says that it is no answer of a node.
    return undefined;
  }
  return problem.safeParse(parsedJson(text)).data;
}
