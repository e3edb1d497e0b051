/**
 * What routes ask of the RPC service: one method for each request. Owns the requests that wait for results: how many
 * there may be, and that all of them are answered when the node stops.
 */
import { namesHint, WeirError } from '../../../errors/index.ts';
import {
  type Authority,
  type Authorize,
  defaultGroup,
  type Identity,
  type MemberDirectory,
} from '../../../ports/index.ts';
import type { CheckpointPart, Correction, FlowDescription, NodeAct, Signalled, Started } from '../../flow/protocol.ts';
import type { ActorSystem, Ref } from '../../kernel/index.ts';
import type {
  AuditChain,
  AuditPage,
  AuditQuery,
  AuditStretch,
  FeedCursor,
  FeedPage,
  FeedQuery,
  FlowName,
  FlowPage,
  FlowQuery,
  FlowView,
  HospitalPage,
  QueryAnswer,
  RpcAnswer,
  RpcMessage,
  RpcRequest,
  Treated,
} from '../protocol.ts';

export interface EdgeSetup {
  readonly system: ActorSystem;
  /** @throws WeirError `WEIR_NODE_NOT_READY` until the service has started */
  readonly rpc: () => Ref<RpcMessage>;
  readonly directory: MemberDirectory;
  readonly authorize: Authorize;
  /** Requests that may wait for results at one time. Default 10 000. */
  readonly maxWaiting?: number;
}

/** Whoever reaches a loopback edge is one of two: a client that starts and reads, or an operator who intervenes. */
const client: Authority = { principal: { name: 'local:http', kind: 'client' }, reason: '' };
const operator: Authority['principal'] = { name: 'local:operator', kind: 'operator' };

/** The service answers within its own deadlines; this one only ends what would otherwise never end. */
const askMarginMs = 60_000;
const memberIdPattern = /^[0-9a-f]{16}$/;

export interface StartRequest {
  readonly member: Identity;
  readonly flow: string;
  readonly clientRequestId: string;
  readonly input: unknown;
  readonly trace: string;
}

type Asked<Type extends RpcRequest['type']> = Extract<RpcRequest, { type: Type }>;

export class Edge {
  readonly #setup: EdgeSetup;
  readonly #maxWaiting: number;
  /** Each ends one wait, with the flow as it is. */
  readonly #waiting = new Set<() => void>();
  #closing = false;
  #whenQuiet: () => void = () => undefined;

  constructor(setup: EdgeSetup) {
    this.#setup = setup;
    this.#maxWaiting = setup.maxWaiting ?? 10_000;
  }

  /**
   * The member of a path: its name in `group`, or its short id, which says both.
   * @throws WeirError `WEIR_MEMBER_UNKNOWN`
   */
  member(segment: string, group = defaultGroup): Identity {
    const { directory } = this.#setup;
    const found =
      directory.find(segment, group) ?? (memberIdPattern.test(segment) ? directory.byId(segment) : undefined);
    if (found === undefined) {
      const known = directory.hosted().flatMap((member) => (member.group === group ? [member.name] : []));
      const hint = namesHint(segment, known, 'the group has');
      throw new WeirError('WEIR_MEMBER_UNKNOWN', { member: segment, group, hint });
    }
    return found;
  }

