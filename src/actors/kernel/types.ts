/** The words of the kernel: references, behaviours, signals and what an actor may do through its context. */
import type { Clock, Logger } from '../../ports/index.ts';

/** What became of a `tell`: taken, refused because the mailbox is full, or dead-lettered because nobody is there. */
export type TellResult = 'accepted' | 'full' | 'dead';

/**
 * Address of an actor. The one that `spawn` returns follows its actor over restarts; `context.self` is the address of one
 * incarnation, so what an older incarnation has asked for never reaches a newer one (it is a dead letter, `stale`).
 * Contravariant in its message type: a `Ref<Animal>` may stand where a `Ref<Dog>` is asked for, never the other way
 * round; `Ref<never>` is any actor.
 */
export interface Ref<in Message> {
  readonly path: string;
  /** Identity of the incarnation under this path; a restart gives a new one. */
  readonly uid: number;
  /** A property, not a method: methods are bivariant in TypeScript, and the brand would be lost. */
  readonly tell: (message: Message) => TellResult;
}

/** Why an actor ended. */
export interface Cause {
  readonly type: 'stopped' | 'failed' | 'finished' | 'abandoned';
  readonly error?: Error;
}

export type Signal =
  /** A watched actor has ended; also sent when it was dead already. */
  { readonly type: 'terminated'; readonly ref: Ref<never>; readonly cause: Cause };

/** One incarnation of an actor: private state lives in the closure that made it. */
export interface Receive<in Message> {
  /** Handles one message; at most one call is under way at a time. A promise holds the next message back. */
  readonly message: (message: Message) => void | Promise<void>;
  readonly signal?: (signal: Signal) => void | Promise<void>;
  /**
   * Runs once when this incarnation ends, by stop or before a restart, after its running turn has settled. After an
   * abandoned turn it runs when that turn settles after all, which may be never; use `context.signal` to let go at once.
   */
  readonly ended?: (cause: Cause) => void | Promise<void>;
}

/** Makes an incarnation; called at start and at each restart. It may be asynchronous (messages wait meanwhile). */
export type Behavior<Message> = (context: ActorContext<Message>) => Receive<Message> | Promise<Receive<Message>>;

/** What happens when a child fails; a supervisor's policy, compiled to a function. */
export type Decision =
  | { readonly type: 'restart'; readonly delayMs: number }
  | { readonly type: 'stop' }
  | { readonly type: 'escalate' };

export interface Failure {
  readonly ref: Ref<never>;
  readonly error: Error;
  /**
   * Whether it failed while starting (its behaviour threw) or while handling something. `restart`: somebody asked for it
   * from outside, and the actor itself has done nothing wrong. `stalled`: messages waited, and none was handled in time.
   */
  readonly during: 'start' | 'message' | 'signal' | 'turn-deadline' | 'stalled' | 'restart';
}

export interface SpawnOptions {
  /** Messages the user lane holds; beyond it `tell` answers `full`. Default 10 000. */
  readonly capacity?: number;
  /** How long a stop waits for the running turn and the children, in milliseconds. Default 5 000. */
  readonly shutdownMs?: number;
  /** Asked at each failure. Default: stop. */
  readonly onFailure?: (failure: Failure) => Decision;
  /** A turn that runs longer is abandoned and counts as a failure. Default: none. */
  readonly turnDeadlineMs?: number;
  /**
   * While messages wait, one must be handled within this time, or the actor has failed: its turn is abandoned. Unlike a
   * turn deadline it lets a long turn be, as long as nobody waits for it. Default: none.
   */
  readonly progressWithinMs?: number;
  /**
   * The name is taken even if a turn of the last actor that bore it was given up at its stop deadline and still runs. For
   * supervisors, which must be able to replace what hangs; nothing that such a turn still does reaches the new actor.
   * Default false: `WEIR_NAME_IN_USE` until that turn has settled.
   */
  readonly besideAbandoned?: boolean;
  /** Facts that inspection shows beside the actor, asked for when somebody looks. */
  readonly inspect?: () => Readonly<Record<string, unknown>>;
}

export interface AskOptions {
  readonly withinMs: number;
}

