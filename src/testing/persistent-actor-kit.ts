/**
 * One persistent actor without a node: given a state, when a message, then state and reply. Messages go through the same
 * code as on a shard, so that state, body and reply are checked and make their way through bytes.
 */
import type { input, output, ZodType } from 'zod';
import {
  ActorHost,
  type ActorMessageTypes,
  type AnswerTo,
  type PersistentActor,
  Registry,
} from '../actors/flow/index.ts';
import { actorAddress } from '../actors/flow/protocol.ts';
import { ChangeSet } from '../actors/shard/index.ts';
import { actorHead, decodeValue, encodeValue } from '../persistence/index.ts';
import { defaultGroup } from '../ports/index.ts';
import { defaultLimits } from '../transport/log/index.ts';
import { type CapturedLog, capturedLog } from './captured-log.ts';
import { callSite, difference, type Expected, meets } from './expectation.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

/** What a message has done; what is left out is not looked at. */
export interface ActorEffect<State, Reply> {
  readonly state?: Expected<State>;
  readonly reply?: Expected<Reply>;
  /** The code that it refused with; its state is the one before, then. */
  readonly refused?: string;
}

/** A persistent actor in the middle of a test. `Last` is the type of the last message. */
export interface PersistentActorScenario<
  State extends ZodType,
  Messages extends ActorMessageTypes,
  Last extends keyof Messages & string = never,
> {
  /** Handles a message; `then` speaks of the last one. */
  when<Type extends keyof Messages & string>(
    type: Type,
    body: input<Messages[Type]['body']>,
  ): PersistentActorScenario<State, Messages, Type>;
  /** The state now, and what the last message was answered with. @throws ExpectationError */
  then(effect: ActorEffect<output<State>, AnswerTo<Messages, Last>>): PersistentActorScenario<State, Messages, Last>;
  readonly state: output<State>;
}

export interface PersistentActorKit<State extends ZodType, Messages extends ActorMessageTypes> {
  /** An actor with this state; without one, an actor that nobody has changed yet. */
  given(state?: input<State>): PersistentActorScenario<State, Messages>;
  /** What `scope.now` comes from. */
  readonly clock: VirtualClock;
  readonly log: CapturedLog;
}

const member = { name: 'MEMBER', group: defaultGroup };

/**
 * A kit for one kind of persistent actor.
 *
 * ```ts
 * const { given } = persistentActorKit(shelf, 'chair');
 * given({ left: 3 }).when('take', 2).then({ state: { left: 1 }, reply: 1 });
 * given({ left: 3 }).when('take', 9).then({ refused: 'SOLD_OUT' });
 * ```
 * @param key the actor's key. Default `key`
 */
export function persistentActorKit<State extends ZodType, Messages extends ActorMessageTypes>(
  definition: PersistentActor<State, Messages>,
  key = 'key',
): PersistentActorKit<State, Messages> {
  const clock = virtualClock();
  const log = capturedLog({ clock });
  const registry = new Registry([{ identity: member, flows: [], actors: [definition] }]);
  return {
    clock,
    log,
    given(...states) {
      const host = (): ActorHost => new ActorHost({ clock, log: log.logger, limits: defaultLimits }, registry);
      const unchanged = new ActorUnderTest(definition, key, { host, now: () => clock.now() });
      return scenarioOf<State, Messages, never>(states.length === 0 ? unchanged : unchanged.with(states[0]));
    },
  };
}

function scenarioOf<State extends ZodType, Messages extends ActorMessageTypes, Last extends keyof Messages & string>(
  actor: ActorUnderTest<State, Messages>,
): PersistentActorScenario<State, Messages, Last> {
  const scenario: PersistentActorScenario<State, Messages, Last> = {
    get state() {
      return actor.state;
    },
    when(type, body) {
      return scenarioOf(actor.after(type, body));
    },
    // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words of such a test; nothing is awaited
    then(effect) {
      const site = callSite(scenario.then);
      if (typeof effect === 'function') throw site.error('this is no promise: say then({ state, reply })');
      const wrong = actor.wrong(effect);
      if (wrong !== undefined) throw site.error(wrong);
      return scenario;
    },
  };
  return scenario;
}