  /** @throws WeirError `WEIR_FORBIDDEN` when this edge's clients may not look into the node */
  checkRead(): void {
    const { principal } = client;
    if (this.#setup.authorize(principal, 'node.read', {})) return;
    throw new WeirError('WEIR_FORBIDDEN', { principal: principal.name, action: 'node.read' });
  }

  /**
   * Who steers the actor at `path`.
   * @throws WeirError `WEIR_FORBIDDEN` when operators of this edge may not
   */
  steerer(path: string): string {
    if (this.#setup.authorize(operator, 'actor.steer', { actor: path })) return operator.name;
    throw new WeirError('WEIR_FORBIDDEN', { principal: operator.name, action: 'actor.steer' });
  }

  /**
   * Who injects faults into the node.
   * @throws WeirError `WEIR_FORBIDDEN` when operators of this edge may not
   */
  injector(): Authority['principal'] {
    if (this.#setup.authorize(operator, 'chaos.inject', {})) return operator;
    throw new WeirError('WEIR_FORBIDDEN', { principal: operator.name, action: 'chaos.inject' });
  }

  /**
   * Who moves shards and drains workers, with the reason.
   * @throws WeirError `WEIR_FORBIDDEN` when operators of this edge may not
   */
  placer(action: 'shard.move' | 'worker.drain', worker: string, reason: string): Authority {
    if (this.#setup.authorize(operator, action, { worker })) return { principal: operator, reason };
    throw new WeirError('WEIR_FORBIDDEN', { principal: operator.name, action });
  }

  start(request: StartRequest): Promise<Started> {
    return this.#ask((replyTo) => ({ type: 'start', ...request, authority: client, replyTo }));
  }

  get(name: FlowName): Promise<FlowView> {
    return this.#ask((replyTo) => ({ type: 'get', name, authority: client, replyTo }));
  }

  list(query: FlowQuery): Promise<FlowPage> {
    return this.#ask((replyTo) => ({ type: 'list', query, authority: client, replyTo }));
  }

  describe(name: FlowName): Promise<FlowDescription> {
    return this.#ask((replyTo) => ({ type: 'describe', name, authority: client, replyTo }));
  }

  checkpoint(name: FlowName): Promise<readonly CheckpointPart[]> {
    return this.#ask((replyTo) => ({ type: 'checkpoint', name, authority: client, replyTo }));
  }

  /** Durable when it resolves. */
  note(note: NodeAct, authority: Authority): Promise<null> {
    return this.#ask((replyTo) => ({ type: 'note', note, authority, replyTo }));
  }

  kill(name: FlowName, reason: string): Promise<FlowView> {
    return this.#ask((replyTo) => ({ type: 'kill', name, authority: { principal: operator, reason }, replyTo }));
  }

  cancel(name: FlowName, reason: string): Promise<FlowView> {
    return this.#ask((replyTo) => ({ type: 'cancel', name, authority: { principal: operator, reason }, replyTo }));
  }

  signal(name: FlowName, signal: string, { signalId, body }: { signalId: string; body?: unknown }): Promise<Signalled> {
    return this.#ask((replyTo) => ({ type: 'signal', name, signal, signalId, body, authority: client, replyTo }));
  }

  query(name: FlowName, query: string, input: unknown): Promise<QueryAnswer> {
    return this.#ask((replyTo) => ({ type: 'query', name, query, input, authority: client, replyTo }));
  }

  resume(name: FlowName, correction: Correction, reason: string): Promise<FlowView> {
    const authority = { principal: operator, reason };
    return this.#ask((replyTo) => ({ type: 'retry', name, correction, authority, replyTo }));
  }

  hospital(query: Pick<Asked<'hospital'>, 'filter' | 'limit' | 'cursor'>): Promise<HospitalPage> {
    return this.#ask((replyTo) => ({ type: 'hospital', ...query, authority: client, replyTo }));
  }

  treat(order: Omit<Asked<'treat'>, 'type' | 'authority' | 'replyTo'>, reason: string): Promise<Treated> {
    return this.#ask((replyTo) => ({ type: 'treat', ...order, authority: { principal: operator, reason }, replyTo }));
  }

  audit(query: AuditQuery): Promise<AuditPage> {
    return this.#ask((replyTo) => ({ type: 'audit', query, authority: client, replyTo }));
  }

  auditChains(): Promise<readonly AuditChain[]> {
    return this.#ask((replyTo) => ({ type: 'auditChains', authority: client, replyTo }));
  }

  auditChain(chain: number, { limit, cursor }: Pick<AuditQuery, 'limit' | 'cursor'>): Promise<AuditStretch> {
    return this.#ask((replyTo) => ({ type: 'auditChain', chain, limit, cursor, authority: client, replyTo }));
  }

  /** By the clock of the node, in milliseconds since 1970. */
  now(): number {
    return this.#setup.system.clock.now();
  }

  /** What has changed since `since`, as soon as something has; nothing after `waitMs` or when `signal` says so. */
  changes(
    query: FeedQuery,
    since: FeedCursor | string | undefined,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<FeedPage> {
    return this.#ask(
      (replyTo) => ({ type: 'changes', query, since, waitMs, authority: client, signal, replyTo }),
      waitMs,
    );
  }

  /** @throws WeirError `WEIR_WAITING_FULL` when no further request may wait; ask before a start, which nobody undoes */
  admitWait(waitMs: number): void {
    const waiting = this.#waiting.size;
    if (waitMs > 0 && waiting >= this.#maxWaiting) throw new WeirError('WEIR_WAITING_FULL', { waiting });
  }

  /** The flow once it has ended or is STUCK, or as it is after `waitMs` or when the node stops. */
  async settled(name: FlowName, waitMs: number): Promise<FlowView> {
    if (waitMs <= 0 || this.#closing) return this.get(name);
    this.admitWait(waitMs);
    return new Promise((resolve, reject) => {
      const release = (): void => {
        this.#waiting.delete(release);
        this.get(name).then(resolve, reject);
      };
      this.#waiting.add(release);
      this.#ask<FlowView>((replyTo) => ({ type: 'result', name, waitMs, authority: client, replyTo }), waitMs)
        .then(resolve, reject)
        .finally(() => this.#waited(release));
    });
  }

  /** Resolves after `waitMs`, when the node stops, or when `listen` says so, which gives how to end its listening. */
  pause(waitMs: number, listen: (wake: () => void) => () => void = () => () => undefined): Promise<void> {
    if (waitMs <= 0 || this.#closing) return Promise.resolve();
    this.admitWait(waitMs);
    return new Promise((resolve) => {
      const release = (): void => {
        this.#waited(release);
        timer.cancel();
        unlisten();
        resolve();
      };
      const timer = this.#setup.system.clock.after(waitMs, release);
      const unlisten = listen(release);
      this.#waiting.add(release);
    });
  }

  /** Resolves when nobody waits any more, or after `withinMs`. */
  quiet(withinMs: number): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#setup.system.clock.after(withinMs, resolve);
      this.#whenQuiet = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Answers whoever waits, now and from now on, with the flow as it is. */
  release(): void {
    this.#closing = true;
    for (const release of [...this.#waiting]) release();
  }

  #waited(release: () => void): void {
    this.#waiting.delete(release);
    if (this.#waiting.size === 0) this.#whenQuiet();
  }

  async #ask<T>(make: (replyTo: Ref<RpcAnswer<T>>) => RpcRequest, waitMs = 0): Promise<T> {
    const { system, rpc } = this.#setup;
    const answer = await system.ask<RpcMessage, RpcAnswer<T>>(rpc(), make, { withinMs: waitMs + askMarginMs });
    if (answer.type === 'error') throw answer.error;
    return answer.value;
  }
}