export interface ActorContext<Message> {
  /** Its address as this incarnation: for whatever this one asks for, and no other must get. */
  readonly self: Ref<Message>;
  /** Its address over all incarnations, as `spawn` returned it: to be handed out for work that a restart must not lose. */
  readonly address: Ref<Message>;
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborted when this incarnation ends; give it to whatever the actor has started outside. */
  readonly signal: AbortSignal;
  /** Starts a child. @throws WeirError `WEIR_NAME_IN_USE`, `WEIR_NAME_INVALID`, `WEIR_ACTOR_DEAD` */
  spawn<Child>(name: string, behavior: Behavior<Child>, options?: SpawnOptions): Ref<Child>;
  /** Stops a child (leaf first); resolves when it has terminated. */
  stop(child: Ref<never>): Promise<void>;
  /** Ends this actor after the current message, with cause `finished`. */
  finish(): void;
  /** Ends this actor as if it had thrown `error`; for failures noticed outside a turn. */
  fail(error: Error): void;
  watch(ref: Ref<never>): void;
  unwatch(ref: Ref<never>): void;
  /** Sends `make(replyTo)` and resolves with the reply. @throws WeirError `WEIR_ASK_TIMEOUT`, `WEIR_MAILBOX_FULL`, `WEIR_ACTOR_DEAD` */
  ask<const Request, Reply>(
    ref: Ref<Request>,
    make: (replyTo: Ref<Reply>) => Request,
    options: AskOptions,
  ): Promise<Reply>;
  /** Tells `message` to this incarnation after `delayMs`; a timer of the same key is replaced. */
  startTimer(key: string, message: Message, delayMs: number): void;
  cancelTimer(key: string): void;
  /** Tells `message` whenever nothing else arrived for `delayMs`. `undefined` ends it. */
  receiveTimeout(delayMs: number | undefined, message?: Message): void;
  /** Keeps a message for `unstashAll`, at most as many as the mailbox's capacity. */
  stash(message: Message): TellResult;
  /** Puts stashed messages back in front of the mailbox, oldest first. */
  unstashAll(): void;
}

/** One node of the live tree. */
export interface ActorSnapshot {
  readonly path: string;
  readonly uid: number;
  readonly state: 'starting' | 'live' | 'suspended' | 'restarting' | 'draining' | 'dead';
  readonly restarts: number;
  readonly lastFailure?: string;
  readonly mailbox: number;
  /** Age of the oldest queued message in milliseconds; 0 when there is none. */
  readonly waitMs: number;
  /** Age of the running turn in milliseconds; 0 when there is none. */
  readonly turnMs: number;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly children: readonly ActorSnapshot[];
}

export interface DeadLetter {
  readonly path: string;
  readonly reason: 'dead' | 'full' | 'stopped' | 'stale' | 'late-reply';
  readonly message: unknown;
}

/** Conservation of messages (AK15): accepted = handled + dead-lettered + queued, at any moment. */
export interface MessageCounts {
  readonly accepted: number;
  readonly handled: number;
  readonly deadLettered: number;
  readonly queued: number;
  /** Refused with `full`; never accepted. */
  readonly refused: number;
  /** Asks that nobody answered within their time, whatever became of their messages. */
  readonly timedOut: number;
}

/**
 * `started`: its first incarnation is made; `failed`: what its policy decided follows; `restarted`: another incarnation is
 * made; `escalated`: it failed, ended, and its owner fails with it; `dead-letter`: a message found nobody at its path;
 * `name-refused`: an actor was not started, since another one has its name, or it can be no name.
 */
export type ActorEventType =
  | 'started'
  | 'failed'
  | 'restarted'
  | 'escalated'
  | 'stopped'
  | 'suspended'
  | 'resumed'
  | 'dead-letter'
  | 'name-refused';

export interface ActorEvent {
  /** Grows by one with each event of the system. */
  readonly seq: number;
  /** Wall clock, milliseconds since 1970. */
  readonly at: number;
  readonly type: ActorEventType;
  readonly path: string;
  /** The incarnation, unless nobody was there. */
  readonly uid: number | undefined;
  /** The cause in one line; of a dead letter its reason and the message's type tag. */
  readonly why: string | undefined;
}

export interface ActorEventPage {
  /** In order. */
  readonly events: readonly ActorEvent[];
  /** What to ask for next time. */
  readonly next: number;
  /** Events in between that are not kept any more: of each type the newest 256 are. */
  readonly missed: number;
}

