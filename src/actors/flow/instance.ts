/** One unfinished flow in memory: its checkpoint, and, while it is hot, its live generator. */
import type { FlowHead, JournalEntry, SessionRecord } from '../../persistence/index.ts';
import { type Identity, sameIdentity } from '../../ports/index.ts';
import type { Alarm } from '../shard/index.ts';
import type { FlowDefinition, UntypedStage } from './definition.ts';
import type { Duties } from './duties.ts';
import type { Op } from './operation.ts';
import type { WaitingOn } from './protocol.ts';

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

/** What the engine resumes a generator with. */
export type Resume =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'throw'; readonly error: Error; readonly entry: number };

export interface Running {
  readonly generator: ReturnType<UntypedStage>;
  /** Index of the next operation. */
  next: number;
  /** The operation it waits on; undefined before the first. */
  current: { readonly op: Op; readonly index: number } | undefined;
  /** Set when the engine broke off a long advance: what to go on with. */
  pending: Resume | undefined;
  /** The error thrown into the generator last, to tell whether it came back uncaught. */
  thrown: { readonly error: Error; readonly entry: number } | undefined;
  /** False while recorded outcomes are given back. */
  live: boolean;
  /** Code of the stage is running; else whatever it does is done by the body of a step. */
  executing: boolean;
  /** What its code has begun and must not forget. */
  readonly duties: Duties;
}

export class FlowInstance {
  readonly id: string;
  readonly head: FlowHead;
  definition: FlowDefinition<never, unknown> | undefined;
  readonly journal: Array<JournalEntry | undefined> = [];
  unread: Unread[] = [];
  running: Running | undefined;
  waiting: WaitingOn | undefined;
  alarm: Alarm | undefined;
  /** Grows when whatever runs outside must not come back: kill, end, hospital. */
  incarnation = 0;
  abort: AbortController | undefined;
  /** A step's body is under way. */
  stepRunning = false;
  /** The head differs from its record. */
  dirty = false;

  constructor(id: string, head: FlowHead) {
    this.id = id;
    this.head = head;
  }

  get member(): Identity {
    return { name: this.head.memberName, group: this.head.memberGroup };
  }

  session(id: string): SessionRecord | undefined {
    return this.head.sessions.find((session) => session.id === id);
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

export function unreadKey(id: string, place: number): string {
  return `i/${id}/${place}`;
}
