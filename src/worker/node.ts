/**
 * A node: one worker with its log, its services under one supervisor, and a client for the program that embeds it.
 * Owns the order of start (domino, by needs) and of shutdown (drain, then stop, then close).
 */
import {
  type AnyActor,
  type AnyFlow,
  defaultCredit,
  type HostedMember,
  type Life,
  Registry,
} from '../actors/flow/index.ts';
import { type FlowRequest, flowTopics } from '../actors/flow/protocol.ts';
import { type ActorSnapshot, type ActorSystem, createActorSystem, type Ref } from '../actors/kernel/index.ts';
import type { RpcMessage } from '../actors/rpc/index.ts';
import {
  type CrashPoint,
  defaultShardSettings,
  Router,
  type ShardStatus,
  withDeadline,
} from '../actors/shard/index.ts';
import { ensureError, WeirError } from '../errors/index.ts';
import {
  type Authority,
  type Authorize,
  allowAll,
  type Clock,
  type Duration,
  defaultGroup,
  type Identity,
  type Logger,
  type LoopProbe,
  type MemberDirectory,
  type Meter,
  type Random,
  silentMeter,
} from '../ports/index.ts';
import {
  type ChildAnswer,
  type ChildStatus,
  type Elsewhere,
  type SupervisorMessage,
  shutdownMsOf,
  supervisor,
} from '../supervisors/index.ts';
import type { Log, LogHealth, TopicSpec } from '../transport/log/index.ts';
import type { PeerTransport } from '../transport/peer/index.ts';
import { type Client, nodeClient } from './client.ts';
import { configuredBy } from './configured.ts';
import { type ContainmentSettings, vmContainment } from './containment.ts';
import { flowCatalogue, flowService } from './flow-service.ts';
import { type Placement, runsService } from './roles.ts';
import { rpcService } from './rpc-service.ts';
import type { ServiceDescriptor, WorkerContext } from './service.ts';
import { checkNodeSettings } from './settings.ts';
import { nothingLeft, supervision, waitingOf } from './supervision.ts';
import { windowsOf } from './windows.ts';

/** What one member runs. */
export interface MemberOptions {
  /** The membership group. Default `default`. */
  readonly group?: string;
  /** Its own flows, beside those of every member. */
  readonly flows?: readonly AnyFlow[];
  /** Its own kinds of persistent actors, beside those of every member. */
  readonly actors?: readonly AnyActor[];
}

/** Members by name; as a list where one name stands in two groups. */
export type Members = Readonly<Record<string, MemberOptions>> | ReadonlyArray<Identity & Omit<MemberOptions, 'group'>>;

