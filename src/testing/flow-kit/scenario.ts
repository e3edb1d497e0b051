/**
 * The words in which a test of a flow is written. Each gives a new scenario and changes none, so that several tests may
 * go on from one beginning.
 */
import type { input, output, ZodType } from 'zod';
import {
  type ActorMessageTypes,
  ApplicationError,
  type FlowDefinition,
  type MessageTypes,
  type PersistentActor,
  type Protocol,
} from '../../actors/flow/index.ts';
import { type Duration, identityOf, type MemberName, toMs } from '../../ports/index.ts';
import { brief, type CallSite, callSite, type Expected } from '../expectation.ts';
import { bodyOf } from '../scripted-member.ts';
import { type Endings, endings } from './endings.ts';
import {
  type ActorLine,
  actorName,
  type Box,
  type Channel,
  type FlowKitSettings,
  type Line,
  type Script,
} from './script.ts';

/** A test of one flow, up to some line. */
export class FlowScenario<Input, Result> {
  /** @internal */
  protected readonly script: Script;

  /** @internal */
  constructor(script: Script) {
    this.script = script;
  }

  /** What the flow is started with. */
  input(input: Input): FlowScenario<Input, Result> {
    return new FlowScenario({ ...this.script, begin: { type: 'input', value: input } });
  }

  /** The flow begins in this stage, with this state, as if it had come there by `become`. */
  stage(name: string, state: unknown): FlowScenario<Input, Result> {
    return new FlowScenario({ ...this.script, stage: { name, state } });
  }

  /** A peer opens a session, which starts the flow; speaks for that peer. */
  openedBy<Initiator extends MessageTypes, Responder extends MessageTypes>(
    peer: MemberName,
    protocol: Protocol<Initiator, Responder>,
  ): PeerScenario<Input, Result, Initiator, Responder> {
    const channel: Channel = { peer: identityOf(peer), protocol, role: 'initiator', nth: 1 };
    const script: Script = { ...this.script, begin: { type: 'opened', channel } };
    return new PeerScenario(script, channel, protocol.initiator);
  }

  /**
   * Speaks for the peer of a session that the flow opens. `nth` tells sessions of one protocol with one peer apart, in
   * the order in which they are opened; default 1.
   */
  session<Initiator extends MessageTypes, Responder extends MessageTypes>(
    peer: MemberName,
    protocol: Protocol<Initiator, Responder>,
    { nth = 1 }: { readonly nth?: number } = {},
  ): PeerScenario<Input, Result, Responder, Initiator> {
    const channel: Channel = { peer: identityOf(peer), protocol, role: 'responder', nth };
    return new PeerScenario(this.script, channel, protocol.responder);
  }

  /** What the next run of this step does; without a word about it its body runs. */
  step(name: string): StepScenario<Input, Result> {
    return new StepScenario(this.script, name);
  }

  /** Speaks for a persistent actor of the flow's member. */
  actor<State extends ZodType, Messages extends ActorMessageTypes>(
    definition: PersistentActor<State, Messages>,
    key: string,
  ): ActorScenario<Input, Result, State, Messages> {
    return new ActorScenario(this.script, definition, key);
  }

  /** Time passes. */
  advance(duration: Duration): FlowScenario<Input, Result> {
    const site = callSite(this.advance);
    return new FlowScenario(
      plus(this.script, { type: 'advance', site, text: `advance ${duration}`, ms: toMs(duration) }),
    );
  }

  /** Ends the test: `await given(buy).input(...).then.completed(...)`. */
  // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words of such a test; it is no function, so nothing awaits it
  get then(): Endings<Result> {
    return endings<Result>(this.script);
  }
}

/** A scenario that speaks for a peer. */
export class PeerScenario<
  Input,
  Result,
  Outbound extends MessageTypes,
  Inbound extends MessageTypes,
