/** What a worker asks of a shard that runs on another one, in bytes: the request travels through the log of the shard. */
import { z } from 'zod';
import { WeirError } from '../../errors/index.ts';
import { bytes, choice, count, decodeValue, encodeValue, recordCodec, small, text } from '../../persistence/index.ts';
import type { Authority, Principal } from '../../ports/index.ts';
import type { Correction } from './correction.ts';
import { actorAddress, routingKeyOf } from './ids.ts';
import type { Asked, FlowRequest, NodeAct, ReplyTo } from './request.ts';

/** What may be asked from another worker: starts go their own way, and the rest is about the shard's own worker. */
export type RemoteRequest = Exclude<FlowRequest, { readonly type: 'start' | 'waiting' | 'auditHead' }>;

/** How a request is known, and where its answer goes. */
export interface AskAddress {
  readonly id: Asked['id'];
  /** Partition of `flow.answers` that whoever asked reads. */
  readonly answers: number;
  readonly expires: Asked['expires'];
}

export interface LoggedAsk extends AskAddress, Asked {
  /** Whether it changes anything: such a request must be handled once. */
  readonly isAct: boolean;
  /** The request as its shard handles it. */
  readonly request: (replyTo: ReplyTo<unknown>) => RemoteRequest;
}

type Kind =
  | 'retry'
  | 'edit'
  | 'skip'
  | 'kill'
  | 'killStuck'
  | 'cancel'
  | 'signal'
  | 'query'
  | 'describe'
  | 'checkpoint'
  | 'ask'
  | 'note';

interface AskRecord extends AskAddress {
  readonly kind: Kind;
  readonly flowId: string;
  /** Of the signal, the query or the actor. */
  readonly name: string;
  /** Id of the signal, or key of the actor. */
  readonly key: string;
  /** The message to the actor. */
  readonly message: string;
  readonly body: Uint8Array;
  readonly memberName: string;
  readonly memberGroup: string;
  readonly principal: string;
  readonly principalKind: Principal['kind'];
  readonly reason: string;
}

const askRecord = recordCodec<AskRecord>(
  {
    type: 'record',
    name: 'Ask',
    namespace: 'weir.events',
    fields: [
      text('id'),
      small('answers'),
      count('expires'),
      choice('kind', 'AskKind', [
        ...[
          'retry',
          'edit',
          'skip',
          'kill',
          'killStuck',
          'cancel',
          'signal',
          'query',
          'describe',
          'ask',
          'checkpoint',
          'note',
        ],
      ]),
      text('flowId'),
      text('name'),
      text('key'),
      text('message'),
      bytes('body'),
      text('memberName'),
      text('memberGroup'),
      text('principal'),
      choice('principalKind', 'AskPrincipalKind', ['operator', 'client', 'member', 'system']),
      text('reason'),
    ],
  },
  'request of another worker',
);

const noBytes = new Uint8Array();

/** @throws WeirError `WEIR_VALUE_UNSUPPORTED` for a correction that no record can hold */
export function encodeAsk(address: AskAddress, request: RemoteRequest): Uint8Array {
  const blank: Omit<AskRecord, keyof AskAddress | 'kind'> = {
    ...{ flowId: '', name: '', key: '', message: '', body: noBytes, memberName: '', memberGroup: '' },
    ...{ principal: '', principalKind: 'client', reason: '' },
  };
  return askRecord.encode({ ...blank, ...address, ...partsOf(request) });
}

/** @throws WeirError `WEIR_RECORD_UNREADABLE` */
export function decodeAsk(encoded: Uint8Array): LoggedAsk {
  const record = askRecord.decode(encoded);
  const { id, answers, expires, kind, flowId, name, key, memberName, memberGroup } = record;
  const member = { name: memberName, group: memberGroup };
  const request = requestOf(record);
  return {
    ...{ id, answers, expires, request },
    place: kind === 'ask' ? actorAddress(member, name, key) : routingKeyOf(kind === 'note' ? key : flowId),
    isAct: kind !== 'query' && kind !== 'describe' && kind !== 'checkpoint',
  };
}