export interface NodeSettings {
  readonly members: Members;
  /** Flows that every member runs. */
  readonly flows?: readonly AnyFlow[];
  /** Persistent actors that every member has. */
  readonly actors?: readonly AnyActor[];
  /** Shards, 1 to 1024; fixed once there is data. Default: as many as the data was made with, 8 for a new one. */
  readonly shards?: number;
  /** How long ended flows and their request ids are remembered. Default 1 day. */
  readonly retention?: Duration;
  /** How long a flow may be STUCK before it is ended as KILLED and its peers are told. Default 7 days. */
  readonly hospital?: Duration;
  /** Longest time of one attempt of a step that does not say otherwise; then it is given up and tried again. Default 10 min. */
  readonly stepTimeout?: Duration;
  /** How long the audit keeps what was done to flows; at least `retention`. Default 30 days, or `retention` if longer. */
  readonly audit?: Duration;
  /** How long a session message is tried before its session has failed; at most `retention`. Default 1 day. */
  readonly redeliver?: Duration;
  /**
   * How long a session may be silent before it has failed on both sides; at least `redeliver` and `hospital`. A protocol
   * may say otherwise. Default 30 days, or twice `hospital` if that is longer.
   */
  readonly idle?: Duration;
  /** Live generators kept in each shard. Default 10 000. */
  readonly maxHotFlows?: number;
  /**
   * How many times a worker must have ended while a flow, and nothing else, ran on it, always in the same place, before
   * that flow is STUCK as the cause (`WEIR_FLOW_CRASHED`). Raise it where workers are ended from outside all the time.
   * Once is enough where the process is known to have ended by its own doing: `process.exit`, a blocked event loop.
   * Default 3; in `testNode`, where tests end them, 1000.
   */
  readonly deathsAlone?: number;
  /**
   * Stops code of flows that does not give way, which would stop everything else in the process: its flow is STUCK
   * (`WEIR_CODE_RUNAWAY`), and the worker goes on. Default: 10 s, for flows that were running when a worker ended; `off` in
   * `testNode`, where time is virtual.
   */
  readonly containment?: ContainmentSettings | 'off';
  /**
   * Whether a flow is replayed from its record at every suspension and put into the hospital when it would not come to
   * the same place (`WEIR_FLOW_DIVERGED`): mistakes of determinism show at once. For development; it runs code of stages
   * several times. Default false; `testNode` has it on.
   */
  readonly replayCheck?: boolean;
  /**
   * Asked before each start, retry and kill, for each flow that is read, for acts on it that the audit tells (`audit.read`;
   * without a flow for whole chains), before an actor is steered (`actor.steer`), and
   * (`node.read`) before status, tree, members, metrics, errors, events and traces are shown over HTTP. Default: everything is
   * allowed.
   */
  readonly authorize?: Authorize;
}

/** The ports that a node stands on. */
export interface NodePorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly peer: PeerTransport;
  /** Told how long things take. Default: nobody is. */
  readonly meter?: Meter | undefined;
  /** Told whose turn it is, for whoever watches the event loop. */
  readonly probe?: LoopProbe | undefined;
  /** Gives the start up when it is aborted before the node is ready. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
  /** Finds members of other nodes, for sessions with them over `peer`. Default: there are none. */
  readonly directory?: Pick<MemberDirectory, 'find'>;
  /** This life of the process, and what is known of the ends of others. Default: a new name, and nothing. */
  readonly life?: Life | undefined;
  /** Who starts it, and why, for the audit to tell where it is run with another configuration. Default: it tells of none. */
  readonly startedBy?: Authority | undefined;
  /** What is known of services on other workers. Default: none of them is there. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** For tests: how a node can be hurt. */
export interface NodeFaults {
  readonly forceLogRoute?: boolean | undefined;
  readonly crashPoint?: ((point: CrashPoint, partition: number) => void) | undefined;
}

export interface NodeStatus {
  readonly ready: boolean;
  readonly services: readonly ChildStatus[];
  /** One sentence for each service that waits: "rpc waits on flow (starting)". */
  readonly waiting: readonly string[];
  readonly shards: readonly ShardStatus[];
  readonly log: LogHealth & { readonly driver: string };
}

/** A running node. */
export interface Node extends Client {
  readonly members: readonly Identity[];
  /** Whether it is ready, and what waits on what. */
  status(): NodeStatus;
  /** The live tree of actors, with restarts, mailboxes and facts. */
  tree(): readonly ActorSnapshot[];
  /** Called once when the node cannot go on: its cause. */
  onFailure(listener: (error: Error) => void): void;
  /** Takes nothing new, finishes what runs, and lets go of everything; what is unfinished goes on at the next start. */
  stop(): Promise<void>;
  /** @internal For edges of the worker. */
  readonly internals: {
    readonly system: ActorSystem;
    readonly rpc: () => Ref<RpcMessage>;
    readonly registry: Registry;
    /** Ends at once, as a crash would. */
    readonly abandon: () => void;
  };
}