> extends FlowScenario<Input, Result> {
  readonly #channel: Channel;
  readonly #outbound: Outbound;

  /** @internal */
  constructor(script: Script, channel: Channel, outbound: Outbound) {
    super(script);
    this.#channel = channel;
    this.#outbound = outbound;
  }

  /** The next message of the flow in this session: of this type, with this body if one is given. */
  receives<Type extends keyof Inbound & string>(
    type: Type,
    ...body: [] | [Expected<output<Inbound[Type]>>]
  ): PeerScenario<Input, Result, Outbound, Inbound> {
    const text = `send ${type} to ${this.#channel.peer.name}${body.length === 0 ? '' : ` ${shown(body[0])}`}`;
    const channel = this.#channel;
    return this.#plus({
      type: 'receives',
      channel,
      message: type,
      body: box(body),
      site: callSite(this.receives),
      text,
    });
  }

  /** Answers. */
  replies<Type extends keyof Outbound & string>(
    type: Type,
    body: input<Outbound[Type]>,
  ): PeerScenario<Input, Result, Outbound, Inbound> {
    return this.#says(type, body, callSite(this.replies));
  }

  /** Says something unasked; the same as `replies`. */
  sends<Type extends keyof Outbound & string>(
    type: Type,
    body: input<Outbound[Type]>,
  ): PeerScenario<Input, Result, Outbound, Inbound> {
    return this.#says(type, body, callSite(this.sends));
  }

  /** Closes its end of the session. */
  closes(): PeerScenario<Input, Result, Outbound, Inbound> {
    const { name } = this.#channel.peer;
    return this.#plus({ type: 'closes', channel: this.#channel, site: callSite(this.closes), text: `${name} closes` });
  }

  /** Its flow FAILS. */
  fails(reason = 'the peer has failed'): PeerScenario<Input, Result, Outbound, Inbound> {
    const text = `${this.#channel.peer.name} fails`;
    return this.#plus({ type: 'fails', channel: this.#channel, reason, site: callSite(this.fails), text });
  }

  /** Nobody answers this protocol there. */
  rejects(reason = 'nobody answers there'): PeerScenario<Input, Result, Outbound, Inbound> {
    const text = `${this.#channel.peer.name} rejects the session`;
    return this.#plus({ type: 'rejects', channel: this.#channel, reason, site: callSite(this.rejects), text });
  }

  /** Takes everything from here on, and says nothing. */
  staysSilent(): PeerScenario<Input, Result, Outbound, Inbound> {
    const text = `${this.#channel.peer.name} stays silent`;
    return this.#plus({ type: 'silent', channel: this.#channel, site: callSite(this.staysSilent), text });
  }

  #says(type: string, body: unknown, site: CallSite): PeerScenario<Input, Result, Outbound, Inbound> {
    const channel = this.#channel;
    const bytes = bodyOf(this.#outbound, type, body, channel.protocol.name);
    return this.#plus({
      type: 'sends',
      channel,
      message: type,
      body: bytes,
      site,
      text: `${channel.peer.name} sends ${type}`,
    });
  }

  #plus(line: Line): PeerScenario<Input, Result, Outbound, Inbound> {
    return new PeerScenario(plus(this.script, line), this.#channel, this.#outbound);
  }
}

/** What a run of a step does. A step that is tried again runs again. */
export class StepScenario<Input, Result> {
  readonly #script: Script;
  readonly #name: string;

  /** @internal */
  constructor(script: Script, name: string) {
    this.#script = script;
    this.#name = name;
  }

  /** Its body does not run; this is its result. */
  returns(value: unknown): FlowScenario<Input, Result> {
    return this.#acts({ type: 'returns', value }, callSite(this.returns));
  }

  /** Its body does not run; this is thrown. */
  throws(error: Error): FlowScenario<Input, Result> {
    return this.#acts({ type: 'throws', error }, callSite(this.throws));
  }

  /** Its body runs; the step is expected. */
  runs(): FlowScenario<Input, Result> {
    return this.#acts({ type: 'runs' }, callSite(this.runs));
  }

  /** Its body never comes to an end. */
  hangs(): FlowScenario<Input, Result> {
    return this.#acts({ type: 'hangs' }, callSite(this.hangs));
  }

