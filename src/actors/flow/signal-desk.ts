/** Takes signals in and answers queries: what somebody outside says to a running flow, and asks of it. */

import { hash } from 'node:crypto';
import { messageOf, WeirError } from '../../errors/index.ts';
import { decodeValue, encodeValue } from '../../persistence/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import { type FlowActs, hashOnly } from './acts.ts';
import type { FlowEngine } from './engine.ts';
import { bodyHash } from './ids.ts';
import { type FlowInstance, signalKey } from './instance.ts';
import { maxValueBytes } from './limits.ts';
import { signalSession } from './notices.ts';
import type { FlowRequest, Signalled } from './protocol.ts';
import { reportsOf } from './signal.ts';
import { versionOf } from './versions.ts';

/** Signals that may wait to be read. */
const maxUnread = 1_000;
/** Signals that one flow may be given in its life: each is known until it ends. */
const maxSignals = 10_000;

const encoder = new TextEncoder();

export interface SignalDeskSetup {
  readonly host: ShardHost;
  readonly engine: FlowEngine;
  readonly acts: FlowActs;
}

/**
 * Gives a flow a signal.
 * @throws WeirError `WEIR_SIGNAL_UNKNOWN`, `WEIR_SIGNAL_CONFLICT`, `WEIR_SIGNALS_FULL`, `WEIR_FLOW_TOO_LARGE`; nothing is
 *   changed then
 */
export function takeSignal(
  { host, engine, acts }: SignalDeskSetup,
  flow: FlowInstance,
  { signal, signalId, body, authority }: Extract<FlowRequest, { type: 'signal' }>,
  changes: ChangeSet,
): Signalled {
  const { head } = flow;
  const limit = maxValueBytes(host);
  if (body.length > limit) {
    const context = { what: `signal "${signal}"`, flow: head.flow, bytes: body.length, limit };
    throw new WeirError('WEIR_FLOW_TOO_LARGE', context);
  }
  const id = hash('sha256', signalId, 'hex').slice(0, 32);
  const print = `${signal}:${bodyHash(body)}`;
  const known = flow.signals?.get(id);
  if (known === print) return { accepted: false };
  if (known !== undefined) throw new WeirError('WEIR_SIGNAL_CONFLICT', { signalId, flowId: flow.id });
  const unread = flow.unread.reduce((count, { session }) => count + (session === signalSession ? 1 : 0), 0);
  const given = flow.signals?.size ?? 0;
  if (unread >= maxUnread || given >= maxSignals) {
    const why = unread >= maxUnread ? `${unread} wait to be read` : `it was given ${given} in its life`;
    throw new WeirError('WEIR_SIGNALS_FULL', { flowId: flow.id, why });
  }
  changes.put(signalKey(flow.id, id), encoder.encode(print));
  flow.knows(id, print);
  flow.unread.push({
    place: head.nextInbox++,
    session: signalSession,
    number: given + 1,
    type: signal,
    body,
    stored: false,
  });
  flow.dirty = true;
  acts.done(flow, 'signal', authority, changes, { subject: signal, after: hashOnly(body) });
  engine.absorb(flow, changes);
  return { accepted: true };
}

/**
 * Answers a query from where the flow is; its code does not run.
 * @throws WeirError `WEIR_QUERY_UNKNOWN`, `WEIR_QUERY_FAILED`, `WEIR_FLOW_CODE_MISSING`
 */
export function answerQuery(flow: FlowInstance, query: string, input: Uint8Array): Uint8Array {
  const { head } = flow;
  const { flow: name, version, stage } = head;
  const definition = versionOf(flow.definition, version);
  if (definition === undefined) throw new WeirError('WEIR_FLOW_CODE_MISSING', { flow: name, version, stage });
  const answer = Object.hasOwn(definition.queries, query) ? definition.queries[query] : undefined;
  if (answer === undefined) throw new WeirError('WEIR_QUERY_UNKNOWN', { query, flow: name });
  try {
    const place = { stage, state: decodeValue(head.state), progress: reportsOf(head) };
    const value: unknown = answer(place, input.length === 0 ? undefined : decodeValue(input));
    if (value instanceof Promise) throw new TypeError('it is asynchronous; a query answers from state alone');
    return encodeValue(value, `the answer to query ${query}`);
  } catch (thrown) {
    throw new WeirError('WEIR_QUERY_FAILED', { query, flow: name, why: messageOf(thrown) }, thrown);
  }
}
