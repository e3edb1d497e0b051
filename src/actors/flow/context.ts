/**
 * The context of a stage: turns calls of flow code into operations, and checks at the call what can be checked there,
 * so that a mistake is reported at the line that made it.
 */
import type { ZodType } from 'zod';
import { messageOf, WeirError } from '../../errors/index.ts';
import { decodeValue, encodeValue, type SessionRecord } from '../../persistence/index.ts';
import { type Duration, type Identity, type LogFields, type Logger, silentLogger, toMs } from '../../ports/index.ts';
import type { FlowContext, FlowDefinition } from './definition.ts';
import type { Duties } from './duties.ts';
import { FlowError, platformFault } from './faults.ts';
import { derived } from './ids.ts';
import { type FlowInstance, peerOf } from './instance.ts';
import { type Op, type Operation, perform } from './operation.ts';
import { type Become, becoming, type Failed, failing } from './outcome.ts';
import type { ActorMessageTypes, PersistentActor } from './persistent-actor.ts';
import { dutiesOf, RareParts } from './rare-context.ts';
import type { Session } from './session.ts';
import type { MessageTypes, Protocol } from './session-protocol.ts';
import { retryTimes, type StepBody, type StepOptions } from './step.ts';

/** What `receive` gives the generator: type and bytes of a message; nothing stands for "timed out". */
export type RawMessage = readonly [type: string, body: Uint8Array] | readonly [];

const noBytes = new Uint8Array();

export interface ContextSetup {
  readonly flow: FlowInstance;
  readonly definition: FlowDefinition<never, unknown>;
  /** Whether code runs for the first time, not in replay. */
  readonly live: () => boolean;
  readonly logger: () => Logger;
  /** Where the stage is: the same at the first run and at every replay. */
  readonly place: () => string;
  readonly duties: Duties;
}

export function flowContext(setup: ContextSetup): FlowContext {
  // The definition's types stand for what the schemas have checked; inside the engine all contexts are alike.
  return new StageContext(setup) as unknown as FlowContext;
}

const basis: unique symbol = Symbol('basis');

/** What a context, and those of its subflows, are made of. */
class Basis {
  readonly setup: ContextSetup;
  #parts: ContextParts | undefined;

  constructor(setup: ContextSetup) {
    this.setup = setup;
  }

  /** The same for all of them: they count together what is drawn. */
  get parts(): ContextParts {
    this.#parts ??= contextParts(this.setup);
    return this.#parts;
  }
}

/** Most stages want steps and little else: the other parts are made when one of them is asked for. */
class StageContext extends RareParts {
  readonly flowId: string;
  readonly member: Identity;
  readonly step: FlowContext['step'];
  readonly [dutiesOf]: Duties;
  readonly [basis]: Basis;

  constructor(setup: ContextSetup) {
    super();
    this.flowId = setup.flow.id;
    this.member = setup.flow.member;
    this.step = steps(setup);
    this[dutiesOf] = setup.duties;
    this[basis] = new Basis(setup);
  }

  get log(): Logger {
    const { logger, live } = this[basis].setup;
    return replayAware(logger(), live);
  }

  get initiator(): unknown {
    const { flow, definition, duties } = this[basis].setup;
    const { responds } = definition;
    const session = flow.head.sessions.find(({ role }) => role === 'responder');
    if (responds === undefined || session === undefined) return undefined;
    return sessionHandle(session, responds, responds.responder, responds.initiator, duties);
  }

  get sleep(): ContextParts['sleep'] {
    return this[basis].parts.sleep;
  }

  get session(): ContextParts['session'] {
    return this[basis].parts.session;
  }

  get actor(): ContextParts['actor'] {
    return this[basis].parts.actor;
  }

  get signal(): ContextParts['signal'] {
    return this[basis].parts.signal;
  }

  get progress(): ContextParts['progress'] {
    return this[basis].parts.progress;
  }

  get now(): ContextParts['now'] {
    return this[basis].parts.now;
  }

  get random(): ContextParts['random'] {
    return this[basis].parts.random;
  }

  get uuid(): ContextParts['uuid'] {
    return this[basis].parts.uuid;
  }

  get become(): ContextParts['become'] {
    return this[basis].parts.become;
  }

  get failed(): ContextParts['failed'] {
    return this[basis].parts.failed;
  }
}

type ContextParts = ReturnType<typeof contextParts>;

function steps({ definition, duties }: ContextSetup): FlowContext['step'] {
  const policy = retryTimes(definition.retry);
  return <T>(name: string, body: StepBody<T>, options?: StepOptions): Operation<T> => {
    checkText('the name of a step', name);
    if (typeof body !== 'function') throw new TypeError(`the body of step "${name}" is ${typeof body}, not a function`);
    const retry = options?.retry === undefined ? policy : retryTimes(options.retry, definition.retry);
    const timeoutMs = options?.timeout === undefined ? undefined : toMs(options.timeout);
    const deadlineMs = options?.deadline === undefined ? undefined : toMs(options.deadline);
    return duties.made(`step "${name}"`, () =>
      perform({ op: 'step', label: name, body, retry, timeoutMs, deadlineMs }),
    );
  };
}

