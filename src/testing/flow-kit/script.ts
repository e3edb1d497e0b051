/** What a test of a flow says, as data: where the flow begins, what others say and answer, how time passes, how it ends. */
import type { AnyActor, AnyFlow, ApplicationError, Protocol } from '../../actors/flow/index.ts';
import type { FlowDescription } from '../../actors/flow/protocol.ts';
import type { Identity, MemberName } from '../../ports/index.ts';
import type { CallSite, Expected } from '../expectation.ts';

export interface FlowKitSettings {
  /** The member that runs the flow. Default `MEMBER`. */
  readonly member?: MemberName;
  /** Members that the flow may talk to beside those of its script; they take everything and say nothing. */
  readonly members?: readonly MemberName[];
  /** Wall clock at the start, in milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly start?: number;
  /** Persistent actors that run for real where the script says nothing of them. Default none. */
  readonly actors?: readonly AnyActor[];
}

/** The scripted end of a session. */
export interface Channel {
  readonly peer: Identity;
  readonly protocol: Protocol;
  /** Which end the script speaks for. */
  readonly role: 'initiator' | 'responder';
  /** 1 for the first session of this protocol with the peer. */
  readonly nth: number;
}

/** Something that is given or expected, if anything is: `undefined` is a value, too. */
export interface Box<T = unknown> {
  readonly value: T;
}

export type Line = { readonly site: CallSite; readonly text: string } & (
  | { readonly type: 'receives'; readonly channel: Channel; readonly message: string; readonly body: Box | undefined }
  | { readonly type: 'sends'; readonly channel: Channel; readonly message: string; readonly body: Uint8Array }
  | { readonly type: 'closes' | 'silent'; readonly channel: Channel }
  | { readonly type: 'fails' | 'rejects'; readonly channel: Channel; readonly reason: string }
  | { readonly type: 'advance'; readonly ms: number }
);

export interface StepLine {
  readonly site: CallSite;
  readonly text: string;
  readonly name: string;
  readonly act:
    | { readonly type: 'returns'; readonly value: unknown }
    | { readonly type: 'throws'; readonly error: Error }
    | { readonly type: 'runs' | 'hangs' };
}

export interface ActorLine {
  readonly site: CallSite;
  readonly text: string;
  readonly definition: AnyActor;
  readonly key: string;
  readonly op: 'ask' | 'tell';
  readonly message: string;
  readonly body: Box | undefined;
  readonly answer:
    | { readonly type: 'replies'; readonly value: unknown }
    | { readonly type: 'refuses'; readonly error: ApplicationError }
    | undefined;
}

/** An actor that runs for real, from a given state. */
export interface ActorGiven {
  readonly definition: AnyActor;
  readonly key: string;
  readonly state: unknown;
}

export interface Script {
  readonly flow: AnyFlow;
  readonly settings: FlowKitSettings;
  readonly begin:
    | { readonly type: 'input'; readonly value: unknown }
    | { readonly type: 'opened'; readonly channel: Channel }
    | undefined;
  /** The stage that the flow begins in, when it is not `start`. */
  readonly stage: { readonly name: string; readonly state: unknown } | undefined;
  readonly lines: readonly Line[];
  readonly steps: readonly StepLine[];
  readonly actors: readonly ActorLine[];
  readonly given: readonly ActorGiven[];
}

export type WaitsOn = NonNullable<FlowDescription['waitingOn']>['what'];

export type Ending = { readonly site: CallSite; readonly effects: readonly string[] | undefined } & (
  | { readonly type: 'completed'; readonly result: Box<Expected<unknown>> | undefined }
  | { readonly type: 'failed' | 'stuck'; readonly code: string | undefined; readonly details: Box | undefined }
  | { readonly type: 'becomes'; readonly stage: string; readonly state: Box | undefined }
  | { readonly type: 'waits'; readonly on: WaitsOn | undefined }
);

/** Actors are one by kind and key. */
export function actorName({ name }: { readonly name: string }, key: string): string {
  return `${name}/${key}`;
}
