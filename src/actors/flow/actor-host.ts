/**
 * The persistent actors of a shard. A message is handled at once, in the turn that absorbs it: new state, answer and
 * the mark of the message become durable together, so it takes effect once (FE20).
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import { type ActorHead, actorHead, decodeValue, encodeValue } from '../../persistence/index.ts';
import type { Identity } from '../../ports/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import { issuesOf } from './context.ts';
import { ApplicationError, faultOf } from './faults.ts';
import { actorAddress } from './ids.ts';
import { checkSize } from './limits.ts';
import type { ActorEffects, ActorScope } from './persistent-actor.ts';
import type { ActorReply } from './protocol.ts';
import type { AnyActor, Registry } from './registry.ts';

/** What actors need of their shard. */
type ActorHostSetup = Pick<ShardHost, 'clock' | 'log' | 'limits'>;

export interface ActorCall {
  readonly member: Identity;
  readonly actor: string;
  readonly key: string;
  readonly type: string;
  readonly body: Uint8Array;
}

type Handler = (state: unknown, body: unknown, scope: ActorScope) => ActorEffects<unknown, unknown>;

const noBytes = new Uint8Array();

export class ActorHost {
  readonly #host: ActorHostSetup;
  readonly #registry: Registry;
  readonly #heads = new Map<string, ActorHead>();
  readonly #parked = new Set<string>();

  constructor(host: ActorHostSetup, registry: Registry) {
    this.#host = host;
    this.#registry = registry;
  }

  get size(): number {
    return this.#heads.size;
  }

  restore(address: string, value: Uint8Array): void {
    this.#heads.set(address, actorHead.decode(value));
  }

  /** The actor's state cannot be read here: it refuses everything, so that no new one takes its place. */
  park(address: string): void {
    this.#parked.add(address);
  }

  /** Handles one message; what it changes goes into `changes`, unless it refuses. */
  handle(call: ActorCall, changes: ChangeSet): ActorReply {
    const { member, actor, key, type } = call;
    const definition = this.#registry.actor(member, actor);
    const handler = definition !== undefined && Object.hasOwn(definition.on, type) ? definition.on[type] : undefined;
    if (definition === undefined || typeof handler !== 'function') {
      return { type: 'refused', fault: faultOf(new WeirError('WEIR_ACTOR_UNKNOWN', { actor, type })) };
    }
    const address = actorAddress(member, actor, key);
    if (this.#parked.has(address)) {
      const why = 'its state was written by a newer version, or is damaged';
      return {
        type: 'refused',
        fault: faultOf(new WeirError('WEIR_ACTOR_FAILED', { actor: `${actor}/${key}`, type, why })),
      };
    }
    try {
      // The registry keeps actors of all types; each handler meets only state and bodies of its own schemas.
      return this.#run(definition, handler as Handler, address, call, changes);
    } catch (thrown) {
      if (thrown instanceof ApplicationError) return { type: 'refused', fault: faultOf(thrown) };
      this.#host.log.error({ address, type, err: thrown }, 'a persistent actor failed on a message');
      const error = new WeirError(
        'WEIR_ACTOR_FAILED',
        { actor: `${actor}/${key}`, type, why: messageOf(thrown) },
        thrown,
      );
      return { type: 'refused', fault: faultOf(error) };
    }
  }

  #run(definition: AnyActor, handler: Handler, address: string, call: ActorCall, changes: ChangeSet): ActorReply {
    const { key, type, member } = call;
    const head = this.#heads.get(address);
    const now = this.#host.clock.now();
    // State is made anew from its bytes for each message: a handler that changes it and then throws leaves no trace.
    const state = head === undefined ? definition.state.parse(definition.initial(key)) : decodeValue(head.state);
    const message = definition.messages[type];
    const body = message?.body.safeParse(decodeValue(call.body));
    if (body?.success === false) {
      const why = issuesOf(body.error);
      throw new ApplicationError(
        'WEIR_MESSAGE_INVALID',
        `message ${type} does not fit actor ${definition.name}: ${why}`,
      );
    }
    const effects = handler(state, body?.data, { key, now });
    if (effects instanceof Promise)
      throw new TypeError(`the handler of ${type} is asynchronous; what awaits belongs in a step of a flow`);
    const reply =
      message?.reply === undefined ? noBytes : encodeValue(message.reply.parse(effects.reply), `the reply to ${type}`);
    // Refused here: behind this line the answer would have to fit into somebody else's records.
    checkSize(this.#host, definition.name, `the reply to ${type}`, reply.length);
    if (effects.state !== undefined) {
      const bytes = encodeValue(definition.state.parse(effects.state), `the state of actor ${definition.name}`);
      const next: ActorHead = {
        actor: definition.name,
        version: definition.version,
        memberName: member.name,
        memberGroup: member.group,
        key,
        // Kept for as long as the actor, it must not keep the memory of its neighbours.
        state: bytes.slice(),
        updated: now,
      };
      const record = actorHead.encode(next);
      if (record.length > this.#host.limits.maxRecordBytes) {
        const limit = this.#host.limits.maxRecordBytes;
        throw new WeirError('WEIR_FLOW_TOO_LARGE', {
          what: 'the state',
          flow: definition.name,
          bytes: record.length,
          limit,
        });
      }
      this.#heads.set(address, next);
      changes.put(`c/${address}`, record);
    }
    return { type: 'reply', body: reply };
  }
}
