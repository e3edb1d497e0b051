/** The embedding API: a whole node in this process, on a data directory of its own. */
import { hostname } from 'node:os';
import {
  type Authority,
  type Clock,
  type Duration,
  holdProcess,
  type Logger,
  pinoLogger,
  systemClock,
  systemRandom,
} from '../ports/index.ts';
import { type KafkaConnection, meteredLog, openEmbeddedLog, openKafkaLog } from '../transport/log/index.ts';
import { loopbackTransport } from '../transport/peer/index.ts';
import { type ChaosOptions, nodeChaos } from './chaos.ts';
import { Cluster, heartbeatService } from './cluster/index.ts';
import { starter } from './configured.ts';
import { endedByItself, inheritedErrors, markProcess, nodeErrors } from './errors/index.ts';
import { type HttpOptions, openHttp } from './http-service.ts';
import { watchLoop } from './loop-watch/index.ts';
import { createNode } from './node.ts';
import type { ExtraServices, Node } from './node-parts.ts';
import type { NodeSettings } from './node-settings.ts';
import { reportsFolder } from './reports.ts';
import { type Placement, runsService } from './roles.ts';
import { logNeed } from './service.ts';
import { checkStartSettings } from './settings.ts';
import { version } from './version.ts';
import { windowsOf } from './windows.ts';

export interface StartNodeSettings extends NodeSettings, Placement {
  /** The data directory; created when it is missing, used by one process at a time. */
  readonly data: string;
  /**
   * Keeps everything on a Kafka cluster instead of the data directory, which then holds reports alone. Any number of
   * processes may run the node, each with the same members; they share its shards.
   */
  readonly kafka?: KafkaConnection;
  /**
   * Told which id the brokers know this process by in a group of them: by it a parent process makes it leave when it has
   * died. Default: its session runs out.
   */
  readonly onMemberId?: (group: string, memberId: string) => void;
  /** Gives the start up when it is aborted before the node is ready; whatever is open is let go of. Default: nothing does. */
  readonly signal?: AbortSignal;
  /** Default: JSON lines of level `warn` and above on standard error. */
  readonly logger?: Logger;
  /** Also listens for HTTP, on loopback only, where `roles` has clients answered. Default: it does not. */
  readonly http?: HttpOptions;
  /** Where a worker without the role `rpc` shows its health and figures, on loopback only. Default: nowhere. */
  readonly monitoring?: HttpOptions;
  /**
   * Ends the process with exit code 5, and a report below the data directory, when its event loop stands still for so
   * long; `weir up` does so after 30 s. Default: nobody watches the loop of a program that embeds a node.
   */
  readonly endIfBlocked?: Duration;
  /**
   * Who starts it, and why: the audit tells so when shards are run with another configuration than before (windows,
   * members, versions of their flows). Default: the user of this process.
   */
  readonly startedBy?: Authority;
  /** Lets operators inject faults by name (`POST /api/v1/chaos`, `weir chaos`). Default: every fault is refused. */
  readonly chaos?: ChaosOptions;
}

/** A node of its own, with its address if it listens for HTTP. */
export interface StartedNode extends Node {
  /** Where it listens, such as `http://127.0.0.1:7447`; absent without `http`. */
  readonly url?: string;
}

/**
 * Starts a node; resolves when it is ready: unfinished flows of an earlier run are going on by then.
 *
 * ```ts
 * const node = await startNode({ members: { ACMEGB2L: { flows: [buy] }, SELLDEFF: { flows: [sell] } }, data: './data' });
 * const purchase = await node.start('ACMEGB2L', buy, { seller: 'SELLDEFF', isin: 'DE0001102580', price: 99n });
 * console.log(await purchase.result());
 * await node.stop();
 * ```
 * @throws WeirError `WEIR_LOG_DIRECTORY`, `WEIR_LOG_IN_USE`, `WEIR_LOG_VERSION`, `WEIR_LOG_DAMAGED` for the data directory;
 *   `WEIR_LOG_TOPIC`, `WEIR_LOG_TOPIC_SETTINGS`, `WEIR_LOG_REFUSED`, `WEIR_LOG_UNSAFE` for a Kafka cluster;
 *   `WEIR_HTTP_ADDRESS`, `WEIR_HTTP_PORT_IN_USE`, `WEIR_HTTP_LISTEN` for `http`; `WEIR_CONFIGURATION_INVALID`,
 *   `WEIR_CONFIGURATION_WINDOWS`, `WEIR_FLOW_DEFINITION`, `WEIR_START_TIMEOUT`, `WEIR_NODE_STOPPED` when `signal` says so
 */