function contextParts({ flow, definition, place, duties }: ContextSetup) {
  const { member } = flow;
  const { visit } = flow.head;
  let drawnAt = '';
  let draws = 0;
  /** Numbered from the place where it is drawn: what a step's body draws is not drawn again at replay. */
  const draw = (kind: string): string => {
    const at = place();
    if (at !== drawnAt) draws = 0;
    drawnAt = at;
    return derived(flow.id, visit, at, kind, draws++);
  };

  return {
    sleep(duration: Duration): Operation<void> {
      const ms = toMs(duration);
      return duties.made(`sleep "${duration}"`, () => perform({ op: 'sleep', label: String(duration), ms }));
    },
    session(
      peer: Identity | string,
      protocol: Protocol,
      { name = '' }: { readonly name?: string } = {},
    ): Operation<Session<MessageTypes, MessageTypes>> {
      const { name: peerName, group: peerGroup } =
        typeof peer === 'string' ? { name: peer, group: member.group } : peer;
      checkText('the name of a member', peerName);
      checkText('the group of a member', peerGroup);
      checkText('the name of a session', name);
      const label = `${protocol.name} ${peerName}`;
      const op: Opening = { op: 'open', label, peerName, peerGroup, protocol, name };
      return duties.made(`session "${label}"`, () => opened(flow, op, duties));
    },
    actor(actor: PersistentActor, key: string) {
      checkText(`the key of an actor ${actor.name}`, key);
      return actorHandle(actor, key, duties);
    },
    signal(given?: string | readonly string[], options?: { readonly within: Duration }): Operation<unknown> {
      const names = given === undefined ? [] : typeof given === 'string' ? [given] : given;
      for (const name of names) {
        if (!Object.hasOwn(definition.signals, name)) {
          const declared = Object.keys(definition.signals).join(', ');
          throw new TypeError(`flow ${definition.name} declares no signal "${name}"; it has: ${declared}`);
        }
      }
      const withinMs = options === undefined ? undefined : toMs(options.within);
      const label = names.length === 0 ? 'any signal' : names.join(' | ');
      return duties.made(`signal "${label}"`, () => signalled({ op: 'signal', label, names, withinMs }));
    },
    progress(text: string, details?: unknown): Operation<void> {
      checkText('the text of a report', text);
      const bytes = details === undefined ? noBytes : encodeValue(details, 'the details of a report');
      return duties.made(`progress("${text}")`, () => perform({ op: 'progress', label: text, details: bytes }));
    },
    now: (): Operation<Date> => duties.made('now()', dateNow),
    random: (): number => Number.parseInt(draw('random').slice(0, 12), 16) / 2 ** 48,
    uuid: (): string => {
      const hex = draw('uuid');
      const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    },
    become: (stage: string, state: unknown): Become => {
      const schema = definition.states[stage];
      if (schema === undefined) {
        throw new WeirError('WEIR_FLOW_STATE_INVALID', { stage, flow: definition.name, why: 'there is no such stage' });
      }
      const parsed = schema.safeParse(state);
      if (!parsed.success) {
        throw new WeirError('WEIR_FLOW_STATE_INVALID', { stage, flow: definition.name, why: issuesOf(parsed.error) });
      }
      return duties.outcome(becoming(stage, parsed.data));
    },
    failed(code: string, details?: unknown): Failed {
      checkText('the code of a failure', code);
      return duties.outcome(failing(code, details));
    },
  };
}

// Generator functions stand by themselves here, and are no closures: each closure of one that runs is given a shape of its
// own for what it makes, which lives in the old part of the heap and keeps the flow there until that is collected.

type Opening = Extract<Op, { op: 'open' }>;

function* opened(flow: FlowInstance, op: Opening, duties: Duties): Operation<Session<MessageTypes, MessageTypes>> {
  const { protocol, peerName } = op;
  const id = yield* perform<string>(op);
  const session = flow.session(id);
  if (session === undefined) throw new WeirError('WEIR_SESSION_CLOSED', { session: id, peer: peerName });
  return sessionHandle(session, protocol, protocol.initiator, protocol.responder, duties);
}

function* signalled(op: Extract<Op, { op: 'signal' }>): Operation<unknown> {
  const [type, bytes] = yield* perform<RawMessage>(op);
  if (type === undefined || bytes === undefined) return { type: 'timedOut' };
  return { type, body: decodeValue(bytes) };
}

function* dateNow(): Operation<Date> {
  return new Date(yield* perform<number>({ op: 'now', label: '' }));
}

function* heard(op: Extract<Op, { op: 'receive' }>, protocol: Protocol, inbound: MessageTypes): Operation<never> {
  const [type, bytes] = yield* perform<RawMessage>(op);
  if (type === undefined || bytes === undefined) return { type: 'timedOut' } as never;
  return { type, body: received(protocol, inbound, type, bytes) } as never;
}