/** Services that an edge adds to a node, such as HTTP. */
export type ExtraServices = (parts: {
  readonly rpc: () => Ref<RpcMessage>;
  readonly registry: Registry;
  readonly status: () => NodeStatus;
  /** Tells of changes of services and shards. */
  readonly onChange: (listener: () => void) => void;
  readonly partitions: number;
  readonly system: ActorSystem;
  readonly authorize: Authorize;
  /** Starts a service again that is down or stopped, with a new budget of restarts. */
  readonly restartService: (id: string) => Promise<ChildAnswer>;
}) => readonly ServiceDescriptor[];

const startWithinMs = 120_000;
const drainWithinMs = 20_000;
const defaultShards = 8;
const embedder: Authority = { principal: { name: 'local:embedder', kind: 'client' }, reason: '' };

/**
 * Starts a node on given ports; resolves when all its services are ready.
 * @throws WeirError `WEIR_CONFIGURATION_INVALID` (also for another number of shards than the log was made with),
 *   `WEIR_CONFIGURATION_WINDOWS`, `WEIR_FLOW_DEFINITION`, `WEIR_LOG_TOPIC`, `WEIR_START_TIMEOUT`, `WEIR_NODE_STOPPED`
 */
export async function createNode(
  settings: NodeSettings & Placement,
  ports: NodePorts,
  extra: ExtraServices = () => [],
  faults: NodeFaults = {},
): Promise<Node> {
  const { log, clock, random, logger, meter = silentMeter, peer } = ports;
  checkNodeSettings(settings);
  const { authorize = allowAll, maxHotFlows = 10_000, replayCheck = false, deathsAlone = 3, roles } = settings;
  const { containment = {} } = settings;
  const [runsFlows, answersClients] = [runsService('flow', roles), runsService('rpc', roles)];
  const windows = windowsOf(settings);
  const partitions = await unlessAborted(ports.signal, shardCount(log, settings.shards));
  const members = hostedMembers(settings);
  const registry = new Registry(members, (name, group) => ports.directory?.find(name, group));
  const system = createActorSystem({ clock, logger, random, probe: ports.probe });
  const router = new Router<FlowRequest>({
    log,
    logger,
    eventsTopic: flowTopics.events,
    forceLog: faults.forceLogRoute,
  });

  let rpcRef: Ref<RpcMessage> | undefined;
  const rpc = (): Ref<RpcMessage> => {
    if (stopped) throw new WeirError('WEIR_NODE_STOPPED');
    if (!answersClients) {
      throw new WeirError('WEIR_ROLE_MISSING', { worker: 'this worker', service: 'rpc', roles: roles?.join() });
    }
    if (rpcRef === undefined) throw new WeirError('WEIR_NODE_NOT_READY', { waitsOn: waiting().join('; ') });
    return rpcRef;
  };
  let shards: readonly ShardStatus[] = [];
  let services: readonly ChildStatus[] = [];
  let supervising: Ref<SupervisorMessage> | undefined;
  const restartService = async (id: string): Promise<ChildAnswer> => {
    if (supervising === undefined) throw new WeirError('WEIR_NODE_NOT_READY', { waitsOn: 'it is starting' });
    const make = (replyTo: Ref<ChildAnswer>): SupervisorMessage => ({ type: 'restart-child', id, replyTo });
    return system.ask<SupervisorMessage, ChildAnswer>(supervising, make, { withinMs: startWithinMs });
  };
  let stopping = false;
  let stopped = false;
  const changeListeners: Array<() => void> = [];
  const changed = (): void => {
    for (const listener of changeListeners) listener();
  };
  const waiting = (): readonly string[] => waitingOf(services, shards, log.health());
  const status = (): NodeStatus => ({
    ready: !stopping && services.length > 0 && services.every(({ state }) => state === 'ready'),
    services,
    waiting: waiting(),
    shards,
    log: { driver: log.driver, ...log.health() },
  });

  const shardService = (): ServiceDescriptor =>
    flowService({
      registry,
      partitions,
      router,
      peer,
      authorize,
      settings: {
        sessions: {
          credit: defaultCredit,
          redeliverMs: windows.redeliver,
          resendMs: windows.resend,
          idleMs: windows.idle,
        },
        retentionMs: windows.retention,
        hospitalMs: windows.hospital,
        auditMs: windows.audit,
        stepMs: windows.stepTimeout,
        maxHot: maxHotFlows,
        replayCheck,
        deathsAlone,
      },
      shards: defaultShardSettings,
      containment: containment === 'off' ? undefined : vmContainment(containment),
      life: ports.life,
      configured:
        ports.startedBy === undefined
          ? undefined
          : configuredBy({ members, windows, maxHotFlows, deathsAlone, replayCheck }, ports.startedBy),
      onShards: (now) => {
        shards = now;
        changed();
      },
      crashPoint: faults.crashPoint,
    });
  const clientService = (): ServiceDescriptor =>
    rpcService({
      besideFlows: runsFlows,
      partitions,
      router,
      catalogue: flowCatalogue(registry),
      directory: registry,
      authorize,
      retentionMs: windows.retention,
      onStarted: (ref) => {
        rpcRef = ref;
      },
    });
  const descriptors: readonly ServiceDescriptor[] = [
    ...(runsFlows ? [shardService()] : []),
    ...(answersClients ? [clientService()] : []),
    ...extra({
      ...{ rpc, registry, status, partitions, system, authorize, restartService },
      onChange: (listener) => void changeListeners.push(listener),
    }),
  ];
  await unlessAborted(ports.signal, log.ensureTopics(topicsOf(descriptors)));

  const drains = new Map<string, () => Promise<void>>();
  const context: WorkerContext = {
    log,
    clock,
    random,
    logger,
    meter,
    onDrain: (name, drain) => void drains.set(name, drain),
  };
  const spec = supervision(descriptors, context);
  const failureListeners: Array<(error: Error) => void> = [];
  let allReady: (() => void) | undefined;
  let failed: ((error: Error) => void) | undefined;
  const ready = new Promise<void>((resolve, reject) => {
    allReady = resolve;
    failed = reject;
  });
  ready.catch(() => undefined);
  const fail = (error: Error): void => {
    failed?.(error);
    for (const listener of failureListeners) listener(error);
  };
  system.onEscalation((_path, error) => fail(error));
  let lastDown: Error | undefined;
  const behavior = supervisor(spec, {
    random,
    ...(ports.elsewhere === undefined ? {} : { elsewhere: ports.elsewhere }),
    onDown: (id, cause) => {
      lastDown = cause;
      logger.error({ service: id, err: cause }, 'a service is down');
      // While the node starts, nobody waits for a service that has given up.
      failed?.(cause);
    },
    onChange: (now) => {
      services = now;
      changed();
      if (now.every(({ state }) => state === 'ready')) allReady?.();
      // The supervisor goes on as long as any child runs; an edge alone is no reason to.
      if (lastDown !== undefined && !stopping && nothingLeft(descriptors, now)) {
        const cause = lastDown;
        lastDown = undefined;
        fail(new WeirError('WEIR_NOTHING_LEFT', { path: 'the node' }, cause));
      }
    },
  });
  supervising = system.spawn('services', behavior, {
    shutdownMs: shutdownMsOf(spec),
    onFailure: () => ({ type: 'escalate' }),
  });

  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    const handsOver = runsFlows && ports.elsewhere?.available('flow') === true;
    for (const { name } of drainOrder(descriptors, handsOver)) {
      const drain = drains.get(name);
      if (drain === undefined) continue;
      // Nobody is left who would do what is asked from now on: better to say so at once than to let it wait.
      if (name === 'flow' && !handsOver) stopped = true;
      await withDeadline(clock, drain(), drainWithinMs, `drain of ${name}`).catch((error: unknown) => {
        logger.warn({ service: name, error: ensureError(error).message }, 'drained by deadline');
      });
    }
    stopped = true;
    await system.terminate();
    peer.close();
    await log.close();
  };

  try {
    await withDeadline(clock, unlessAborted(ports.signal, ready), startWithinMs, 'start');
  } catch (thrown) {
    const error = ensureError(thrown);
    // Asked before the stop, which leaves everything waiting on everything.
    const waitsOn = waiting().join('; ');
    await stop();
    if (!WeirError.is(error, 'WEIR_DEADLINE')) throw error;
    throw new WeirError('WEIR_START_TIMEOUT', { path: 'the node', withinMs: startWithinMs, waitsOn }, error);
  }
  failed = undefined;

  const clients = new Set<(error: Error) => void>();
  return {
    ...nodeClient({ system, rpc, stopped: () => stopped, random, authority: embedder, waiting: clients }),
    members: registry.hosted(),
    status,
    tree: () => system.tree(),
    onFailure: (listener) => void failureListeners.push(listener),
    stop,
    internals: {
      system,
      rpc,
      registry,
      abandon() {
        stopped = true;
        system.destroy();
        // No actor is left that could answer.
        for (const fail of clients) fail(new WeirError('WEIR_NODE_STOPPED'));
        clients.clear();
      },
    },
  };
}

