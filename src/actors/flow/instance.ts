/** One unfinished flow in memory: its checkpoint, and, while it is hot, its live generator. */
import type { FlowHead, JournalEntry, SessionRecord } from '../../persistence/index.ts';
import { type Identity, sameIdentity } from '../../ports/index.ts';
import type { Alarm } from '../shard/index.ts';
import type { AnyFlow } from './definition.ts';
import { orderOf } from './entries.ts';
import { Few } from './few.ts';
import type { WaitingOn } from './protocol.ts';
import type { StageRun } from './stage-run.ts';

/** A session message that the flow has not read yet. */
export interface Unread {
  /** Number of its record `i/<flow>/<n>`. */
  readonly place: number;
  readonly session: string;
  readonly number: number;
  readonly type: string;
  readonly body: Uint8Array;
  /** Whether its record has been written; a message that is read in the turn it arrives in needs none. */
  stored: boolean;
}

/** The body of a step that is under way. */
export interface StepRun {
  readonly attempt: number;
  /** When the step is given up, whatever it does, in milliseconds since 1970; 0 for never. */
  readonly until: number;
  /** Made when the body asks for it: most do not, and it costs as much as the rest of a step. */
  controller: AbortController | undefined;
}

export class FlowInstance {
  /** Its routing key, which its id begins with. */
  readonly key: string;
  readonly id: string;
  readonly head: FlowHead;
  /** The newest version that there is here. */
  definition: AnyFlow | undefined;
  /** The version that the running visit is run with, once it runs. */
  code: AnyFlow | undefined;
  readonly journal: Array<JournalEntry | undefined> = [];
  unread: Unread[] = [];
  run: StageRun | undefined;
  /** What it waits on: one for each branch that waits. */
  waits: readonly WaitingOn[] = [];
  alarm: Alarm | undefined;
  /** Its code has run to the end, and it waits for peers to close. */
  closing = false;
  /** Signals that it was given: hash of the id to what was given. Known as long as the flow is unfinished (W4). */
  signals: Map<string, string> | undefined;
  /** Operations and outcomes of the visit when its code was last checked against the record. */
  checked = 0;
  /** The head differs from its record. */
  dirty = false;
  /** Made with the first one: most flows that there are wait for something else. */
  #steps: Few<number, StepRun> | undefined;
  /** Order of the last outcome of the running visit, once it is known. */
  #order: number | undefined;

  constructor(key: string, id: string, head: FlowHead) {
    this.key = key;
    this.id = id;
    this.head = head;
  }

  get member(): Identity {
    return { name: this.head.memberName, group: this.head.memberGroup };
  }

  /** Bodies of steps that are under way, by place in the journal. */
  get steps(): Few<number, StepRun> {
    this.#steps ??= new Few();
    return this.#steps;
  }

  /** Whether a body of a step is under way. */
  get busy(): boolean {
    return this.#steps !== undefined && this.#steps.size > 0;
  }

  session(id: string): SessionRecord | undefined {
    return this.head.sessions.find((session) => session.id === id);
  }

  /** Place of the next outcome among those of the running visit. */
  nextOrder(): number {
    this.#order ??= this.journal.reduce((last, entry, index) => {
      return entry === undefined || entry.state === 'open' ? last : Math.max(last, orderOf(entry, index));
    }, 0);
    return this.#order + 1;
  }

  /** An outcome of this order has been recorded; without one, the order begins anew. */
  ordered(order?: number): void {
    if (order === undefined) {
      this.#order = undefined;
      this.checked = 0;
    } else if (this.#order !== undefined) this.#order = Math.max(this.#order, order);
    // Else whoever asks for the next one looks into the journal, where this one is.
  }

  /** It was given a signal. */
  knows(signal: string, print: string): void {
    this.signals ??= new Map();
    this.signals.set(signal, print);
  }

  /** Whether a branch of it waits on `what`. */
  waitsOn(what: WaitingOn['what']): boolean {
    return this.waits.some((wait) => wait.what === what);
  }

  /** Tells the bodies of its steps that nobody waits for them any more. */
  abortSteps(why: string): void {
    for (const { controller } of this.#steps?.values() ?? []) controller?.abort(new Error(why));
    this.#steps = undefined;
  }

  /** Forgets the sessions that the running visit has opened and nobody has heard of. */
  forgetUnheard(): void {
    const { head } = this;
    const visit = `${this.id}.${head.visit}.`;
    const unheard = ({ id, role, sent, received }: SessionRecord): boolean =>
      role === 'initiator' && id.startsWith(visit) && sent === 0 && received === 0;
    head.sessions = head.sessions.filter((session) => !unheard(session));
  }

  /** The session that this flow opened with `peer`, if it has. */
  opened(peer: Identity, protocol: string, name: string): SessionRecord | undefined {
    return this.head.sessions.find(
      (session) =>
        session.role === 'initiator' &&
        session.protocol === protocol &&
        session.name === name &&
        sameIdentity(peerOf(session), peer),
    );
  }
}

export function peerOf(session: SessionRecord): Identity {
  return { name: session.peerName, group: session.peerGroup };
}

/** What a flow waits on that receives, as its developer would call it. */
export function talkWith({ protocol, peerName }: SessionRecord): string {
  return `${protocol} from ${peerName}`;
}

export function headKey(id: string): string {
  return `c/${id}`;
}

export function journalKey(id: string, visit: number, index: number): string {
  return `j/${id}/${visit}/${index}`;
}

export function signalKey(id: string, signal: string): string {
  return `g/${id}/${signal}`;
}

export function unreadKey(id: string, place: number): string {
  return `i/${id}/${place}`;
}
