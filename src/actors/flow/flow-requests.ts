/**
 * What workers ask of a shard's flows: starts, operators' acts, questions. Each is authorized, decided here, and
 * answered with a commit behind everything that the answer may rest on (W3, W8).
 */
import { WeirError } from '../../errors/index.ts';
import type { Action, Authority, Authorize, Identity } from '../../ports/index.ts';
import { memberId } from '../../ports/index.ts';
import { printOf } from '../session-manager/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import type { ActorHost } from './actor-host.ts';
import { type ActDetails, type FlowActs, hashOnly } from './acts.ts';
import type { AuditTrails } from './audit-trails.ts';
import { partsOf } from './checkpoint-records.ts';
import { actOf } from './correction.ts';
import { describe } from './describe.ts';
import type { FlowEngine } from './engine.ts';
import type { FlowTable } from './flow-table.ts';
import { correct } from './hospital.ts';
import { clientRoutingKey, shortHash } from './ids.ts';
import { maxValueBytes } from './limits.ts';
import type { Acted, Answer, Asked, FlowDescription, FlowRequest, ReplyTo, Started } from './protocol.ts';
import type { Registry } from './registry.ts';
import { answerQuery, takeSignal } from './signal-desk.ts';

export interface FlowRequestsSetup {
  readonly host: ShardHost;
  readonly registry: Registry;
  readonly authorize: Authorize;
  readonly table: FlowTable;
  readonly engine: FlowEngine;
  readonly actors: ActorHost;
  readonly acts: FlowActs;
  readonly trails: AuditTrails;
  /** Keeps an answer for the next owner, in case this one does not hear that it is durable. */
  readonly keep: (asked: Asked, answer: Answer<unknown>, changes: ChangeSet) => void;
}

export class FlowRequests {
  readonly #setup: FlowRequestsSetup;
  readonly #host: ShardHost;
  readonly #table: FlowTable;
  readonly #engine: FlowEngine;
  readonly #actors: ActorHost;

  constructor(setup: FlowRequestsSetup) {
    this.#setup = setup;
    this.#host = setup.host;
    this.#table = setup.table;
    this.#engine = setup.engine;
    this.#actors = setup.actors;
  }

