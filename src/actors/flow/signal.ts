/** Signals and queries: what a flow is told, and asked, from outside while it runs. */
import type { output, ZodType } from 'zod';
import { decodeValue, type ProgressRecord } from '../../persistence/index.ts';
import type { Duration } from '../../ports/index.ts';
import type { Operation } from './operation.ts';
import type { Received, TimedOut } from './session.ts';
import type { MessageTypes } from './session-protocol.ts';

/** The part of a flow's context that reads signals. */
export interface SignalContext<Sig extends MessageTypes> {
  /**
   * The next signal, in the order in which they were accepted: of any name, or of those that are given. What nobody
   * reads waits; each is read once.
   * @throws TypeError for a name that the flow does not declare
   */
  signal<Name extends keyof Sig & string>(names?: Name | readonly Name[]): Operation<Received<Pick<Sig, Name>>>;
  /** The same with a durable deadline: `timedOut` when nothing came `within` it. */
  signal<Name extends keyof Sig & string>(
    names: Name | readonly Name[] | undefined,
    options: { readonly within: Duration },
  ): Operation<Received<Pick<Sig, Name>> | TimedOut>;
}

/** Where an unfinished flow is: stage, and the state that it entered the stage with. */
export type FlowPlace<S extends Readonly<Record<string, ZodType>>> = {
  [Stage in keyof S & string]: {
    readonly stage: Stage;
    readonly state: output<S[Stage]>;
    /** Its reports on how far it has come, oldest first; at most 20. */
    readonly progress: readonly ProgressReport[];
  };
}[keyof S & string];

/** A report of a flow on how far it has come. */
export interface ProgressReport {
  /** From 1; a gap means that older reports were dropped. */
  readonly number: number;
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly text: string;
  readonly details?: unknown;
}

/**
 * Name to answer: a pure function of where the flow is, and of whatever the asker gave. What it gives must be plain data;
 * what it throws is told to the asker, and changes nothing.
 */
export type Queries<S extends Readonly<Record<string, ZodType>>> = Readonly<
  Record<string, (place: FlowPlace<S>, input: unknown) => unknown>
>;

export type UntypedQueries = Readonly<Record<string, (place: UntypedPlace, input: unknown) => unknown>>;

export interface UntypedPlace {
  readonly stage: string;
  readonly state: unknown;
  readonly progress: readonly ProgressReport[];
}

/** The reports that a record holds. */
export function reportsOf({ progress }: { readonly progress: readonly ProgressRecord[] }): ProgressReport[] {
  return progress.map(({ number, at, text, details }) => ({
    number,
    at,
    text,
    ...(details.length === 0 ? {} : { details: decodeValue(details) }),
  }));
}
