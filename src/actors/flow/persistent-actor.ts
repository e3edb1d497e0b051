/**
 * Persistent actors without a script: a plain behaviour `(state, message) -> next state and effects`, kept on the same
 * shards as flows, addressed by member, type and key. Bank accounts, counters and registries are of this kind.
 */
import type { input, output, ZodType } from 'zod';
import { WeirError } from '../../errors/index.ts';
import type { Operation } from './operation.ts';

export interface ActorMessageType {
  readonly body: ZodType;
  /** Schema of the answer to `ask`; none when there is nothing to answer. */
  readonly reply?: ZodType;
}

export type ActorMessageTypes = Readonly<Record<string, ActorMessageType>>;

/** What a handler is told beside state and message. */
export interface ActorScope {
  readonly key: string;
  /** When the message is handled, in milliseconds since 1970. */
  readonly now: number;
}

/** What a handler wants: a new state, an answer. Leave a field out to keep things as they are. */
export interface ActorEffects<State, Reply> {
  readonly state?: State;
  readonly reply?: Reply;
}

type ReplyOf<Type extends ActorMessageType> = Type['reply'] extends ZodType ? output<Type['reply']> : undefined;
type ReplyInput<Type extends ActorMessageType> = Type['reply'] extends ZodType ? input<Type['reply']> : undefined;

export interface PersistentActor<
  State extends ZodType = ZodType,
  Messages extends ActorMessageTypes = ActorMessageTypes,
> {
  readonly name: string;
  readonly version: number;
  readonly state: State;
  readonly messages: Messages;
  /** State of an actor that nobody has changed yet. */
  readonly initial: (key: string) => input<State>;
  /**
   * One handler for each message type, pure: it may throw an `ApplicationError` to refuse (the asker gets it, the state
   * stays), and must not touch anything outside.
   */
  readonly on: {
    readonly [Type in keyof Messages & string]: (
      state: output<State>,
      body: output<Messages[Type]['body']>,
      scope: ActorScope,
    ) => ActorEffects<input<State>, ReplyInput<Messages[Type]>>;
  };
}

/**
 * Declares a kind of persistent actor.
 * @param name unique among the actors of a node
 * @throws WeirError `WEIR_ACTOR_DEFINITION`
 */
export function persistentActor<const State extends ZodType, const Messages extends ActorMessageTypes>(
  name: string,
  definition: Omit<PersistentActor<State, Messages>, 'name'>,
): PersistentActor<State, Messages> {
  const refuse = (why: string): never => {
    throw new WeirError('WEIR_ACTOR_DEFINITION', { name: String(name), why });
  };
  const { version, messages, on } = definition;
  if (typeof name !== 'string' || name === '') refuse('its name is empty');
  if (!Number.isInteger(version) || version < 1) refuse(`version ${version} is not a positive whole number`);
  for (const type of Object.keys(messages)) {
    if (typeof Reflect.get(on, type) !== 'function') refuse(`the message "${type}" has no handler`);
  }
  return { name, ...definition };
}

/** An actor of the flow's own member, as flow code sees it. Every message takes effect once. */
export interface ActorHandle<Messages extends ActorMessageTypes> {
  /** Sends and waits for the answer. @throws FlowError what the actor refused with */
  ask<Type extends keyof Messages & string>(
    type: Type,
    body: input<Messages[Type]['body']>,
  ): Operation<ReplyOf<Messages[Type]>>;
  /** Sends without waiting. */
  tell<Type extends keyof Messages & string>(type: Type, body: input<Messages[Type]['body']>): Operation<void>;
}

export type AnswerTo<Messages extends ActorMessageTypes, Type extends keyof Messages & string> = ReplyOf<
  Messages[Type]
>;
