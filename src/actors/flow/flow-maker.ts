/**
 * What a flow is in memory, as its records alone tell: one that has ended is remembered, one that sleeps or waits is cold.
 * Pure, so that it can be made before the shard is owned, and made again when its records have changed. Owns that little of
 * a record is read for it.
 */
import {
  entryStates,
  type FlowHead,
  flowHead,
  flowStatuses,
  type Glance,
  isTerminal,
  type JournalEntry,
  journalEntry,
} from '../../persistence/index.ts';
import { printOf } from '../session-manager/index.ts';
import { type Checkpointed, type ColdFlow, coldDue, packed } from './cold-flow.ts';
import type { AnyFlow } from './definition.ts';
import type { Few } from './few.ts';
import { routingKeyOf } from './ids.ts';
import type { Registry } from './registry.ts';

/** The records of a flow, as bytes. */
export interface FlowRecords {
  readonly id: string;
  readonly head: Stored;
  /** Of any visit, by what stands behind the flow in the key. */
  readonly journal: Parts;
  /** Messages that it has not read. */
  readonly unread: Parts;
  /** Signals that it was given: hash of the id, and what was given. */
  readonly signals: Parts;
}

/** A record, whose value may be made when somebody asks for it, and each time. */
export interface Stored {
  readonly value: Uint8Array;
}

/** Records by what stands behind the flow in their keys. */
export type Parts = Pick<Few<string, Stored>, 'size' | 'forEach'>;

export type MadeFlow =
  | {
      readonly type: 'cold';
      readonly key: string;
      readonly cold: ColdFlow;
      /** When its timer rings, in milliseconds since 1970; infinite when it has none. */
      readonly due: number;
      /** Entries of its journal that are of other visits, and not in there. */
      readonly left: number;
    }
  | {
      readonly type: 'ended';
      readonly key: string;
      readonly id: string;
      readonly print: string;
      /** When, in milliseconds since 1970. */
      readonly at: number;
    };

const decoder = new TextDecoder();
const at = flowHead.places;
const entryAt = journalEntry.places;

type SeenHead = Checkpointed['head'] &
  Pick<FlowHead, 'flow' | 'memberName' | 'memberGroup' | 'updated' | 'visit'> & { readonly inputHash: string };
type SeenEntry = Pick<JournalEntry, 'op' | 'label' | 'state' | 'due' | 'branch'>;

export class FlowMaker {
  readonly #registry: Registry;
  /** Whose code was looked for last: most flows are of the same kind as the one before. */
  #kind: Pick<SeenHead, 'flow' | 'memberName' | 'memberGroup'> = { flow: '', memberName: '', memberGroup: '' };
  #code: AnyFlow | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /**
   * Undefined when it has to be decoded as a whole, since it runs or nobody knows.
   * @throws WeirError `WEIR_RECORD_UNREADABLE`
   */
  make({ id, head: record, journal, unread, signals }: FlowRecords): MadeFlow | undefined {
    const stored = record.value;
    const head = seenHead(stored);
    if (head === undefined) return undefined;
    if (isTerminal(head.status)) {
      const key = detached(id, routingKeyOf(id).length);
      const print = printOf(head.flow, head.inputHash);
      return { type: 'ended', key, id: key + id.slice(key.length), print, at: head.updated };
    }
    if (unread.size > 0) return undefined;
    const entries: Array<readonly [number, Uint8Array]> = [];
    const seen: SeenEntry[] = [];
    journal.forEach(({ value }, place) => {
      const split = place.indexOf('/');
      if (Number(place.slice(0, split)) !== head.visit) return;
      const number = Number(place.slice(split + 1));
      seen[number] = seenEntry(value);
      entries.push([number, value]);
    });
    const due = coldDue({ head, journal: seen }, this.#codeOf(head));
    if (due === undefined) return undefined;
    const key = detached(id, routingKeyOf(id).length);
    const given = signals.size === 0 ? undefined : signalsOf(signals);
    const cold = packed({ due, rest: id.slice(key.length), signals: given, head: stored, entries });
    return { type: 'cold', key, cold, due, left: journal.size - entries.length };
  }

  #codeOf({ flow, memberName, memberGroup }: SeenHead): AnyFlow | undefined {
    const known = this.#kind;
    if (known.flow !== flow || known.memberName !== memberName || known.memberGroup !== memberGroup) {
      this.#kind = { flow, memberName, memberGroup };
      this.#code = this.#registry.flow({ name: memberName, group: memberGroup }, flow);
    }
    return this.#code;
  }
}

/** The parts of a head that it is judged by; undefined when one that is rare needs all of it. */
function seenHead(stored: Uint8Array): SeenHead | undefined {
  const glance = flowHead.glance(stored);
  if (glance === undefined) return flowHead.decode(stored);
  if (!glance.isNone(at.sessions) || !glance.isNone(at.mark) || !glance.isNone(at.cancel)) {
    return flowHead.decode(stored);
  }
  return new HeadAtAGlance(glance);
}

/** Fields are read when they are asked for, while the glance is at this record. */
class HeadAtAGlance implements SeenHead {
  readonly #glance: Glance;
  readonly sessions = none;
  readonly mark = null;
  readonly cancel = null;

  constructor(glance: Glance) {
    this.#glance = glance;
  }

  get flow(): string {
    return this.#glance.text(at.flow);
  }

  get version(): number {
    return this.#glance.number(at.version);
  }

  get memberName(): string {
    return this.#glance.text(at.memberName);
  }

  get memberGroup(): string {
    return this.#glance.text(at.memberGroup);
  }

  get inputHash(): string {
    return this.#glance.text(at.inputHash);
  }

  get status(): FlowHead['status'] {
    return this.#glance.choice(at.status, flowStatuses);
  }

  get updated(): number {
    return this.#glance.number(at.updated);
  }

  get stage(): string {
    return this.#glance.text(at.stage);
  }

  get visit(): number {
    return this.#glance.number(at.visit);
  }

  get expires(): number {
    return this.#glance.number(at.expires);
  }
}

const none: FlowHead['sessions'] = [];

function seenEntry(stored: Uint8Array): SeenEntry {
  const glance = journalEntry.glance(stored);
  if (glance === undefined) return journalEntry.decode(stored);
  return {
    op: glance.text(entryAt.op),
    label: glance.text(entryAt.label),
    state: glance.choice(entryAt.state, entryStates),
    due: glance.number(entryAt.due),
    branch: glance.flag(entryAt.branch),
  };
}

export function signalsOf(signals: Parts): Map<string, string> {
  const given = new Map<string, string>();
  signals.forEach(({ value }, id) => void given.set(id, decoder.decode(value)));
  return given;
}

const cutBytes = Buffer.allocUnsafeSlow(64);

/** The beginning of a text of plain characters, without the longer one that it is cut from. */
export function detached(text: string, length: number): string {
  return cutBytes.toString('latin1', 0, cutBytes.write(text, 0, length, 'latin1'));
}