function partsOf(request: RemoteRequest): Partial<AskRecord> & Pick<AskRecord, 'kind'> {
  switch (request.type) {
    case 'retry': {
      const { flowId, authority, correction } = request;
      return { kind: correction.type, flowId, body: bodyOf(correction), ...whoOf(authority) };
    }
    case 'kill': {
      const { flowId, authority, stuckOnly } = request;
      return { kind: stuckOnly === true ? 'killStuck' : 'kill', flowId, ...whoOf(authority) };
    }
    case 'cancel':
      return { kind: 'cancel', flowId: request.flowId, ...whoOf(request.authority) };
    case 'signal': {
      const { flowId, signal: name, signalId: key, body, authority } = request;
      return { kind: 'signal', flowId, name, key, body, ...whoOf(authority) };
    }
    case 'query':
      return { kind: 'query', flowId: request.flowId, name: request.query, body: request.input };
    case 'describe':
    case 'checkpoint':
      return { kind: request.type, flowId: request.flowId };
    case 'note': {
      const { act: name, subject: key, before, after } = request.note;
      const body = encodeValue({ before, after }, 'an act on the node');
      return { kind: 'note', name, key, body, ...whoOf(request.authority) };
    }
    case 'ask': {
      const { member, actor: name, key, message, body } = request;
      return { kind: 'ask', memberName: member.name, memberGroup: member.group, name, key, message, body };
    }
  }
}

function requestOf(record: AskRecord): LoggedAsk['request'] {
  const { kind, flowId, name, key, message, body, memberName, memberGroup, principal, principalKind, reason } = record;
  const authority: Authority = { principal: { name: principal, kind: principalKind }, reason };
  switch (kind) {
    case 'retry':
    case 'edit':
    case 'skip': {
      const correction = correctionOf(kind, body);
      return (replyTo) => ({ type: 'retry', flowId, correction, authority, replyTo });
    }
    case 'kill':
    case 'killStuck':
      return (replyTo) => ({ type: 'kill', flowId, stuckOnly: kind === 'killStuck', authority, replyTo });
    case 'cancel':
      return (replyTo) => ({ type: 'cancel', flowId, authority, replyTo });
    case 'signal':
      return (replyTo) => ({ type: 'signal', flowId, signal: name, signalId: key, body, authority, replyTo });
    case 'query':
      return (replyTo) => ({ type: 'query', flowId, query: name, input: body, replyTo });
    case 'describe':
    case 'checkpoint':
      return (replyTo) => ({ type: kind, flowId, replyTo });
    case 'note': {
      const note = noteOf(name, key, body);
      return (replyTo) => ({ type: 'note', note, authority, replyTo });
    }
    case 'ask': {
      const member = { name: memberName, group: memberGroup };
      return (replyTo) => ({ type: 'ask', member, actor: name, key, message, body, replyTo });
    }
  }
}

const noted = z.object({
  act: z.enum(['drain', 'undrain', 'move shard']),
  subject: z.string(),
  before: z.record(z.string(), z.unknown()),
  after: z.record(z.string(), z.unknown()),
});

/** @throws WeirError `WEIR_RECORD_UNREADABLE` */
function noteOf(act: string, subject: string, body: Uint8Array): NodeAct {
  const values: unknown = decodeValue(body);
  const parsed = noted.safeParse({ act, subject, ...(typeof values === 'object' ? values : {}) });
  if (parsed.success) return parsed.data;
  throw new WeirError('WEIR_RECORD_UNREADABLE', { what: 'request of another worker', why: `"${act}" is no such act` });
}

function whoOf({ principal, reason }: Authority): Pick<AskRecord, 'principal' | 'principalKind' | 'reason'> {
  return { principal: principal.name, principalKind: principal.kind, reason };
}

function bodyOf(correction: Correction): Uint8Array {
  switch (correction.type) {
    case 'retry':
      return noBytes;
    case 'edit':
      return encodeValue(correction.state, 'the state given for the stage');
    case 'skip':
      return encodeValue(correction.result, 'the result given for the operation');
  }
}

function correctionOf(type: Correction['type'], body: Uint8Array): Correction {
  switch (type) {
    case 'retry':
      return { type };
    case 'edit':
      return { type, state: decodeValue(body) };
    case 'skip':
      return { type, result: decodeValue(body) };
  }
}