  #acts(act: Script['steps'][number]['act'], site: CallSite): FlowScenario<Input, Result> {
    const line = { site, text: `step "${this.#name}"`, name: this.#name, act };
    return new FlowScenario({ ...this.#script, steps: [...this.#script.steps, line] });
  }
}

/** A scenario that speaks for a persistent actor. */
export class ActorScenario<
  Input,
  Result,
  State extends ZodType,
  Messages extends ActorMessageTypes,
> extends FlowScenario<Input, Result> {
  readonly #definition: PersistentActor<State, Messages>;
  readonly #key: string;

  /** @internal */
  constructor(script: Script, definition: PersistentActor<State, Messages>, key: string) {
    super(script);
    this.#definition = definition;
    this.#key = key;
  }

  /** It runs for real, and begins with this state. */
  has(state: input<State>): FlowScenario<Input, Result> {
    const given = { definition: this.#definition, key: this.#key, state };
    return new FlowScenario({ ...this.script, given: [...this.script.given, given] });
  }

  /** The next message to it: an `ask` of this type, with this body if one is given. Say what it answers. */
  asked<Type extends keyof Messages & string>(
    type: Type,
    ...body: [] | [Expected<output<Messages[Type]['body']>>]
  ): AskedScenario<Input, Result, State, Messages, Type> {
    const line = this.#line('ask', type, body, callSite(this.asked));
    return new AskedScenario<Input, Result, State, Messages, Type>((answer) => this.#plus({ ...line, answer }));
  }

  /** The next message to it: a `tell` of this type, with this body if one is given. */
  told<Type extends keyof Messages & string>(
    type: Type,
    ...body: [] | [Expected<output<Messages[Type]['body']>>]
  ): ActorScenario<Input, Result, State, Messages> {
    return this.#plus(this.#line('tell', type, body, callSite(this.told)));
  }

  #line(op: 'ask' | 'tell', message: string, body: readonly unknown[], site: CallSite): ActorLine {
    const definition = this.#definition;
    const what = body.length === 0 ? '' : ` ${shown(body[0])}`;
    const text = `${op} ${actorName(definition, this.#key)} ${message}${what}`;
    return { site, text, definition, key: this.#key, op, message, body: box(body), answer: undefined };
  }

  #plus(line: ActorLine): ActorScenario<Input, Result, State, Messages> {
    const script = { ...this.script, actors: [...this.script.actors, line] };
    return new ActorScenario(script, this.#definition, this.#key);
  }
}

type ReplyInput<Message> = Message extends { readonly reply: infer Reply extends ZodType } ? input<Reply> : undefined;

/** What a persistent actor answers. */
export class AskedScenario<
  Input,
  Result,
  State extends ZodType,
  Messages extends ActorMessageTypes,
  Type extends keyof Messages & string,
> {
  readonly #plus: (answer: ActorLine['answer']) => ActorScenario<Input, Result, State, Messages>;

  /** @internal */
  constructor(plus: (answer: ActorLine['answer']) => ActorScenario<Input, Result, State, Messages>) {
    this.#plus = plus;
  }

  /** The reply. */
  answers(value: ReplyInput<Messages[Type]>): ActorScenario<Input, Result, State, Messages> {
    return this.#plus({ type: 'replies', value });
  }

  /** It refuses, with an `ApplicationError`. */
  refuses(code: string, message: string = code, details?: unknown): ActorScenario<Input, Result, State, Messages> {
    return this.#plus({ type: 'refuses', error: new ApplicationError(code, message, details) });
  }
}

/**
 * A test of a flow, in given, when and then.
 *
 * ```ts
 * await given(buy)
 *   .input({ seller: 'SELLER', item: 'chair', count: 2 })
 *   .session('SELLER', trade)
 *   .receives('offer', { item: 'chair', count: 2 })
 *   .replies('agree', { price: 20n })
 *   .receives('paid')
 *   .step('charge')
 *   .returns('r-1')
 *   .then.completed({ receipt: 'r-1' });
 * ```
 */
export function given<Input, Result>(
  flow: FlowDefinition<Input, Result>,
  settings: FlowKitSettings = {},
): FlowScenario<Input, Result> {
  return new FlowScenario({
    flow,
    settings,
    begin: undefined,
    stage: undefined,
    lines: [],
    steps: [],
    actors: [],
    given: [],
  });
}

/** A flow with the settings of its tests. */
export interface FlowKit<Input, Result> {
  /** The beginning of a test; in a stage with a state, or in `start`. */
  given(stage?: string, state?: unknown): FlowScenario<Input, Result>;
}

/** A kit for several tests of one flow: `const { given } = flowKit(buy, { member: 'ACME' })`. */
export function flowKit<Input, Result>(
  flow: FlowDefinition<Input, Result>,
  settings: FlowKitSettings = {},
): FlowKit<Input, Result> {
  return {
    given: (stage, state) => {
      const scenario = given(flow, settings);
      return stage === undefined ? scenario : scenario.stage(stage, state);
    },
  };
}

function plus(script: Script, line: Line): Script {
  return { ...script, lines: [...script.lines, line] };
}

function box(values: readonly unknown[]): Box | undefined {
  return values.length === 0 ? undefined : { value: values[0] };
}

function shown(expected: unknown): string {
  if (typeof expected !== 'function') return brief(expected);
  return expected.name === '' ? '(that passes a test)' : `(that passes "${expected.name}")`;
}