function* oneAfterOther<T>(first: () => Operation<void>, second: () => Operation<T>): Operation<T> {
  yield* first();
  return yield* second();
}

/** Where zod found fault, in one line. */
export function issuesOf(error: {
  readonly issues: ReadonlyArray<{ path: readonly PropertyKey[]; message: string }>;
}): string {
  return error.issues
    .map(({ path, message }) => `${path.length === 0 ? 'value' : path.map(String).join('.')}: ${message}`)
    .join('; ');
}

function sessionHandle(
  session: SessionRecord,
  protocol: Protocol,
  outbound: MessageTypes,
  inbound: MessageTypes,
  duties: Duties,
): Session<MessageTypes, MessageTypes> {
  const { id } = session;
  /** What is wrong with a call is thrown at the call; the rest when it is run. */
  const sending = (type: string, body: unknown): (() => Operation<void>) => {
    const fit = fitting(outbound[type], Object.hasOwn(outbound, type), type, protocol.name, body);
    const bytes = encodeValue(fit, `message "${type}" of protocol ${protocol.name}`);
    return () => perform({ op: 'send', label: `${id} ${type}`, session: id, type, body: bytes });
  };
  const receiving = (options: { readonly within: Duration } | undefined): (() => Operation<never>) => {
    const withinMs = options === undefined ? undefined : toMs(options.within);
    return () => heard({ op: 'receive', label: id, session: id, withinMs }, protocol, inbound);
  };
  return {
    id,
    peer: peerOf(session),
    send: (type, body) => duties.made(`send "${type}"`, sending(type, body)),
    receive: (options?: { readonly within: Duration }) =>
      duties.made(`receive on ${protocol.name}`, receiving(options)),
    sendAndReceive(type: string, body: unknown, options?: { readonly within: Duration }) {
      const [send, receive] = [sending(type, body), receiving(options)];
      return duties.made(`sendAndReceive "${type}"`, () => oneAfterOther(send, receive));
    },
    close: () => duties.made('close()', () => perform({ op: 'close', label: id, session: id })),
  };
}

/**
 * What a peer sent is not trusted: bytes that nobody can read are as wrong as a body that does not fit.
 * @throws FlowError `WEIR_MESSAGE_INVALID`, which the flow can catch
 */
function received(protocol: Protocol, types: MessageTypes, type: string, bytes: Uint8Array): unknown {
  try {
    return fitting(types[type], Object.hasOwn(types, type), type, protocol.name, decodeValue(bytes));
  } catch (error) {
    const why = WeirError.is(error) ? String(error.context.why ?? error.message) : messageOf(error);
    throw new FlowError(platformFault('WEIR_MESSAGE_INVALID', { type, protocol: protocol.name, why }));
  }
}

/**
 * A body that its schema has accepted. A message of one's own that does not fit is a defect of the flow.
 * @throws WeirError `WEIR_MESSAGE_INVALID`
 */
function fitting(schema: ZodType | undefined, known: boolean, type: string, protocol: string, body: unknown): unknown {
  if (schema === undefined || !known) {
    throw new WeirError('WEIR_MESSAGE_INVALID', { type, protocol, why: 'it has no such message in this direction' });
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new WeirError('WEIR_MESSAGE_INVALID', { type, protocol, why: issuesOf(parsed.error) });
  return parsed.data;
}

function actorHandle(actor: PersistentActor<ZodType, ActorMessageTypes>, key: string, duties: Duties) {
  const { name, messages } = actor;
  const request = (op: 'ask' | 'tell', type: string, body: unknown): Operation<unknown> => {
    const fit = fitting(messages[type]?.body, Object.hasOwn(messages, type), type, name, body);
    const bytes = encodeValue(fit, `message "${type}" to actor ${name}`);
    const label = `${name}/${key} ${type}`;
    return duties.made(`${op} ${label}`, () => perform({ op, label, actor: name, key, type, body: bytes }));
  };
  return {
    ask: (type: string, body: unknown): Operation<unknown> => request('ask', type, body),
    tell: (type: string, body: unknown): Operation<unknown> => request('tell', type, body),
  };
}

/** What ends up in records as text has to be text, whatever the types say: JavaScript may call too. */
function checkText(what: string, value: unknown): void {
  if (typeof value !== 'string')
    throw new TypeError(`${what} is ${value === null ? 'null' : typeof value}, not a string`);
}

/** A logger for flow code: a line is written once, not again at each replay. */
function replayAware(logger: Logger, live: () => boolean): Logger {
  const target = (): Logger => (live() ? logger : silentLogger);
  return {
    debug: (fields: LogFields, message: string) => target().debug(fields, message),
    info: (fields: LogFields, message: string) => target().info(fields, message),
    warn: (fields: LogFields, message: string) => target().warn(fields, message),
    error: (fields: LogFields, message: string) => target().error(fields, message),
    child: (fields: LogFields) => replayAware(logger.child(fields), live),
  };
}