  handle(message: FlowRequest): void {
    switch (message.type) {
      case 'start':
        this.start(message);
        return;
      case 'retry':
      case 'kill':
      case 'cancel':
        this.#operate(message);
        return;
      case 'signal':
        this.#signal(message);
        return;
      case 'query':
        this.#query(message);
        return;
      case 'describe': {
        const flow = this.#table.look(message.flowId);
        message.replyTo.tell(
          flow === undefined ? { type: 'error', error: this.#table.missing(message.flowId) } : ok(describe(flow)),
        );
        return;
      }
      case 'checkpoint': {
        const flow = this.#table.look(message.flowId);
        if (flow === undefined) this.#fail(message.replyTo, this.#table.missing(message.flowId));
        else this.#answer(message.replyTo, ok(partsOf(flow)));
        return;
      }
      case 'note': {
        const { note, authority, replyTo } = message;
        this.#answered(replyTo, (changes) => {
          this.#setup.acts.onNode(note, authority, changes);
          return null;
        });
        return;
      }
      case 'waiting': {
        const flows: FlowDescription[] = [];
        for (const flow of this.#table.unfinished()) {
          if (flows.length >= message.limit) break;
          flows.push(describe(flow));
        }
        message.replyTo.tell(ok(flows));
        return;
      }
      case 'auditHead':
        this.#answer(message.replyTo, ok(this.#setup.trails.headOf(message.chain)));
        return;
      case 'ask':
        this.#askActor(message);
    }
  }

  refuse({ replyTo }: FlowRequest): void {
    replyTo?.tell(this.#unavailable());
  }

  #unavailable(): Extract<Answer<never>, { type: 'error' }> {
    return { type: 'error', error: new WeirError('WEIR_SHARD_UNAVAILABLE', { partition: this.#host.partition }) };
  }

  start(request: Extract<FlowRequest, { type: 'start' }>): void {
    const { member, flow: name, clientRequestId, input, authority, trace, replyTo } = request;
    const denied = this.#denied(authority, 'flow.start', member, name);
    if (denied !== undefined) return void this.#refuse(replyTo, denied);
    const routingKey = clientRoutingKey(member, clientRequestId);
    const named = hashOnly(input);
    const inputHash = shortHash(named.hash);
    const known = this.#table.known(routingKey);
    if (known !== undefined) {
      this.#host.meter.count('repeatedStart');
      const { flowId, print } = known;
      const answer: Answer<Started> =
        print === printOf(name, inputHash)
          ? ok({ flowId, created: false })
          : { type: 'error', error: new WeirError('WEIR_FLOW_CONFLICT', { clientRequestId, flowId }) };
      // The first request may not be durable yet, and another body may win when it is lost.
      this.#answer(replyTo, answer);
      return;
    }
    const definition = this.#setup.registry.flow(member, name);
    if (definition === undefined) {
      return void this.#refuse(replyTo, new WeirError('WEIR_FLOW_UNKNOWN', { member: member.name, flow: name }));
    }
    const limit = maxValueBytes(this.#host);
    if (input.length > limit) {
      const why = `it has ${input.length} bytes, the limit is ${limit}`;
      return void this.#refuse(replyTo, new WeirError('WEIR_FLOW_INPUT_INVALID', { flow: name, why }));
    }
    if (this.#host.congested()) {
      return void this.#refuse(replyTo, new WeirError('WEIR_SHARD_BUSY', { partition: this.#host.partition }));
    }
    const changes = new ChangeSet();
    const version = request.version === 0 ? definition.version : request.version;
    const flow = this.#table.create({ routingKey, member, name, version, clientRequestId, input, inputHash, trace });
    this.#setup.acts.done(flow, 'start', authority, changes, { after: named });
    this.#engine.accept(flow, changes);
    // Told only when it is durable (W8); asked again, the next owner starts it once.
    this.#answer(replyTo, ok({ flowId: flow.id, created: true }), changes, true);
  }

  #operate(request: Extract<FlowRequest, { type: 'retry' | 'kill' | 'cancel' }>): void {
    const { type, flowId, authority, replyTo } = request;
    const flow = this.#table.find(flowId);
    if (flow === undefined) return void this.#fail(replyTo, this.#table.missing(flowId));
    const { head } = flow;
    const denied = this.#denied(authority, `flow.${type}`, flow.member, head.flow, flowId);
    if (denied !== undefined) return void this.#refuse(replyTo, denied);
    const stuckOnly = type === 'retry' || (type === 'kill' && request.stuckOnly === true);
    if (stuckOnly && head.status !== 'STUCK') {
      return void this.#fail(replyTo, new WeirError('WEIR_FLOW_NOT_STUCK', { flowId, status: head.status }));
    }
    if (type === 'cancel' && head.status === 'STUCK') {
      return void this.#fail(replyTo, new WeirError('WEIR_FLOW_STUCK', { flowId }));
    }
    const changes = new ChangeSet();
    if (type === 'cancel') {
      if (head.cancel === null) this.#setup.acts.done(flow, 'cancel', authority, changes);
      this.#engine.cancel(flow, authority.reason, changes);
    } else if (type === 'kill') {
      this.#setup.acts.done(flow, 'kill', authority, changes);
      this.#engine.kill(flow, authority.reason, changes);
    } else {
      let corrected: ActDetails;
      try {
        corrected = correct(this.#host, flow, request.correction, changes);
      } catch (error) {
        if (!WeirError.is(error)) throw error;
        // An operator's mistake: the flow stays where it is.
        return void this.#refuse(replyTo, error);
      }
      this.#setup.acts.done(flow, actOf(request.correction), authority, changes, corrected);
      this.#engine.resume(flow, changes);
    }
    const told = changes.publications.some(({ key }) => key === flowId);
    const acted: Acted = { status: head.status, commit: told ? this.#host.commitNumber() : 0 };
    this.#answer(replyTo, ok(acted), changes);
  }

  #signal(request: Extract<FlowRequest, { type: 'signal' }>): void {
    const { flowId, authority, replyTo } = request;
    const flow = this.#table.find(flowId);
    if (flow === undefined) return void this.#fail(replyTo, this.#table.missing(flowId));
    const denied = this.#denied(authority, 'flow.signal', flow.member, flow.head.flow, flowId);
    if (denied !== undefined) return void this.#refuse(replyTo, denied);
    if (this.#host.congested()) {
      return void this.#refuse(replyTo, new WeirError('WEIR_SHARD_BUSY', { partition: this.#host.partition }));
    }
    this.#answered(replyTo, (changes) => takeSignal(this.#setup, flow, request, changes));
  }

  #query({ flowId, query, input, replyTo }: Extract<FlowRequest, { type: 'query' }>): void {
    const flow = this.#table.look(flowId);
    if (flow === undefined) return void this.#fail(replyTo, this.#table.missing(flowId));
    this.#answered(replyTo, () => answerQuery(flow, query, input));
  }

  /** Answers with what `make` gives, or refuses with, once that is durable. */
  #answered<T>(replyTo: ReplyTo<T>, make: (changes: ChangeSet) => T): void {
    const changes = new ChangeSet();
    let value: T;
    try {
      value = make(changes);
    } catch (error) {
      if (!WeirError.is(error)) throw error;
      this.#fail(replyTo, error);
      return;
    }
    this.#answer(replyTo, ok(value), changes);
  }

  /**
   * Leaves with the commit of what it tells of, behind everything that it may rest on (W3, W8). Where this owner ends before
   * it knows of that commit, whoever asked here asks the next one; unless nobody would know that it is the same request.
   * @param repeatable whether that can be answered twice
   */
  #answer<T>(
    replyTo: ReplyTo<T> | undefined,
    answer: Answer<T>,
    changes = new ChangeSet(),
    repeatable = changes.empty,
  ): void {
    if (replyTo !== undefined) {
      const { keep, asked } = replyTo;
      changes.after(() => replyTo.tell(answer));
      if (keep !== undefined) keep(answer, changes);
      else if (repeatable || asked !== undefined) {
        if (!repeatable && asked !== undefined) this.#setup.keep(asked, answer, changes);
        changes.orElse(() => replyTo.tell(this.#unavailable()));
      }
    }
    this.#host.add(changes);
  }

  /** An error that may rest on what is not durable yet. */
  #fail<T>(replyTo: ReplyTo<T> | undefined, error: WeirError): void {
    this.#answer(replyTo, { type: 'error', error });
  }

  /** An error that rests on nothing of the kind: it waits for no commit, unless it has to be kept. */
  #refuse<T>(replyTo: ReplyTo<T> | undefined, error: WeirError): void {
    if (replyTo?.keep === undefined) replyTo?.tell({ type: 'error', error });
    else this.#fail(replyTo, error);
  }

  #askActor(request: Extract<FlowRequest, { type: 'ask' }>): void {
    const { member, actor, key, message, body, replyTo } = request;
    const changes = new ChangeSet();
    const outcome = this.#actors.handle({ member, actor, key, type: message, body }, changes);
    this.#answer(replyTo, ok(outcome), changes);
  }

  #denied(
    { principal }: Authority,
    action: Action,
    member: Identity,
    flow: string,
    flowId?: string,
  ): WeirError | undefined {
    const resource = { member: memberId(member), flow, ...(flowId === undefined ? {} : { flowId }) };
    if (this.#setup.authorize(principal, action, resource)) return undefined;
    return new WeirError('WEIR_FORBIDDEN', { principal: principal.name, action });
  }
}

function ok<T>(value: T): Answer<T> {
  return { type: 'ok', value };
}
