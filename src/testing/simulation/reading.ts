/**
 * What commits say about flows and persistent actors, read once for all invariants that ask.
 *
 * Owns the way from records to values; what must hold for them is the invariants'.
 */
import { configurationKey, configurationRecord } from '../../actors/flow/index.ts';
import { sessionMessage } from '../../actors/session-manager/index.ts';
import { type ActorHead, actorHead, decodeValue, type StatusRecord } from '../../persistence/index.ts';
import type { LogRecord } from '../../transport/log/index.ts';
import type { SimEvent } from './events.ts';
import { rememberLast, rememberSome } from './remember.ts';

/** A flow as a commit leaves it. */
export interface SeenFlow extends Omit<StatusRecord, 'result'> {
  readonly flowId: string;
  /** What it returned, once it has COMPLETED. */
  readonly result: unknown;
}

/** A persistent actor as a commit leaves it, and as it was before. */
export class SeenActor {
  readonly member: string;
  readonly key: string;
  readonly state: unknown;
  readonly #before: Uint8Array | undefined;

  constructor({ memberName, key, state }: ActorHead, before: Uint8Array | undefined) {
    this.member = memberName;
    this.key = key;
    this.state = decodeValue(state);
    this.#before = before;
  }

  /** Undefined for an actor that nobody had changed yet. Few ask: it is read for them. */
  get before(): unknown {
    return this.#before === undefined ? undefined : decodeValue(actorHead.decode(this.#before).state);
  }
}

type Applied = Extract<SimEvent, { type: 'applied' }>;

/** A message between members: the bytes that a sender keeps are those that it sends, sends again, and that arrive. */
export const messageIn = rememberSome((bytes: Uint8Array) => sessionMessage.decode(bytes));

/** Flows whose status a commit that is in the log has changed. */
export function flowsOf(event: SimEvent): readonly SeenFlow[] {
  return event.type === 'applied' ? readFlows(event) : [];
}

const readFlows = rememberLast((event: Applied): readonly SeenFlow[] =>
  event.contents.statuses.flatMap(({ flowId, value: status }) => {
    if (status === undefined) return [];
    const { result } = status;
    return [{ ...status, flowId, result: result.length === 0 ? undefined : decodeValue(result) }];
  }),
);

/** Persistent actors of one kind that a commit has changed. */
export function actorsOf(event: SimEvent, actor: string): readonly SeenActor[] {
  if (event.type !== 'applied') return [];
  const records = actorRecordsOf(event);
  if (records.length === 0) return [];
  const infix = `:${encodeURIComponent(actor)}:`;
  return records.flatMap(({ key, value }) => {
    if (value === null || !key.includes(infix)) return [];
    return [new SeenActor(actorHead.decode(value), event.before(key))];
  });
}

/** What the shard of a commit is run with, as its state says behind it; undefined where nobody says so. */
export function configurationOf(event: SimEvent): unknown {
  if (event.type !== 'applied') return undefined;
  const record = event.contents.configuration ?? event.before(configurationKey);
  return record === undefined ? undefined : decodeValue(configurationRecord.decode(record).value);
}

/** Most commits change no actor: each is looked through once, whoever asks. */
const actorRecordsOf = rememberLast((event: Applied): readonly LogRecord[] =>
  event.batch.records.filter(({ key }) => key.startsWith('c/@')),
);
