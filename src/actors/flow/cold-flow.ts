/**
 * A flow that sleeps or waits, as little memory as it can be: one string, with the bytes of its checkpoint and the time
 * at which its timer rings. Owns the form of that string, and which flows can be kept so: those that their checkpoint
 * alone brings back as they are, by the way of a restart.
 */
import { type FlowHead, flowHead, journalEntry } from '../../persistence/index.ts';
import type { AnyFlow } from './definition.ts';
import { FlowInstance } from './instance.ts';
import { lacksCode } from './versions.ts';
import { patience, type Waiting } from './waiting.ts';

/**
 * One byte to a character: a string has neither a buffer nor a view of its own, which together are larger than most
 * checkpoints. In it: when it rings, the rest of its id behind its key, its signals, its head, and its journal.
 */
export type ColdFlow = string;

/** A cold flow as it was before. */
export interface Thawed {
  readonly flow: FlowInstance;
  /** When its timer rings, in milliseconds since 1970; undefined when it has none. */
  readonly due: number | undefined;
}

/** The records of a cold flow, by what stands behind the flow in their keys. */
export interface ColdRecords {
  readonly head: Uint8Array;
  readonly journal: ReadonlyArray<readonly [string, Uint8Array]>;
  readonly signals: ReadonlyArray<readonly [string, Uint8Array]>;
}

const timeBytes = 8;
/** Numbers take as few bytes as they need, seven bits in each; this one says that another follows. */
const more = 128;

/** The flow, cold; undefined when it holds what its checkpoint does not say. Its timer is nobody's from here on. */
export function coldFlow(flow: FlowInstance): ColdFlow | undefined {
  if (!isCold(flow)) return undefined;
  const { key, id, head, journal, signals, alarm } = flow;
  const entries: Array<readonly [number, Uint8Array]> = [];
  for (const [place, entry] of journal.entries()) {
    if (entry !== undefined) entries.push([place, journalEntry.encode(entry)]);
  }
  return packed({
    due: alarm?.due ?? Number.POSITIVE_INFINITY,
    rest: id.slice(key.length),
    signals,
    ...{ head: flowHead.encode(head), entries },
  });
}

/** What of a checkpoint says whether its flow can be cold. */
export interface Checkpointed {
  readonly head: Pick<FlowHead, 'status' | 'sessions' | 'mark' | 'cancel' | 'expires' | 'version' | 'stage'>;
  readonly journal: Waiting['journal'];
}

/**
 * When the timer of a flow rings that would be cold once it had been restored, infinite when it has none; undefined when it
 * would not be.
 */
export function coldDue({ head, journal }: Checkpointed, code: AnyFlow | undefined): number | undefined {
  if (head.status !== 'RUNNING' || head.sessions.length > 0 || head.mark !== null) return undefined;
  if (lacksCode(head, code)) return undefined;
  const wait = patience({ head, journal, unread: [] });
  if (wait === undefined) return undefined;
  return wait.due ?? (head.expires > 0 ? head.expires : Number.POSITIVE_INFINITY);
}

/** What a cold flow is made of. */
export interface ColdParts {
  /** In milliseconds since 1970, infinite when it has no timer. */
  readonly due: number;
  /** What stands behind the key in its id. */
  readonly rest: string;
  readonly signals: ReadonlyMap<string, string> | undefined;
  /** Its records, as they are stored. */
  readonly head: Uint8Array;
  readonly entries: ReadonlyArray<readonly [number, Uint8Array]>;
}

/** The next flow is written where the one before was: thousands are packed in a row. */
let scratch = Buffer.allocUnsafeSlow(4_096);

export function packed({ due, rest, signals, head, entries }: ColdParts): ColdFlow {
  const given = signals === undefined ? '' : JSON.stringify([...signals]);
  const [restBytes, givenBytes] = [Buffer.byteLength(rest), Buffer.byteLength(given)];
  let size = timeBytes + partBytes(restBytes) + partBytes(givenBytes) + partBytes(head.length);
  for (const [place, entry] of entries) size += numberBytes(place) + partBytes(entry.length);
  if (size > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * size);
  let at = scratch.writeDoubleLE(due);
  at = writeText(at, rest, restBytes);
  at = writeText(at, given, givenBytes);
  at = writePart(at, head);
  for (const [place, entry] of entries) at = writePart(writeNumber(at, place), entry);
  return scratch.toString('latin1', 0, at);
}