export interface ActorEvents {
  /** Events after number `seq`; 0 gives all that are kept. */
  since(seq: number): ActorEventPage;
  /** How often each type has happened, those that are not kept any more included. */
  counts(): ReadonlyMap<ActorEventType, number>;
  /** Told at each event, within the turn that caused it: look and return. Gives how to end that. */
  listen(listener: (event: ActorEvent) => void): () => void;
}

export interface TraceSettings {
  /** Messages kept, the newest; at most 1 000. Default 100. */
  readonly keep?: number;
  /** Takes one message out of so many. Default 1: each. */
  readonly every?: number;
}

/** One message or signal that an actor has handled, as far as anybody may see it. */
export interface TracedMessage {
  /** When its turn began: wall clock, milliseconds since 1970. */
  readonly at: number;
  /** The incarnation that handled it; undefined for a signal. */
  readonly uid: number | undefined;
  /** Its type tag, or the type of its value. */
  readonly kind: string;
  /** Milliseconds from its arrival to its turn. */
  readonly waitMs: number;
  /** Milliseconds that its turn took; undefined while that runs, or was given up. */
  readonly tookMs: number | undefined;
  /** Messages that waited behind it. */
  readonly waiting: number;
  readonly outcome: 'running' | 'handled' | 'failed';
}

/** What one actor handles, from now on and over restarts, until it is stopped: kinds and times, never contents. */
export interface ActorTrace {
  /** Messages and signals that went by, those that were not taken included. */
  readonly seen: number;
  entries(): readonly TracedMessage[];
  stop(): void;
}

/** `not-allowed`: the actor is there, but starting, between two incarnations or ending, and cannot be steered just now. */
export type SteeringAnswer = 'done' | 'no-such-actor' | 'not-allowed';

/** Acts on one actor by its path, such as `/services/rpc`, for operators and for tests that inject failures. */
export interface Steering {
  /** It handles nothing until it is resumed, neither messages nor signals; a running turn goes on. A restart or a stop ends that. */
  suspend(path: string): SteeringAnswer;
  resume(path: string): SteeringAnswer;
  /** Stops it and what is below it; resolves when it has terminated. What follows is its supervisor's to say. */
  stop(path: string): Promise<SteeringAnswer>;
  /**
   * A new incarnation, by way of its failure policy: it fails with `WEIR_ACTOR_RESTARTED` when its running turn has
   * settled, or is given up after its stop deadline. Without a policy it is restarted at once.
   */
  restart(path: string): SteeringAnswer;
  /** Its next turn throws `error`; no message is used up for it. */
  crash(path: string, error: Error): SteeringAnswer;
  /** Its next turn does not settle for `forMs` milliseconds; without them not before it is released. */
  hang(path: string, forMs?: number): SteeringAnswer;
  /** Its mailbox answers `full` until it is released, over restarts too. */
  fill(path: string): SteeringAnswer;
  /** Ends what `hang` and `fill` have done to it. */
  release(path: string): SteeringAnswer;
}

export interface ActorSystem {
  readonly clock: Clock;
  readonly steer: Steering;
  /** Starts a top-level actor. */
  spawn<Message>(name: string, behavior: Behavior<Message>, options?: SpawnOptions): Ref<Message>;
  stop(ref: Ref<never>): Promise<void>;
  /** From outside any actor, as an edge does. */
  ask<const Request, Reply>(
    ref: Ref<Request>,
    make: (replyTo: Ref<Reply>) => Request,
    options: AskOptions,
  ): Promise<Reply>;
  /** Resolves with the cause when the actor has terminated (at once if it has already). */
  terminated(ref: Ref<never>): Promise<Cause>;
  tree(): readonly ActorSnapshot[];
  /** What happens to actors. */
  readonly events: ActorEvents;
  /** Begins a trace of the actor at `path`; undefined if there is none. */
  trace(path: string, settings?: TraceSettings): ActorTrace | undefined;
  counts(): MessageCounts;
  onDeadLetter(listener: (letter: DeadLetter) => void): void;
  /** A top-level actor escalated: nobody is left to handle it. */
  onEscalation(listener: (path: string, error: Error) => void): void;
  /** Ends everything at once, as the death of its process would: no turn runs any more, and nothing is told of it. */
  destroy(): void;
  /** Stops everything, leaves first, in reverse start order; resolves when nothing runs any more. */
  terminate(): Promise<void>;
}
