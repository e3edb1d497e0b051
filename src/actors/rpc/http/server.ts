/**
 * The HTTP server of a node: fastify with our own refusals. Owns what happens to a request before and after its route:
 * who may send it, how its body is read, how errors are told and logged, and what becomes of it when the node stops.
 */
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { ChaosDesk } from '../../../chaos/index.ts';
import { ensureError, messageOf, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger } from '../../../ports/index.ts';
import type { ChildAnswer } from '../../../supervisors/index.ts';
import { actorRoutes } from './actor-routes.ts';
import { type Address, listenError, urlOf } from './address.ts';
import { auditRoutes } from './audit-routes.ts';
import { chaosRoutes } from './chaos-routes.ts';
import { type ClusterDesk, clusterRoutes } from './cluster-routes.ts';
import { Edge, type EdgeSetup } from './edge.ts';
import { type ErrorDesk, errorRoutes } from './error-routes.ts';
import { Feeds, feedRoute, isFeed } from './feed/feeds.ts';
import { flowRoutes } from './flow-routes.ts';
import { checkSource } from './guard.ts';
import { hospitalRoutes } from './hospital-routes.ts';
import { loopLag } from './loop-lag.ts';
import { type FigureDesk, Metrics } from './metrics.ts';
import { type NodeFacts, nodeRoutes } from './node-routes.ts';
import { rawProblem } from './problem.ts';
import { pathOf, sendProblem } from './reply.ts';
import { mount } from './routing/mount.ts';
import { documented } from './routing/open-api.ts';

export interface ServerSetup extends EdgeSetup {
  readonly address: Address;
  readonly facts: NodeFacts;
  /** Starts a service again that is down or stopped. */
  readonly restartService: (id: string) => Promise<ChildAnswer>;
  /** Of the package. */
  readonly version: string;
  /** Where faults are injected; undefined on a node that allows none. */
  readonly chaos?: ChaosDesk | undefined;
  /** The workers of the node; undefined where it is one process with a log of its own. */
  readonly cluster?: ClusterDesk | undefined;
  /** What has gone wrong; undefined where nobody collects it. */
  readonly errors?: ErrorDesk | undefined;
  /** What the worker adds up while it runs; undefined where nobody does. */
  readonly figures?: FigureDesk | undefined;
  /** Whether flows that were started here go on on other workers when this one stops. Default: they do not. */
  readonly handsOver?: () => boolean;
  /** Without it there are health and figures alone. Default true. */
  readonly answersClients?: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface HttpServer {
  readonly address: Address;
  readonly url: string;
  /** Stops accepting, answers who waits with the flow as it is, lets requests under way finish. */
  drain(): Promise<void>;
  /** Cuts what is left. */
  end(): void;
  facts(): Readonly<Record<string, unknown>>;
  onError(listener: (error: Error) => void): void;
}

const maxBodyBytes = 1024 * 1024;
/** How long a worker that stops lets clients wait for results of flows that run on other workers by then. */
const graceMs = 3_000;
/** A client that sends its request slower than this holds nothing any more. */
const requestTimeoutMs = 30_000;
/** Names of members and request ids, percent-encoded. */
const maxSegmentLength = 4_096;

/** @throws WeirError `WEIR_HTTP_PORT_IN_USE`, `WEIR_HTTP_LISTEN` */
export async function openServer(setup: ServerSetup): Promise<HttpServer> {
  const { clock, logger, facts } = setup;
  const edge = new Edge(setup);
  const lag = loopLag(clock);
  const { cluster } = setup;
  const metrics = new Metrics({
    ...{ tree: facts.tree, status: facts.status, figures: setup.figures, takeLag: lag.take },
    events: () => setup.system.events.counts(),
    ownShards: () => cluster?.shards().filter(({ worker }) => worker === cluster.self) ?? [],
  });
  const feeds = new Feeds({
    ...{ edge, clock, logger },
    onAnswered: (route, status) => metrics.answered('GET', route, status, 0),
  });
  let draining = false;

  const app = fastify({
    // Request logging costs more than a third of the throughput; errors are logged below.
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    // Offers of other protocols (`curl --http2`) are left alone.
    http: { shouldUpgradeCallback: isFeed },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: maxSegmentLength },
    frameworkErrors: (error, request, reply) => void refuse(error, request, reply),
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
      socket.end(rawProblem(new WeirError('WEIR_HTTP_MALFORMED', { why: messageOf(error) })));
    },
  });

  app.addHook('onRequest', (request, reply, done) => {
    try {
      checkSource(request.method, request.headers.host, request.headers.origin);
      done();
    } catch (error) {
      void reply.header('connection', 'close');
      done(ensureError(error));
    }
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // A connection that stays open would hold the server back, however idle it is.
    if (draining) void reply.header('connection', 'close');
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.answered(request.method, route, reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error: FastifyError, request, reply) => refuse(error, request, reply));
  app.setNotFoundHandler((request, reply) => sendProblem(reply, missing(app, request)));
  const ofNode = nodeRoutes(facts, metrics, () => edge.checkRead());
  const ofClients = [
    ...flowRoutes(edge),
    ...hospitalRoutes(edge),
    ...auditRoutes(edge),
    feedRoute,
    ...ofNode,
    ...clusterRoutes(edge, cluster),
    ...(setup.errors === undefined ? [] : errorRoutes(edge, setup.errors, () => clock.now())),
    ...actorRoutes({ edge, system: setup.system, restartService: setup.restartService, logger }),
    ...chaosRoutes(edge, setup.chaos),
  ];
  mount(app, documented(setup.answersClients === false ? ofNode : ofClients, setup.version));

  function refuse(thrown: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const error = refusalOf(thrown, request);
    if (error.status >= 500 && !error.retryable) {
      logger.error(
        { ...namesOf(request), method: request.method, path: pathOf(request), code: error.code, error },
        'a request failed',
      );
    }
    // The rest of a body that nobody reads would be taken for the next request.
    if (error.code === 'WEIR_HTTP_TOO_LARGE') void reply.header('connection', 'close');
    return sendProblem(reply, error);
  }

  app.server.on('upgrade', (request, socket, head) => feeds.upgrade(request, socket, head));
  try {
    await app.listen({ ...setup.address });
  } catch (error) {
    lag.stop();
    throw listenError(setup.address, error);
  }
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : setup.address.port;
  const address = { host: setup.address.host, port };

  return {
    address,
    url: urlOf(address),
    async drain() {
      draining = true;
      const closed = Promise.all([feeds.drain(), app.close()]);
      // What they wait for runs elsewhere by now, and most of it ends soon.
      if (setup.handsOver?.() === true) await edge.quiet(graceMs);
      edge.release();
      await closed;
    },
    end() {
      lag.stop();
      feeds.end();
      app.server.closeAllConnections();
      app.close().catch((error: unknown) => logger.warn({ err: ensureError(error) }, 'the HTTP server did not close'));
    },
    facts: () => ({ feeds: feeds.open }),
    onError: (listener) => void app.server.on('error', listener),
  };
}