/**
 * An edge before what it asks, so that whoever has been let in is answered. But where other workers take over what runs
 * here, it goes on answering until they have (WK9): behind a load balancer nobody is refused.
 */
function drainOrder(descriptors: readonly ServiceDescriptor[], handsOver: boolean): readonly ServiceDescriptor[] {
  const rank = ({ drainsLast, edge }: ServiceDescriptor): number => {
    if (drainsLast === true) return 2;
    return handsOver && edge === true ? 1 : 0;
  };
  return [...descriptors].reverse().sort((a, b) => rank(a) - rank(b));
}

/** The topics of all services: one that several services make is made once. */
function topicsOf(descriptors: readonly ServiceDescriptor[]): readonly TopicSpec[] {
  return [...new Map(descriptors.flatMap(({ creates }) => creates.map((spec) => [spec.name, spec]))).values()];
}

/** What a start waits for, unless it is given up: a log may wait for its brokers without end. */
async function unlessAborted<T>(signal: AbortSignal | undefined, waited: Promise<T>): Promise<T> {
  if (signal === undefined) return waited;
  let givenUp: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    givenUp = () => reject(new WeirError('WEIR_NODE_STOPPED'));
    signal.addEventListener('abort', givenUp, { once: true });
    if (signal.aborted) givenUp();
  });
  try {
    return await Promise.race([waited, aborted]);
  } finally {
    signal.removeEventListener('abort', givenUp);
  }
}