/** Each writes at a place of the scratch, and answers where the next thing goes. */
function writeNumber(start: number, value: number): number {
  let at = start;
  let left = value;
  for (; left >= more; left = Math.floor(left / more)) scratch[at++] = more + (left % more);
  scratch[at++] = left;
  return at;
}

function writeText(start: number, value: string, length: number): number {
  const at = writeNumber(start, length);
  return length === 0 ? at : at + scratch.write(value, at);
}

function writePart(start: number, value: Uint8Array): number {
  const at = writeNumber(start, value.length);
  scratch.set(value, at);
  return at + value.length;
}

/** When its timer rings, in milliseconds since 1970; infinite when it has none. */
export function dueOf(cold: ColdFlow): number {
  return Buffer.from(cold.slice(0, timeBytes), 'latin1').readDoubleLE();
}

/** The records that a cold flow was made of, but for those of other visits; in memory of their own. */
export function partsOfCold(cold: ColdFlow): ColdRecords {
  const { next, nextNumber, left } = reading(cold);
  next();
  const given = next();
  const head = next();
  const { visit } = flowHead.decode(head);
  const journal: Array<readonly [string, Uint8Array]> = [];
  while (left() > 0) journal.push([`${visit}/${nextNumber()}`, next()]);
  const signals: Array<readonly [string, string]> = given.length === 0 ? [] : JSON.parse(given.toString());
  return { head, journal, signals: signals.map(([id, print]) => [id, Buffer.from(print)]) };
}

/** The flow of a routing key; what is done to it is not done to the cold one. */
export function thawed(key: string, cold: ColdFlow): Thawed {
  const { bytes, next, nextNumber, left } = reading(cold);
  const rest = next().toString();
  const given = next();
  const flow = new FlowInstance(key, key + rest, flowHead.decode(next()));
  while (left() > 0) {
    const place = nextNumber();
    flow.journal[place] = journalEntry.decode(next());
  }
  const wait = patience(flow);
  flow.waits = wait === undefined ? [] : [wait];
  if (given.length > 0) flow.signals = new Map(JSON.parse(given.toString()));
  const due = bytes.readDoubleLE();
  return { flow, due: due === Number.POSITIVE_INFINITY ? undefined : due };
}

/** Goes through what a cold flow holds behind its time. */
function reading(cold: ColdFlow) {
  const bytes = Buffer.from(cold, 'latin1');
  let at = timeBytes;
  const nextNumber = (): number => {
    let value = 0;
    for (let unit = 1; ; unit *= more) {
      const byte = bytes.readUInt8(at++);
      value += (byte % more) * unit;
      if (byte < more) return value;
    }
  };
  const next = (): Buffer => {
    const length = nextNumber();
    at += length;
    return bytes.subarray(at - length, at);
  };
  return { bytes, next, nextNumber, left: () => bytes.length - at };
}

function isCold(flow: FlowInstance): boolean {
  const { head, waits, alarm } = flow;
  if (head.status !== 'RUNNING' || flow.dirty || flow.run !== undefined || flow.closing || flow.busy) return false;
  // Others look for flows with sessions: for those that were silent too long, and by what they wait on.
  if (head.sessions.length > 0 || waits.length !== 1) return false;
  const [wait] = waits;
  // A timer that has rung leaves nothing that would wake it.
  if ((wait?.due !== undefined || head.expires > 0) && alarm === undefined) return false;
  const told = patience(flow);
  return told !== undefined && told.what === wait?.what && told.label === wait.label && told.due === wait.due;
}

/** With its length before it. */
function partBytes(length: number): number {
  return numberBytes(length) + length;
}

function numberBytes(value: number): number {
  let bytes = 1;
  for (let left = value; left >= more; left = Math.floor(left / more)) bytes += 1;
  return bytes;
}
