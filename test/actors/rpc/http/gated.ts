/** A node over a log in memory whose claims or commits wait until the test lets them go; it may not be ready yet. */
import { onTestFinished } from 'vitest';
import { silentLogger, systemClock, systemRandom } from '../../../../src/ports/index.ts';
import { type Claim, type Log, memoryCluster } from '../../../../src/transport/log/index.ts';
import { loopbackTransport } from '../../../../src/transport/peer/index.ts';
import { openHttp } from '../../../../src/worker/http-service.ts';
import { createNode, type Node } from '../../../../src/worker/index.ts';
import { type Client, client, everyFlow } from './support.ts';

/** Closed, whoever passes waits until it is opened. */
export interface Gate {
  close(): void;
  open(): void;
  pass(): Promise<void>;
}

function gate(): Gate {
  let opened: Promise<void> = Promise.resolve();
  let open = (): void => undefined;
  return {
    close() {
      opened = new Promise((resolve) => {
        open = resolve;
      });
    },
    open: () => open(),
    pass: () => opened,
  };
}

export interface Gated {
  /** Rejects when the node does not get ready. */
  readonly node: Promise<Node>;
  readonly api: Client;
  readonly claims: Gate;
  readonly commits: Gate;
}

export async function gated({ ready }: { readonly ready: boolean }): Promise<Gated> {
  const clock = systemClock();
  const random = systemRandom();
  const claims = gate();
  const commits = gate();
  if (!ready) claims.close();
  const worker = memoryCluster({ clock, random }).worker('one');
  const log = forwarded(worker, {
    async claim(shard) {
      await claims.pass();
      const claim = await worker.claim(shard);
      return forwarded<Claim>(claim, {
        async commit(batch) {
          await commits.pass();
          await claim.commit(batch);
        },
      });
    },
  } satisfies Partial<Log>);
  const http = await openHttp({ port: 0 });
  const { promise: listening, resolve } = Promise.withResolvers<string>();
  const node = createNode(
    { members: { ACME: { flows: everyFlow } }, shards: 1 },
    { log, clock, random, logger: silentLogger, peer: loopbackTransport({ clock, random }) },
    (parts) =>
      http.services(parts).map((service) => ({
        ...service,
        start: (worker, child) => {
          const behavior = service.start(worker, child);
          return async (context) => {
            const receive = await behavior(context);
            resolve(http.url() ?? '');
            return receive;
          };
        },
      })),
  );
  onTestFinished(async () => {
    claims.open();
    commits.open();
    await (await node).stop();
  });
  return { node, api: client(await listening), claims, commits };
}

/** The same, but for what is replaced; methods keep their object. */
function forwarded<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      const own: unknown = Reflect.get(replaced, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
