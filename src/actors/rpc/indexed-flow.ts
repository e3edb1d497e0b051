/**
 * A flow as the index keeps it, in as little memory as it can be: its newest status is one string beside two numbers.
 * Owns the form of that string.
 */
import { type FlowStatus, flowStatuses, type StatusRecord, statusRecord } from '../../persistence/index.ts';
import type { Changing } from './change-order.ts';

/** The statuses that it was seen in, as bits; above them the one that it is in. */
const nowShift = flowStatuses.length;
/** Before the bytes of the status stand its statuses, the length of the rest of its id in two bytes, and that rest. */
const fixedBytes = 3;

export class IndexedFlow implements Changing {
  /** Its routing key, which its id begins with. */
  readonly key: string;
  /** Place in the order of arrival. */
  readonly place: number;
  changed = 0;
  /** Number of its status among those of its shard. */
  commit = 0;
  /** One byte to a character: a string has neither a buffer nor a view of its own. Empty once it is forgotten. */
  #packed: string;

  /** @param rest what follows the key in the id */
  constructor(key: string, rest: string, place: number) {
    this.key = key;
    this.place = place;
    this.#packed = packed(0, rest, new Uint8Array());
  }

  get flowId(): string {
    return this.key + restOf(this.#packed);
  }

  /** Whether an id that begins with its key is its own. */
  is(id: string): boolean {
    return id.slice(this.key.length) === restOf(this.#packed);
  }

  /** Its newest status, encoded; a copy. */
  get bytes(): Uint8Array {
    return Buffer.from(this.#packed.slice(statusAt(this.#packed)), 'latin1');
  }

  /** Bytes of its newest status. */
  get size(): number {
    return this.#packed.length - statusAt(this.#packed);
  }

  get record(): StatusRecord {
    return statusRecord.decode(this.bytes);
  }

  get status(): FlowStatus | undefined {
    return flowStatuses[this.#packed.charCodeAt(0) >> nowShift];
  }

  /** Whether it was seen in a status since it is known here. */
  was(status: FlowStatus): boolean {
    return (this.#packed.charCodeAt(0) & bitOf(status)) !== 0;
  }

  set(bytes: Uint8Array, { status, commit }: Pick<StatusRecord, 'status' | 'commit'>): void {
    const seen = this.#packed.charCodeAt(0) & ((1 << nowShift) - 1);
    const statuses = (flowStatuses.indexOf(status) << nowShift) | seen | bitOf(status);
    this.#packed = packed(statuses, restOf(this.#packed), bytes);
    this.commit = commit;
  }

  get isForgotten(): boolean {
    return this.#packed === '';
  }

  forget(): void {
    this.#packed = '';
  }
}

/** What follows the key in its id. */
function restOf(packed: string): string {
  return packed.slice(fixedBytes, statusAt(packed));
}

/** Where the bytes of its status begin. */
function statusAt(packed: string): number {
  return fixedBytes + ((packed.charCodeAt(1) << 8) | packed.charCodeAt(2));
}

function packed(statuses: number, rest: string, status: Uint8Array): string {
  const bytes = Buffer.allocUnsafe(fixedBytes + rest.length + status.length);
  bytes[0] = statuses;
  bytes.writeUInt16BE(rest.length, 1);
  bytes.write(rest, fixedBytes, 'latin1');
  bytes.set(status, fixedBytes + rest.length);
  return bytes.toString('latin1');
}

function bitOf(status: FlowStatus): number {
  return 1 << flowStatuses.indexOf(status);
}
