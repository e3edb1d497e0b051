/** Who does something and why: carried by every command, asked before it commits. */
export interface Principal {
  /** Stable name, such as `local:operator` or a certificate's subject. */
  readonly name: string;
  readonly kind: 'operator' | 'client' | 'member' | 'system';
}

/** Every command carries who gave it and why; both end up in the audit. */
export interface Authority {
  readonly principal: Principal;
  /** Free text; may be empty for clients, operators are asked for one. */
  readonly reason: string;
}

export type Action =
  | 'flow.start'
  | 'flow.read'
  | 'flow.retry'
  | 'flow.kill'
  | 'flow.cancel'
  | 'flow.signal'
  | 'audit.read'
  | 'actor.ask'
  | 'actor.steer'
  | 'chaos.inject'
  | 'shard.move'
  | 'worker.drain'
  | 'node.read';

/** What the action is on: a member, a flow class, one flow, or an actor of the node. */
export interface Resource {
  readonly member?: string;
  readonly flow?: string;
  readonly flowId?: string;
  /** Path of an actor of the node, such as `/services/rpc`. */
  readonly actor?: string;
  /** Name of a worker. */
  readonly worker?: string;
}

/** Answers whether `principal` may do `action` on `resource`. Must not block: it is asked on the hot path. */
export type Authorize = (principal: Principal, action: Action, resource: Resource) => boolean;

/** For embedding and for a node that listens on loopback only: whoever can reach it may do everything. */
export const allowAll: Authorize = () => true;