export function startNode(settings: StartNodeSettings): Promise<StartedNode> {
  return startWorker(settings);
}

/** How long a start that was given up waits for its log to close. */
const abandonMs = 500;

/** @internal A node with services beside its own. */
export async function startWorker(settings: StartNodeSettings, more: ExtraServices = () => []): Promise<StartedNode> {
  checkStartSettings(settings);
  windowsOf(settings);
  const { data, kafka: connection, endIfBlocked: within, roles = ['all'] } = settings;
  const machine: Clock = systemClock();
  const random = systemRandom();
  const worker = connection?.worker ?? (connection === undefined ? hostname() : `${hostname()}-${process.pid}`);
  const errors = nodeErrors({
    clock: machine,
    random,
    worker,
    logger: settings.logger ?? pinoLogger({ level: 'warn' }),
  });
  const { logger } = errors;
  const chaos = settings.chaos?.allow === true ? nodeChaos({ clock: machine, random, logger }) : undefined;
  const clock = chaos?.clock ?? machine;
  const answersClients = runsService('rpc', roles);
  const listen = answersClients ? settings.http : settings.monitoring;
  // Only a worker that shows its figures pays for the library, and for adding up.
  const figures = listen === undefined ? undefined : (await import('./monitoring/figures.ts')).workerFigures();
  const desks = {
    ...{ chaos: chaos?.desk, errors: errors.desk, figures, answersClients, cluster: () => cluster },
    handsOver: () => cluster?.elsewhere.available('flow') === true,
  };
  const http = listen === undefined ? undefined : await openHttp(listen, desks);
  const logLines = logger.child({ service: logNeed });
  const kafka =
    connection === undefined
      ? undefined
      : await openKafkaLog({
          ...{ ...connection, worker, clock, random, logger: logLines },
          onRebalance: () => figures?.count('rebalance'),
          ...{ claims: runsService('flow', roles), about: { roles: roles.join(), version } },
          ...(settings.onMemberId === undefined ? {} : { onMemberId: settings.onMemberId }),
          ...(chaos === undefined ? {} : { decorate: chaos.wire }),
        });
  const cluster =
    kafka === undefined
      ? undefined
      : new Cluster({ ...{ log: kafka, clock, random, logger }, onSilent: errors.silent });
  const log =
    kafka ??
    (await openEmbeddedLog({
      ...{ directory: data, clock, logger: logLines },
      ...(chaos === undefined ? {} : { openStore: chaos.openStore() }),
    }));
  const metered = figures === undefined ? log : meteredLog(log, figures, clock);
  const peer = loopbackTransport({ clock, random });
  // From here on: a start that waits for brokers has nothing else that keeps the process alive.
  const letGo = holdProcess();
  // The directory is ours by now: whoever ran here before runs no more.
  const inherited = inheritedErrors(data, machine.now());
  const life = Buffer.from(random.bytes(8)).toString('hex');
  const unmark = markProcess(data, worker, machine.now(), life);
  const watch = within === undefined ? undefined : watchLoop({ within, reports: reportsFolder(data) }, machine);
  const end = async (): Promise<void> => {
    await watch?.stop();
    unmark();
    letGo();
  };
  try {
    const node = await createNode(
      settings,
      {
        ...(chaos?.ports({ log: metered, peer }) ?? { log: metered, peer }),
        ...{ clock, random, logger, probe: watch?.probe, signal: settings.signal },
        ...{ meter: figures, elsewhere: cluster?.elsewhere },
        life: { name: life, endedByItself: (other) => endedByItself(data, other, machine.now()) },
        startedBy: settings.startedBy ?? starter(),
      },
      (parts) => [
        ...more(parts),
        errors.service(parts, inherited),
        ...(http?.services(parts) ?? []),
        ...(cluster === undefined ? [] : [heartbeatService({ ...parts, cluster, roles, address: () => http?.url() })]),
      ],
    );
    chaos?.started(node);
    const url = http?.url();
    return {
      ...node,
      ...(url === undefined ? {} : { url }),
      async stop() {
        await node.stop();
        await end();
      },
    };
  } catch (error) {
    const closing = log.close();
    // Requests that nobody answers keep a log from closing; whoever has given the start up does not wait for them.
    await (settings.signal?.aborted === true ? giveTime(machine, closing, abandonMs) : closing);
    await end();
    throw error;
  }
}

/** Resolves when it is done, or its time is over. */
function giveTime(clock: Clock, done: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, resolve);
    done.finally(() => timer.cancel()).then(resolve, reject);
  });
}
