/**
 * A flow that sleeps or waits, as little memory as it can be: one string, with the bytes of its checkpoint and the time
 * at which its timer rings. Owns the form of that string, and which flows can be kept so: those that their checkpoint
 * alone brings back as they are, by the way of a restart.
 */
import { flowHead, journalEntry } from '../../persistence/index.ts';
import { FlowInstance } from './instance.ts';
import { patience } from './waiting.ts';

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

const timeBytes = 8;
/** Numbers take as few bytes as they need, seven bits in each; this one says that another follows. */
const more = 128;

/** The flow, cold; undefined when it holds what its checkpoint does not say. Its timer is nobody's from here on. */
export function coldFlow(flow: FlowInstance): ColdFlow | undefined {
  if (!isCold(flow)) return undefined;
  const { key, id, head, journal, signals, alarm } = flow;
  const time = Buffer.allocUnsafe(timeBytes);
  time.writeDoubleLE(alarm?.due ?? Number.POSITIVE_INFINITY);
  const given = signals === undefined ? '' : JSON.stringify([...signals]);
  const parts = [time, ...part(Buffer.from(id.slice(key.length))), ...part(Buffer.from(given))];
  parts.push(...part(flowHead.encode(head)));
  for (const [place, entry] of journal.entries()) {
    if (entry !== undefined) parts.push(number(place), ...part(journalEntry.encode(entry)));
  }
  return Buffer.concat(parts).toString('latin1');
}

/** When its timer rings, in milliseconds since 1970; infinite when it has none. */
export function dueOf(cold: ColdFlow): number {
  return Buffer.from(cold.slice(0, timeBytes), 'latin1').readDoubleLE();
}

/** The flow of a routing key; what is done to it is not done to the cold one. */
export function thawed(key: string, cold: ColdFlow): Thawed {
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
  const rest = next().toString();
  const given = next();
  const flow = new FlowInstance(key, key + rest, flowHead.decode(next()));
  while (at < bytes.length) {
    const place = nextNumber();
    flow.journal[place] = journalEntry.decode(next());
  }
  const wait = patience(flow);
  flow.waits = wait === undefined ? [] : [wait];
  if (given.length > 0) flow.signals = new Map(JSON.parse(given.toString()));
  const due = bytes.readDoubleLE();
  return { flow, due: due === Number.POSITIVE_INFINITY ? undefined : due };
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

/** Its length, and the bytes. */
function part(bytes: Uint8Array): [Buffer, Uint8Array] {
  return [number(bytes.length), bytes];
}

function number(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= more; left = Math.floor(left / more)) bytes.push(more + (left % more));
  bytes.push(left);
  return Buffer.from(bytes);
}