type Answer =
  | { readonly type: 'reply'; readonly value: unknown }
  | { readonly type: 'refused'; readonly code: string; readonly message: string };

interface Surroundings {
  readonly host: () => ActorHost;
  readonly now: () => number;
}

/** An actor at one moment: a message makes another one of it, so that tests may go on from the same one. */
class ActorUnderTest<State extends ZodType, Messages extends ActorMessageTypes> {
  readonly #definition: PersistentActor<State, Messages>;
  readonly #key: string;
  readonly #surroundings: Surroundings;
  readonly #address: string;
  /** Its record; undefined before its first change. */
  #record: Uint8Array | undefined;
  #last: { readonly text: string; readonly answer: Answer } | undefined;

  constructor(definition: PersistentActor<State, Messages>, key: string, surroundings: Surroundings) {
    this.#definition = definition;
    this.#key = key;
    this.#surroundings = surroundings;
    this.#address = actorAddress(member, definition.name, key);
  }

  get state(): output<State> {
    const { state, initial } = this.#definition;
    if (this.#record === undefined) return state.parse(initial(this.#key));
    // Parsed by its schema before it was encoded.
    return decodeValue(actorHead.decode(this.#record).state) as output<State>;
  }

  with(given: unknown): ActorUnderTest<State, Messages> {
    const { name, version, state: schema } = this.#definition;
    const state = encodeValue(schema.parse(given), `the state of actor ${name}`);
    const updated = this.#surroundings.now();
    const head = { actor: name, version, memberName: member.name, memberGroup: member.group, key: this.#key };
    return this.#next(actorHead.encode({ ...head, state, updated }));
  }

  after(type: string, given: unknown): ActorUnderTest<State, Messages> {
    const { name, messages } = this.#definition;
    const changes = new ChangeSet();
    const schema = Object.hasOwn(messages, type) ? messages[type]?.body : undefined;
    if (schema === undefined) throw new RangeError(`actor ${name} has no message "${type}"`);
    const body = encodeValue(schema.parse(given), `message "${type}" to actor ${name}`);
    const host = this.#surroundings.host();
    if (this.#record !== undefined) host.restore(this.#address, this.#record);
    const outcome = host.handle({ member, actor: name, key: this.#key, type, body }, changes);
    const record = changes.records.find(({ key }) => key === `c/${this.#address}`)?.value ?? this.#record;
    const answer: Answer =
      outcome.type === 'refused'
        ? { type: 'refused', code: outcome.fault.code, message: outcome.fault.message }
        : { type: 'reply', value: outcome.body.length === 0 ? undefined : decodeValue(outcome.body) };
    return this.#next(record, { text: `${name}/${this.#key} ${type}`, answer });
  }

  #next(record: Uint8Array | undefined, last?: { readonly text: string; readonly answer: Answer }) {
    const next = new ActorUnderTest(this.#definition, this.#key, this.#surroundings);
    next.#record = record;
    next.#last = last;
    return next;
  }

  /** What of an effect has not come about. */
  wrong<Reply>(effect: ActorEffect<output<State>, Reply>): string | undefined {
    const { text = 'the actor', answer } = this.#last ?? {};
    if (answer?.type === 'refused' && effect.refused !== answer.code) {
      return `${text} refused with ${answer.code}: ${answer.message}`;
    }
    if (effect.refused !== undefined && answer?.type !== 'refused') {
      return `${text} was to refuse with ${effect.refused}, and did not`;
    }
    if ('reply' in effect && !(answer?.type === 'reply' && meets(effect.reply, answer.value))) {
      const found = answer?.type === 'reply' ? answer.value : undefined;
      return `the reply to ${text} is another one\n${difference(effect.reply, found)}`;
    }
    if (!('state' in effect) || meets(effect.state, this.state)) return undefined;
    return `the state after ${text} is another one\n${difference(effect.state, this.state)}`;
  }
}
