/** The flow engine as a service of a worker: a shard region, its router, and the door for peers' session messages. */
import {
  type AnyFlow,
  type Configured,
  type FlowSettings,
  flowProgram,
  issuesOf,
  type Life,
  peerReceiver,
  type Registry,
  WorkerGuard,
} from '../actors/flow/index.ts';
import { answerPartitions, type FlowRequest, flowTopics, serviceKinds } from '../actors/flow/protocol.ts';
import type { Ref } from '../actors/kernel/index.ts';
import type { FlowCatalogue } from '../actors/rpc/index.ts';
import {
  type CrashPoint,
  type RegionMessage,
  Router,
  regionBehavior,
  type ShardSettings,
  type ShardStatus,
} from '../actors/shard/index.ts';
import { messageOf, namesHint, WeirError } from '../errors/index.ts';
import { canonicalBytes } from '../persistence/index.ts';
import type { Authorize, Containment, Identity } from '../ports/index.ts';
import type { TopicSpec } from '../transport/log/index.ts';
import type { PeerTransport } from '../transport/peer/index.ts';
import { logNeed, type ServiceDescriptor, type ServiceTopics } from './service.ts';

export interface FlowServiceSetup {
  readonly registry: Registry;
  readonly partitions: number;
  readonly router: Router<FlowRequest>;
  readonly peer: PeerTransport;
  readonly authorize: Authorize;
  readonly settings: FlowSettings;
  readonly shards: ShardSettings;
  readonly containment: Containment | undefined;
  readonly configured: Configured | undefined;
  readonly life: Life | undefined;
  readonly onShards: (shards: readonly ShardStatus[]) => void;
  readonly crashPoint?: ((point: CrashPoint, partition: number) => void) | undefined;
}

export const flowAccess: ServiceTopics = {
  reads: [flowTopics.events, flowTopics.state],
  writes: [flowTopics.events, flowTopics.state, flowTopics.status, flowTopics.audit, flowTopics.answers],
};

export function flowTopicSpecs(partitions: number): readonly TopicSpec[] {
  return [
    { name: flowTopics.events, partitions, kind: 'events' },
    { name: flowTopics.state, partitions, kind: 'state' },
    { name: flowTopics.status, partitions, kind: 'table' },
    { name: flowTopics.audit, partitions, kind: 'table' },
    { name: flowTopics.answers, partitions: answerPartitions, kind: 'events' },
  ];
}

export function flowService(setup: FlowServiceSetup): ServiceDescriptor {
  const { registry, partitions, router, peer, authorize, settings } = setup;
  let guard: WorkerGuard | undefined;
  return {
    name: 'flow',
    needs: [logNeed],
    uses: [],
    topics: flowAccess,
    creates: flowTopicSpecs(partitions),
    secrets: [],
    ready: 'when-reported',
    start: ({ log, clock, random, logger, meter, onDrain }, child) => {
      // One for the whole life of the process, however often the service is started in it.
      const { life = { name: Buffer.from(random.bytes(8)).toString('hex'), endedByItself: () => false } } = setup;
      guard ??= new WorkerGuard(life, clock);
      peer.listen(
        peerReceiver({ partitions, directory: registry, logger, route: (to, message) => router.route(to, message) }),
      );
      const answers = new Router<never>({ log, logger, eventsTopic: flowTopics.answers });
      const behavior = regionBehavior<FlowRequest>({
        service: 'flow',
        topics: flowTopics,
        partitions,
        log,
        clock,
        random,
        logger,
        meter,
        settings: setup.shards,
        router,
        preparation: flowProgram({
          registry,
          settings,
          statusTopic: flowTopics.status,
          auditTopic: flowTopics.audit,
          configured: setup.configured,
          authorize,
          guard,
          containment: setup.containment,
          transmit: (source, destination, bytes) => peer.send({ source, destination, bytes }),
          answer: (to, bytes) => answers.route(to, { type: 'service', kind: serviceKinds.answer, bytes }),
        }),
        onStatus: (shards) => {
          setup.onShards(shards);
          if (shards.every(({ phase }) => phase === 'running')) child.ready();
        },
        crashPoint: setup.crashPoint,
      });
      return (context: Parameters<typeof behavior>[0]) => {
        const self: Ref<RegionMessage> = context.address;
        onDrain(
          'flow',
          () =>
            new Promise<void>((done) => {
              if (self.tell({ type: 'leave', done }) !== 'accepted') done();
            }),
        );
        return behavior(context);
      };
    },
  };
}