/**
 * As many shards as the data was made with: flows are found by their number.
 * @throws WeirError `WEIR_CONFIGURATION_INVALID` when the settings say another number
 */
async function shardCount(log: Log, wanted: number | undefined): Promise<number> {
  // Whichever role comes first makes the topics that it uses; the events are among those of both.
  const made = await log.topics();
  const stored = [flowTopics.state, flowTopics.events]
    .map((topic) => made.find(({ name }) => name === topic)?.partitions)
    .find((partitions) => partitions !== undefined);
  if (stored !== undefined && wanted !== undefined && stored !== wanted) {
    throw new WeirError('WEIR_CONFIGURATION_INVALID', {
      path: 'shards',
      why: `shards is ${wanted}, and the data was made with ${stored}: that number stays as it is`,
    });
  }
  return stored ?? wanted ?? defaultShards;
}

function hostedMembers({ members, flows = [], actors = [] }: NodeSettings): HostedMember[] {
  const list = Array.isArray(members)
    ? members.map((member: Identity & MemberOptions) => ({ ...member }))
    : Object.entries(members).map(([name, options]) => ({ name, ...options, group: options.group ?? defaultGroup }));
  return list.map(({ name, group, flows: own = [], actors: ownActors = [] }) => ({
    identity: { name, group },
    flows: [...flows, ...own],
    actors: [...actors, ...ownActors],
  }));
}
