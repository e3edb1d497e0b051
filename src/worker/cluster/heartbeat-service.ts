/**
 * The service that tells the other workers of this one: every two seconds, and at once when a shard or a service changes.
 * Owns what a heartbeat says.
 */
import { z } from 'zod';
import type { ActorSnapshot, ActorSystem, Behavior } from '../../actors/kernel/index.ts';
import { messageOf } from '../../errors/index.ts';
import type { NodeStatus } from '../node-parts.ts';
import { logNeed, type ServiceDescriptor } from '../service.ts';
import { version } from '../version.ts';
import { type Cluster, flowGroup } from './cluster.ts';
import { processLoad } from './process-load.ts';
import { clusterAccess, clusterTopicSpecs, type Heartbeat } from './records.ts';

export interface HeartbeatServiceSetup {
  readonly cluster: Cluster;
  /** Of this worker. */
  readonly roles: readonly string[];
  readonly system: ActorSystem;
  readonly partitions: number;
  readonly status: () => NodeStatus;
  readonly onChange: (listener: () => void) => void;
  /** Where its HTTP listens, once it does. */
  readonly address: () => string | undefined;
  /** What the process uses of its machine. Default: the machine is asked. */
  readonly load?: () => Heartbeat['load'];
}

type HeartbeatMessage = { readonly type: 'due' } | { readonly type: 'changed' };

const everyMs = 2_000;
/** What shards show of themselves in the live tree. */
const shardFacts = z.object({ term: z.string().optional(), position: z.number().optional() });

export function heartbeatService(setup: HeartbeatServiceSetup): ServiceDescriptor {
  const { cluster, onChange } = setup;
  let changed: () => void = () => undefined;
  onChange(() => changed());
  return {
    name: 'heartbeats',
    needs: [logNeed],
    uses: [],
    topics: clusterAccess,
    creates: clusterTopicSpecs,
    secrets: [],
    edge: true,
    drainsLast: true,
    start: ({ clock, onDrain }) => {
      const load = setup.load ?? processLoad(clock);
      const behavior: Behavior<HeartbeatMessage> = async (context) => {
        await cluster.open(setup.partitions);
        const lags = new Map<number, number | undefined>();
        let telling = false;
        let again = false;
        let ended = false;

        async function tell(measured: boolean): Promise<void> {
          telling = true;
          try {
            const beat = heartbeatOf(setup, load(), clock.now());
            if (measured) await Promise.all(beat.shards.map(measure));
            if (!ended)
              await cluster.beat({
                ...beat,
                shards: beat.shards.map((one) => ({ ...one, lag: lags.get(one.partition) })),
              });
          } catch (error) {
            // The log has closed, or refuses: the shards say so louder, and the next heartbeat tries again.
            context.log.debug({ error: messageOf(error) }, 'a heartbeat was not written');
          }
          telling = false;
          const changedMeanwhile = again;
          again = false;
          if (changedMeanwhile) beat(false);
        }

        async function measure({ partition, position, phase }: Heartbeat['shards'][number]): Promise<void> {
          const known = phase === 'running' && position !== undefined;
          lags.set(partition, known ? await cluster.lagOf(partition, position) : undefined);
        }

        /** Never more than one on its way: brokers that do not answer must not be owed a heap of them. */
        function beat(measured: boolean): void {
          if (telling) again = true;
          else if (!ended) void tell(measured);
        }

        changed = () => void context.self.tell({ type: 'changed' });
        onDrain('heartbeats', async () => {
          ended = true;
          changed = () => undefined;
          await cluster.bye();
        });
        beat(false);
        context.startTimer('due', { type: 'due' }, everyMs);
        return {
          message({ type }) {
            switch (type) {
              case 'due':
                context.startTimer('due', { type: 'due' }, everyMs);
                beat(true);
                return;
              case 'changed':
                beat(false);
            }
          },
          ended() {
            ended = true;
            changed = () => undefined;
            cluster.close();
          },
        };
      };
      return behavior;
    },
  };
}

function heartbeatOf(
  { cluster, roles, status, system, address }: HeartbeatServiceSetup,
  load: Heartbeat['load'],
  now: number,
): Heartbeat {
  const { ready, waiting, shards } = status();
  const facts = factsOfShards(system.tree());
  return {
    worker: cluster.self,
    instance: cluster.instance,
    version,
    roles: [...roles],
    address: address(),
    startedAt: cluster.startedAt,
    at: now,
    ready,
    waiting: [...waiting],
    shards: shards.map(({ partition, phase, restarts, lastFailure }) => ({
      ...{ service: flowGroup, partition, phase, restarts, lastFailure },
      ...facts.get(`shard-${partition}`),
    })),
    load,
  };
}

function factsOfShards(tree: readonly ActorSnapshot[]): ReadonlyMap<string, z.output<typeof shardFacts>> {
  const region = tree
    .find(({ path }) => path === '/services')
    ?.children.find(({ path }) => path === `/services/${flowGroup}`);
  const shards = region?.children ?? [];
  return new Map(
    shards.map(({ path, facts }) => [path.slice(path.lastIndexOf('/') + 1), shardFacts.safeParse(facts).data ?? {}]),
  );
}