/** @throws WeirError `WEIR_FLOW_INPUT_INVALID` when the schema itself fails: a transform throws, or it is asynchronous */
function parse({ name, states }: AnyFlow, input: unknown): ReturnType<AnyFlow['states']['start']['safeParse']> {
  try {
    return states.start.safeParse(input);
  } catch (thrown) {
    throw new WeirError(
      'WEIR_FLOW_INPUT_INVALID',
      { flow: name, why: `its schema failed: ${messageOf(thrown)}` },
      thrown,
    );
  }
}

/** What the RPC service has to know of flows. */
export function flowCatalogue(registry: Registry): FlowCatalogue {
  const checkMember = ({ name, group }: Identity): void => {
    if (registry.find(name, group) !== undefined) return;
    const known = registry.hosted().flatMap((member) => (member.group === group ? [member.name] : []));
    const hint = namesHint(name, known, 'the group has');
    throw new WeirError('WEIR_MEMBER_UNKNOWN', { member: name, group, hint });
  };
  const find = (member: Identity, name: string): AnyFlow => {
    checkMember(member);
    const flow = registry.flow(member, name);
    if (flow === undefined) {
      // Flows that answer sessions are no help to a client.
      const known = registry.flowNames(member).filter((one) => registry.flow(member, one)?.responds === undefined);
      throw new WeirError('WEIR_FLOW_UNKNOWN', { member: member.name, flow: name, hint: namesHint(name, known) });
    }
    if (flow.responds !== undefined) {
      const protocol = flow.responds.name;
      throw new WeirError('WEIR_FLOW_RESPONDS', { member: member.name, flow: name, protocol });
    }
    return flow;
  };
  return {
    checkMessage(member, name, type, body) {
      checkMember(member);
      const actor = registry.actor(member, name);
      const message = actor !== undefined && Object.hasOwn(actor.messages, type) ? actor.messages[type] : undefined;
      if (message === undefined) throw new WeirError('WEIR_ACTOR_UNKNOWN', { actor: name, type });
      const parsed = message.body.safeParse(body);
      if (parsed.success) return;
      throw new WeirError('WEIR_MESSAGE_INVALID', { type, protocol: name, why: issuesOf(parsed.error) });
    },
    parseSignal(member, name, signal, body) {
      const flow = registry.flow(member, name);
      if (flow === undefined) throw new WeirError('WEIR_FLOW_UNKNOWN', { member: member.name, flow: name });
      const schema = Object.hasOwn(flow.signals, signal) ? flow.signals[signal] : undefined;
      if (schema === undefined) {
        const hint = namesHint(signal, Object.keys(flow.signals));
        throw new WeirError('WEIR_SIGNAL_UNKNOWN', { flow: name, signal, hint });
      }
      const parsed = schema.safeParse(body);
      if (parsed.success) return canonicalBytes(parsed.data);
      throw new WeirError('WEIR_SIGNAL_INVALID', { flow: name, signal, why: issuesOf(parsed.error) });
    },
    parseInput(member, name, input) {
      const flow = find(member, name);
      const parsed = parse(flow, input);
      if (!parsed.success) throw new WeirError('WEIR_FLOW_INPUT_INVALID', { flow: name, why: issuesOf(parsed.error) });
      return { bytes: canonicalBytes(parsed.data), version: flow.version };
    },
  };
}