/** Whatever went wrong with a request, in our words. */
function refusalOf(thrown: Error, request: FastifyRequest): WeirError {
  if (WeirError.is(thrown)) return thrown;
  const code = 'code' in thrown ? thrown.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new WeirError('WEIR_HTTP_TOO_LARGE', { limit: maxBodyBytes });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new WeirError('WEIR_HTTP_MEDIA_TYPE', { found: request.headers['content-type'] ?? 'none' });
  }
  const status = 'statusCode' in thrown ? thrown.statusCode : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new WeirError('WEIR_HTTP_MALFORMED', { why: thrown.message }, thrown);
  }
  return new WeirError('WEIR_INTERNAL', {}, thrown);
}

/** Nothing there, or nothing that can be done in this way. */
function missing(app: FastifyInstance, request: FastifyRequest): WeirError {
  const path = pathOf(request);
  const allowed = ['GET', 'HEAD', 'POST', 'DELETE'].filter((method) => app.findRoute({ method, url: path }) !== null);
  if (allowed.length === 0) return new WeirError('WEIR_HTTP_ROUTE', { path });
  return new WeirError('WEIR_HTTP_METHOD', { method: request.method, path, allow: allowed.join(', ') });
}

/** What the log must say of a request, so that the flow it was about can be found (MO10). */
function namesOf({ params, body }: FastifyRequest): Record<string, string> {
  const names: Record<string, string> = {};
  for (const source of [body, params]) {
    if (typeof source !== 'object' || source === null) continue;
    for (const name of ['flowId', 'clientRequestId', 'member', 'flow']) {
      const value: unknown = Reflect.get(source, name);
      if (typeof value === 'string') names[name] = value;
    }
  }
  return names;
}
