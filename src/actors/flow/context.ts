/**
 * The context of a stage: turns calls of flow code into operations, and checks at the call what can be checked there,
 * so that a mistake is reported at the line that made it.
 */
import type { ZodType } from 'zod';
import { messageOf, WeirError } from '../../errors/index.ts';
import { decodeValue, encodeValue, type SessionRecord } from '../../persistence/index.ts';
import { type Duration, type Identity, type LogFields, type Logger, silentLogger, toMs } from '../../ports/index.ts';
import type { Become, Failed, FlowContext, FlowDefinition } from './definition.ts';
import { FlowError, platformFault } from './faults.ts';
import { derived } from './ids.ts';
import { type FlowInstance, peerOf } from './instance.ts';
import { type Operation, perform } from './operation.ts';
import type { ActorMessageTypes, PersistentActor } from './persistent-actor.ts';
import type { Session } from './session.ts';
import type { MessageTypes, Protocol } from './session-protocol.ts';
import type { StepBody, StepOptions } from './step.ts';

/** What `receive` gives the generator: type and bytes of a message; nothing stands for "timed out". */
export type RawMessage = readonly [type: string, body: Uint8Array] | readonly [];

export interface ContextSetup {
  readonly flow: FlowInstance;
  readonly definition: FlowDefinition<never, unknown>;
  /** Whether code runs for the first time, not in replay. */
  readonly live: () => boolean;
  readonly logger: () => Logger;
  /** Where the stage is: the same at the first run and at every replay. */
  readonly place: () => string;
}

export function flowContext({ flow, definition, live, logger, place }: ContextSetup): FlowContext {
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

  const context = {
    flowId: flow.id,
    member,
    get log(): Logger {
      return replayAware(logger(), live);
    },
    get initiator(): unknown {
      const { responds } = definition;
      const session = flow.head.sessions.find(({ role }) => role === 'responder');
      if (responds === undefined || session === undefined) return undefined;
      return sessionHandle(session, responds, responds.responder, responds.initiator);
    },
    step: <T>(name: string, body: StepBody<T>, options: StepOptions = {}): Operation<T> =>
      perform({ op: 'step', label: name, body, options }),
    sleep: (duration: Duration): Operation<void> =>
      perform({ op: 'sleep', label: String(duration), ms: toMs(duration) }),
    *session(
      peer: Identity | string,
      protocol: Protocol,
      { name = '' }: { readonly name?: string } = {},
    ): Operation<Session<MessageTypes, MessageTypes>> {
      const { name: peerName, group: peerGroup } =
        typeof peer === 'string' ? { name: peer, group: member.group } : peer;
      const label = `${protocol.name} ${peerName}`;
      const id = yield* perform<string>({ op: 'open', label, peerName, peerGroup, protocol, name });
      const session = flow.session(id);
      if (session === undefined) throw new WeirError('WEIR_SESSION_CLOSED', { session: id, peer: peerName });
      return sessionHandle(session, protocol, protocol.initiator, protocol.responder);
    },
    actor: (actor: PersistentActor, key: string) => actorHandle(actor, key),
    *now(): Operation<Date> {
      return new Date(yield* perform<number>({ op: 'now', label: '' }));
    },
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
      return { outcome: 'become', stage, state: parsed.data };
    },
    failed: (code: string, details?: unknown): Failed => ({ outcome: 'failed', code, details }),
  };
  // The definition's types stand for what the schemas have checked; inside the engine all contexts are alike.
  return context as unknown as FlowContext;
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
): Session<MessageTypes, MessageTypes> {
  const { id } = session;
  function* receive(options?: { readonly within: Duration }): Operation<never> {
    const withinMs = options === undefined ? undefined : toMs(options.within);
    const [type, bytes] = yield* perform<RawMessage>({ op: 'receive', label: id, session: id, withinMs });
    if (type === undefined || bytes === undefined) return { type: 'timedOut' } as never;
    return { type, body: checked(protocol, inbound, type, readBody(protocol, type, bytes)) } as never;
  }
  return {
    id,
    peer: peerOf(session),
    *send(type, body) {
      const bytes = encodeValue(
        checked(protocol, outbound, type, body),
        `message "${type}" of protocol ${protocol.name}`,
      );
      yield* perform({ op: 'send', label: `${id} ${type}`, session: id, type, body: bytes });
    },
    receive,
    close: () => perform({ op: 'close', label: id, session: id }),
  };
}

/** What a peer sent is not trusted: bytes that nobody can read are as wrong as a body that does not fit. */
function readBody(protocol: Protocol, type: string, bytes: Uint8Array): unknown {
  try {
    return decodeValue(bytes);
  } catch (error) {
    throw invalid(type, protocol.name, messageOf(error));
  }
}

/** @throws FlowError `WEIR_MESSAGE_INVALID` */
function checked(protocol: Protocol, types: MessageTypes, type: string, body: unknown): unknown {
  const schema = Object.hasOwn(types, type) ? types[type] : undefined;
  if (schema === undefined) throw invalid(type, protocol.name, 'it has no such message in this direction');
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw invalid(type, protocol.name, issuesOf(parsed.error));
  return parsed.data;
}

function invalid(type: string, protocol: string, why: string): FlowError {
  return new FlowError(platformFault('WEIR_MESSAGE_INVALID', { type, protocol, why }));
}

function actorHandle(actor: PersistentActor<ZodType, ActorMessageTypes>, key: string) {
  const encode = (type: string, body: unknown): Uint8Array => {
    const schema = Object.hasOwn(actor.messages, type) ? actor.messages[type]?.body : undefined;
    if (schema === undefined) throw invalid(type, actor.name, 'the actor has no such message');
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw invalid(type, actor.name, issuesOf(parsed.error));
    return encodeValue(parsed.data, `message "${type}" to actor ${actor.name}`);
  };
  const label = (type: string): string => `${actor.name}/${key} ${type}`;
  return {
    *ask(type: string, body: unknown): Operation<unknown> {
      return yield* perform({ op: 'ask', label: label(type), actor: actor.name, key, type, body: encode(type, body) });
    },
    *tell(type: string, body: unknown): Operation<void> {
      yield* perform({ op: 'tell', label: label(type), actor: actor.name, key, type, body: encode(type, body) });
    },
  };
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
