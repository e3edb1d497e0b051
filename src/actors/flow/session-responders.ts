/** Starts the flows that answer: which flow it is, what it is told of whoever opened the session, and who may not have one. */
import { encodeValue } from '../../persistence/index.ts';
import type { Authority, Identity } from '../../ports/index.ts';
import { destinationOf, type SessionMessage, sourceOf } from '../session-manager/index.ts';
import type { ChangeSet, ShardHost } from '../shard/index.ts';
import { type FlowActs, hashOnly } from './acts.ts';
import type { AnyFlow } from './definition.ts';
import type { FlowEngine } from './engine.ts';
import type { FlowTable } from './flow-table.ts';
import { bodyHash, responderRoutingKey } from './ids.ts';
import type { FlowInstance } from './instance.ts';
import type { Registry } from './registry.ts';
import { newSession } from './session-record.ts';
import type { SessionRefusals } from './session-refusals.ts';

export interface SessionRespondersSetup {
  readonly host: ShardHost;
  readonly registry: Registry;
  readonly engine: FlowEngine;
  readonly table: FlowTable;
  readonly acts: FlowActs;
  readonly refusals: SessionRefusals;
}

export class SessionResponders {
  readonly #setup: SessionRespondersSetup;

  constructor(setup: SessionRespondersSetup) {
    this.#setup = setup;
  }

  /** The flow that answers a new session, started; undefined when there is none, and its sender is told why. */
  start(message: SessionMessage, changes: ChangeSet): FlowInstance | undefined {
    const { host, registry, engine, table, acts, refusals } = this.#setup;
    const member = destinationOf(message);
    const { protocol, version, session, sequence, trace } = message;
    const definition = registry.responder(member, protocol);
    const { responds } = definition ?? {};
    if (definition === undefined || responds?.version !== version) {
      const why = responds === undefined ? 'it answers no version of it' : `it answers version ${responds.version}`;
      refusals.refuse(message, 'unanswered', why, changes);
      return undefined;
    }
    // Messages that overtook the first one are sent again.
    if (sequence !== 1) return undefined;
    const peer = sourceOf(message);
    const input = this.#inputFor(definition, peer);
    if (input === undefined) {
      const why = `the flow of ${member.name} that answers ${protocol} cannot be started`;
      refusals.refuse(message, 'failed', why, changes);
      return undefined;
    }
    const flow = table.create({
      routingKey: responderRoutingKey(member, peer, session),
      member,
      name: definition.name,
      version: definition.version,
      clientRequestId: '',
      input,
      inputHash: bodyHash(input),
      trace,
    });
    const authority: Authority = {
      principal: { name: `member:${peer.name}`, kind: 'member' },
      reason: `session ${session}`,
    };
    acts.done(flow, 'start', authority, changes, { after: hashOnly(input) });
    const now = host.clock.now();
    flow.head.sessions.push(newSession({ id: session, role: 'responder', name: '', peer, protocol: responds, now }));
    engine.accept(flow, changes);
    return flow;
  }

  /** A flow that answers a session is told who opened it, in the shape that its own schema asks for. */
  #inputFor(definition: AnyFlow, { name, group }: Identity): Uint8Array | undefined {
    try {
      const parsed = definition.states.start.parse({ from: { name, group } });
      return encodeValue(parsed, 'the input of an answering flow');
    } catch (error) {
      this.#setup.host.log.error(
        { flow: definition.name, err: error },
        'the start state of an answering flow has to accept { from: { name, group } }',
      );
      return undefined;
    }
  }
}
