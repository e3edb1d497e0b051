/**
 * The flows of a shard as its records tell of them, while it is restored and before that, while another worker still runs
 * it. Their records gather here as they come; what a flow is in memory is made of them in between, and made again when one
 * of them has changed. Owns the gathering, and that nothing made of former records is given out.
 */
import { WeirError } from '../../errors/index.ts';
import type { LogRecord } from '../../transport/log/index.ts';
import { partsOfCold } from './cold-flow.ts';
import { Few } from './few.ts';
import { FlowMaker, type FlowRecords, type MadeFlow, type Stored } from './flow-maker.ts';
import type { Registry } from './registry.ts';

export type PartKind = 'journal' | 'unread' | 'signals';

/** By what the keys of records begin with. */
const partKinds: Readonly<Record<string, PartKind>> = { j: 'journal', i: 'unread', g: 'signals' };
const [slash, headKind, actor] = ['/', 'c', '@'].map((sign) => sign.charCodeAt(0));

const none = new Few<string, Stored>();

class FoundFlow {
  readonly id: string;
  head: Stored | undefined;
  journal = none;
  unread = none;
  signals = none;
  /** What its records have become; those of a cold flow lie in its string alone. */
  made: MadeFlow | undefined;
  /** It has changed since it was made. */
  changed = false;

  constructor(id: string) {
    this.id = id;
  }
}

export class FoundFlows {
  readonly #maker: FlowMaker;
  readonly #flows = new Map<string, FoundFlow>();
  #changed: FoundFlow[] = [];

  constructor(registry: Registry) {
    this.#maker = new FlowMaker(registry);
  }

  /** Takes the newest record of a key, which has no value when it is gone; false for one that belongs to no flow. */
  put(record: LogRecord): boolean {
    const { key } = record;
    if (key.charCodeAt(1) !== slash) return false;
    const kind = partKinds[key.charAt(0)];
    if (kind === undefined) {
      if (key.charCodeAt(0) !== headKind || key.charCodeAt(2) === actor) return false;
      this.#changedFlow(key.slice(2)).head = isLive(record) ? record : undefined;
      return true;
    }
    const end = key.indexOf('/', 2);
    if (end < 0) return false;
    this.#part(this.#changedFlow(key.slice(2, end)), kind, key.slice(end + 1), isLive(record) ? record : undefined);
    return true;
  }

  #part(flow: FoundFlow, of: PartKind, place: string, stored: Stored | undefined): void {
    if (stored === undefined) flow[of].delete(place);
    else if (flow[of] === none) {
      flow[of] = new Few();
      flow[of].set(place, stored);
    } else flow[of].set(place, stored);
  }

  /** Makes flows of what has come, as far as their records alone say what they are; one for each step. */
  *make(): Generator<undefined> {
    for (let flow = this.#changed.pop(); flow !== undefined; flow = this.#changed.pop()) {
      flow.changed = false;
      this.#make(flow);
      this.#keep(flow);
      if (isGone(flow)) this.#flows.delete(flow.id);
      yield;
    }
  }

  /** Gives the flows out, in the order in which they were found: what was made of them, or their records. */
  *take(): Generator<MadeFlow | FlowRecords> {
    this.#changed = [];
    for (const flow of this.#flows.values()) {
      const { id } = flow;
      if (flow.changed) this.#make(flow);
      const { made, head, journal, unread, signals } = flow;
      if (made !== undefined) yield made;
      // What belongs to no flow is of one that has been forgotten.
      else if (head !== undefined) yield { id, head, journal, unread, signals };
      flow.made = undefined;
    }
    this.#flows.clear();
  }

  clear(): void {
    this.#flows.clear();
    this.#changed = [];
  }

  #changedFlow(id: string): FoundFlow {
    let flow = this.#flows.get(id);
    if (flow === undefined) {
      flow = new FoundFlow(id);
      this.#flows.set(id, flow);
    }
    if (!flow.changed) {
      flow.changed = true;
      this.#changed.push(flow);
      if (flow.made !== undefined) this.#unmake(flow, flow.made);
    }
    return flow;
  }

  #make(flow: FoundFlow): void {
    const { id, head, journal, unread, signals } = flow;
    if (head === undefined) return;
    try {
      flow.made = this.#maker.make({ id, head, journal, unread, signals });
    } catch (error) {
      // Whoever takes its records in says which of them.
      if (!WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) throw error;
    }
    if (flow.made?.type !== 'cold') return;
    flow.head = undefined;
    flow.signals = none;
    if (flow.made.left === 0) flow.journal = none;
    else for (const [place] of partsOfCold(flow.made.cold).journal) flow.journal.delete(place);
  }

  /** Its records, as they were before. */
  #unmake(flow: FoundFlow, made: MadeFlow): void {
    flow.made = undefined;
    if (made.type !== 'cold') return;
    const { head, journal, signals } = partsOfCold(made.cold);
    flow.head = { value: head };
    for (const [place, entry] of journal) this.#part(flow, 'journal', place, { value: entry });
    for (const [signal, print] of signals) this.#part(flow, 'signals', signal, { value: print });
  }

  /** What is kept for long has memory of its own. */
  #keep(flow: FoundFlow): void {
    flow.head = flow.head && copied(flow.head);
    for (const parts of [flow.journal, flow.unread, flow.signals]) {
      parts.forEach((stored, place) => void parts.set(place, copied(stored)));
    }
  }
}

function isLive(record: LogRecord): record is LogRecord & Stored {
  return record.value !== null;
}

function copied({ value }: Stored): Stored {
  return { value: value.slice() };
}

function isGone({ made, head, journal, unread, signals }: FoundFlow): boolean {
  return made === undefined && head === undefined && journal.size + unread.size + signals.size === 0;
}
