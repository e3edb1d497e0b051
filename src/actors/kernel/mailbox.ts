/**
 * The user lane of a cell: a ring that grows by doubling and remembers when each message came.
 * Owns storage only; the limit and its answer are the cell's.
 */
const smallest = 8;
/** An emptied ring larger than this is given back, so that a burst does not cost memory for ever. */
const largestKept = 1_024;

export class Mailbox<Message> {
  /** Messages queued. */
  size = 0;
  #head = 0;
  #mask = -1;
  // An idle actor has received nothing yet and must not pay for a ring. One empty ring for all saves 70 bytes more, and
  // costs every tell some 7 %.
  #messages: (Message | undefined)[] = [];
  /** Parallel to `#messages`: numbers in an array of their own need no allocation. Those of bound messages are marked. */
  #stamps: number[] = [];

  /** `bound`: only the incarnation that runs now may handle it, see `takeBound`. */
  push(message: Message, at: number, bound = false): void {
    if (this.size > this.#mask) this.#grow();
    const slot = (this.#head + this.size) & this.#mask;
    this.#messages[slot] = message;
    this.#stamps[slot] = bound ? mark(at) : at;
    this.size += 1;
  }

  /** Puts a message in front of all others. */
  unshift(message: Message, at: number): void {
    if (this.size > this.#mask) this.#grow();
    this.#head = (this.#head - 1) & this.#mask;
    this.#messages[this.#head] = message;
    this.#stamps[this.#head] = at;
    this.size += 1;
  }

  /** Takes the oldest message. Ask `size` first: what an empty mailbox gives is not a message. */
  shift(): Message {
    const slot = this.#head;
    // The ring holds a message in every slot between head and head + size, and a message may itself be `undefined`.
    const message = this.#messages[slot] as Message;
    this.#messages[slot] = undefined;
    this.#head = (slot + 1) & this.#mask;
    this.size -= 1;
    if (this.size === 0 && this.#mask >= largestKept) this.#release();
    return message;
  }

  /** Takes all bound messages, oldest first; the others keep their order. */
  takeBound(): Message[] {
    const taken: Message[] = [];
    let kept = 0;
    for (let index = 0; index < this.size; index += 1) {
      const slot = (this.#head + index) & this.#mask;
      const message = this.#messages[slot] as Message;
      const stamp = this.#stamps[slot] ?? 0;
      this.#messages[slot] = undefined;
      if (isMarked(stamp)) {
        taken.push(message);
        continue;
      }
      const place = (this.#head + kept) & this.#mask;
      this.#messages[place] = message;
      this.#stamps[place] = stamp;
      kept += 1;
    }
    this.size = kept;
    return taken;
  }

  /** When the oldest message came, or `undefined`. */
  oldest(): number | undefined {
    return this.size === 0 ? undefined : unmark(this.#stamps[this.#head]);
  }

  /** When the message came that was taken last, if its place is still known. */
  taken(): number | undefined {
    return unmark(this.#stamps[(this.#head - 1) & this.#mask]);
  }

  #grow(): void {
    const length = this.#mask < 0 ? smallest : (this.#mask + 1) * 2;
    const messages = new Array<Message | undefined>(length).fill(undefined);
    const stamps = new Array<number>(length).fill(0);
    for (let index = 0; index < this.size; index += 1) {
      const slot = (this.#head + index) & this.#mask;
      messages[index] = this.#messages[slot];
      stamps[index] = this.#stamps[slot] ?? 0;
    }
    this.#messages = messages;
    this.#stamps = stamps;
    this.#head = 0;
    this.#mask = length - 1;
  }

  #release(): void {
    this.#messages = [];
    this.#stamps = [];
    this.#head = 0;
    this.#mask = -1;
  }
}

/** A mark is a negative stamp, so that it costs a message neither memory nor time. */
function mark(at: number): number {
  return -1 - at;
}

function isMarked(stamp: number): boolean {
  return stamp < 0;
}

function unmark(stamp: number | undefined): number | undefined {
  return stamp !== undefined && isMarked(stamp) ? mark(stamp) : stamp;
}
