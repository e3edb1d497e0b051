/**
 * References of actors. The one that `spawn` returns follows its actor over restarts; the one an actor calls `self`
 * belongs to one incarnation, so that what was asked for by an older incarnation never reaches a newer one (AK4).
 */
import type { Asked } from './asked.ts';
import type { Cause, Ref, TellResult } from './types.ts';

/** What a reference knows of its cell. */
export interface Addressee {
  readonly path: string;
  /** Of the running or last incarnation. */
  readonly uid: number;
  readonly capacity: number;
  stop(cause: Cause): Promise<void>;
  /** Calls `notify` when what `ref` names has ended; at once if it has. Returns how to take that back. */
  addWatcher(ref: Ref<never>, notify: (cause: Cause) => void): () => void;
  childOf(owner: unknown): boolean;
}

/** A cell as one who can be asked. */
export interface Askee<in out Message> extends Addressee {
  /** Takes a question like a message; with `uid` only for that incarnation. */
  ask(asked: Asked<Message>, uid: number | undefined): TellResult;
}

export class ActorRef<in out Message> implements Ref<Message> {
  readonly cell: Askee<Message>;
  /** Set if the reference belongs to one incarnation. */
  readonly incarnation: number | undefined;
  readonly tell: (message: Message) => TellResult;

  constructor(cell: Askee<Message>, incarnation: number | undefined, tell: (message: Message) => TellResult) {
    this.cell = cell;
    this.incarnation = incarnation;
    this.tell = tell;
  }

  ask(asked: Asked<Message>): TellResult {
    return this.cell.ask(asked, this.incarnation);
  }

  get path(): string {
    return this.cell.path;
  }

  get uid(): number {
    return this.incarnation ?? this.cell.uid;
  }
}

/** The cell of a reference, if it is an actor's. */
export function cellOf(ref: Ref<never>): Addressee | undefined {
  return ref instanceof ActorRef ? ref.cell : undefined;
}
