/** The HTTP edge of a worker. */
import type { Ref } from '../actors/kernel/index.ts';
import {
  type Address,
  type ClusterDesk,
  checkAddress,
  type ErrorDesk,
  type FigureDesk,
  type HttpMessage,
  type HttpSetup,
  httpBehavior,
} from '../actors/rpc/index.ts';
import type { ChaosDesk } from '../chaos/index.ts';
import type { ExtraServices } from './node-parts.ts';
import { logNeed, type ServiceDescriptor } from './service.ts';
import { version } from './version.ts';

export interface HttpOptions {
  /** Default 7447; 0 means any that is free. */
  readonly port?: number;
  /** A loopback address or `localhost`: there is no TLS and no authentication yet. Default `127.0.0.1`. */
  readonly host?: string;
}

export interface HttpEdge {
  readonly services: ExtraServices;
  /** Where it listens, once it does. */
  readonly url: () => string | undefined;
}

/** What an edge shows beside the node itself, where there is such a thing. */
export interface HttpDesks {
  readonly chaos?: ChaosDesk | undefined;
  readonly errors?: ErrorDesk | undefined;
  /** What the worker adds up. */
  readonly figures?: FigureDesk | undefined;
  /** Whether flows go on on other workers when this one stops. */
  readonly handsOver?: () => boolean;
  /** Without it the edge shows health and figures alone. Default true. */
  readonly answersClients?: boolean;
  readonly cluster?: () => ClusterDesk | undefined;
}

const defaultHttpPort = 7_447;

/**
 * The edge of a node, as a service to add to it.
 * @throws WeirError `WEIR_HTTP_ADDRESS`, `WEIR_HTTP_PORT_IN_USE`, `WEIR_HTTP_LISTEN`, before anything is started
 */
export async function openHttp(
  { port = defaultHttpPort, host = '127.0.0.1' }: HttpOptions,
  { chaos, errors, figures, answersClients = true, handsOver = () => false, cluster = () => undefined }: HttpDesks = {},
): Promise<HttpEdge> {
  let address: Address = { host, port };
  let url: string | undefined;
  let facts: () => Readonly<Record<string, unknown>> = () => ({});
  await checkAddress(address);
  return {
    url: () => url,
    services: ({ rpc, registry, status, system, authorize, restartService }): readonly ServiceDescriptor[] => [
      {
        name: 'http',
        // It needs nothing, so that it can say what the node still waits on; requests are refused until RPC is there.
        needs: [logNeed],
        uses: answersClients ? ['rpc'] : [],
        topics: { reads: [], writes: [] },
        creates: [],
        secrets: [],
        edge: true,
        start: ({ logger, onDrain }) => {
          const setup: HttpSetup = {
            system,
            rpc,
            directory: registry,
            authorize,
            address,
            logger,
            ...{ version, chaos, errors, figures, answersClients, handsOver, restartService },
            cluster: cluster(),
            facts: {
              status,
              tree: () => system.tree(),
              members: () => registry.hosted().map((identity) => ({ identity, flows: registry.flowNames(identity) })),
            },
            onListening: (at, bound) => {
              url = at;
              // After a restart clients find it where it was.
              address = bound;
            },
          };
          const behavior = httpBehavior(setup, (inspect) => {
            facts = inspect;
          });
          return (context: Parameters<typeof behavior>[0]) => {
            const self: Ref<HttpMessage> = context.address;
            onDrain(
              'http',
              () =>
                new Promise<void>((done) => {
                  if (self.tell({ type: 'drain', done }) !== 'accepted') done();
                }),
            );
            return behavior(context);
          };
        },
        inspect: () => facts(),
      },
    ],
  };
}
