/**
 * A flow that sleeps or waits, as little memory as it can be: the bytes of its checkpoint, and the timer that wakes it.
 * Owns which flows can be kept so: those that their checkpoint alone brings back as they are, by the way of a restart.
 */
import { flowHead, journalEntry } from '../../persistence/index.ts';
import type { Alarm, Ringing } from '../shard/index.ts';
import { FlowInstance } from './instance.ts';
import { patience } from './waiting.ts';

/** Length of a record, and length and place of a journal entry, stand before its bytes. */
const lengthBytes = 4;

export class ColdFlow implements Ringing {
  readonly id: string;
  readonly #wake: (id: string) => void;
  /**
   * Head and journal, one byte to a character: a string has neither a buffer nor a view of its own, which together are
   * larger than most checkpoints.
   */
  readonly #checkpoint: string;
  readonly #signals: FlowInstance['signals'];
  readonly #alarm: Alarm | undefined;

  private constructor(flow: FlowInstance, wake: (id: string) => void) {
    this.id = flow.id;
    this.#wake = wake;
    this.#checkpoint = packed(flow);
    this.#signals = flow.signals;
    this.#alarm = flow.alarm;
    // Whatever else the timer held would keep the flow as it was.
    if (flow.alarm !== undefined) flow.alarm.ringing = this;
  }

  /** The flow, cold; undefined when it holds what its checkpoint does not say. `wake` is called when its timer rings. */
  static of(flow: FlowInstance, wake: (id: string) => void): ColdFlow | undefined {
    return isCold(flow) ? new ColdFlow(flow, wake) : undefined;
  }

  /** The flow as it was; what is done to it is not done to this one. */
  thawed(): FlowInstance {
    const bytes = Buffer.from(this.#checkpoint, 'latin1');
    let at = lengthBytes + bytes.readUInt32LE(0);
    const flow = new FlowInstance(this.id, flowHead.decode(bytes.subarray(lengthBytes, at)));
    while (at < bytes.length) {
      const begin = at + 2 * lengthBytes;
      const end = begin + bytes.readUInt32LE(at + lengthBytes);
      flow.journal[bytes.readUInt32LE(at)] = journalEntry.decode(bytes.subarray(begin, end));
      at = end;
    }
    const wait = patience(flow);
    flow.waits = wait === undefined ? [] : [wait];
    flow.signals = this.#signals;
    flow.alarm = this.#alarm;
    return flow;
  }

  ring(): void {
    this.#wake(this.id);
  }
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

function packed({ head, journal }: FlowInstance): string {
  const headBytes = flowHead.encode(head);
  const parts: Uint8Array[] = [numbers(headBytes.length), headBytes];
  for (const [place, entry] of journal.entries()) {
    if (entry === undefined) continue;
    const bytes = journalEntry.encode(entry);
    parts.push(numbers(place, bytes.length), bytes);
  }
  return Buffer.concat(parts).toString('latin1');
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * lengthBytes);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * lengthBytes);
  return bytes;
}
