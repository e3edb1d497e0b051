/**
 * A node: one worker with its log, its services under one supervisor, and a client for the program that embeds it.
 * Owns the order of start (domino, by needs) and of shutdown (drain, then stop, then close).
 */
import { defaultCredit, Registry } from '../actors/flow/index.ts';
import { type FlowRequest, flowTopics } from '../actors/flow/protocol.ts';
import { createActorSystem, type Ref } from '../actors/kernel/index.ts';
import type { RpcMessage } from '../actors/rpc/index.ts';
import { defaultShardSettings, Router, type ShardStatus, withDeadline } from '../actors/shard/index.ts';
import { ensureError, WeirError } from '../errors/index.ts';
import { type Authority, allowAll, silentMeter } from '../ports/index.ts';
import {
  type ChildAnswer,
  type ChildStatus,
  type SupervisorMessage,
  shutdownMsOf,
  supervisor,
} from '../supervisors/index.ts';
import type { Log, TopicSpec } from '../transport/log/index.ts';
import { nodeClient } from './client.ts';
import { configuredBy } from './configured.ts';
import { vmContainment } from './containment.ts';
import { flowCatalogue, flowService } from './flow-service.ts';
import { logAway } from './log-away.ts';
import type { ExtraServices, Node, NodeFaults, NodePorts, NodeStatus } from './node-parts.ts';
import { hostedMembers, type NodeSettings } from './node-settings.ts';
import { type Placement, runsService } from './roles.ts';
import { rpcService } from './rpc-service.ts';
import type { ServiceDescriptor, WorkerContext } from './service.ts';
import { checkNodeSettings } from './settings.ts';
import { nothingLeft, supervision, waitingOf } from './supervision.ts';
import { resendPauses, windowsOf } from './windows.ts';

const startWithinMs = 120_000;
const drainWithinMs = 20_000;
/** What is written at the very end, for others to see, they find out without it. */
const lastWordWithinMs = 3_000;
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
          resend: resendPauses(windows),
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
      flowsRun: () => runsFlows || ports.elsewhere?.available('flow') === true,
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
    const away = logAway(log, clock);
    const handsOver = runsFlows && ports.elsewhere?.available('flow') === true;
    for (const { name, topics, drainsLast } of drainOrder(descriptors, handsOver)) {
      const drain = drains.get(name);
      if (drain === undefined) continue;
      // Nobody is left who would do what is asked from now on: better to say so at once than to let it wait.
      if (name === 'flow' && !handsOver) stopped = true;
      const withinMs = drainsLast === true ? lastWordWithinMs : drainWithinMs;
      // What writes nothing ends as it would, and its clients are answered.
      const drained = topics.writes.length === 0 ? drain() : Promise.race([drain(), away.happens]);
      await withDeadline(clock, drained, withinMs, `drain of ${name}`).catch((error: unknown) => {
        logger.warn({ service: name, error: ensureError(error).message }, 'drained by deadline');
      });
    }
    away.over();
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
