/**
 * How the services of a worker are supervised, and how they read to people: what waits on what, and whether anything is
 * left to do.
 */
import type { ShardStatus } from '../actors/shard/index.ts';
import { type ChildStatus, describeWaiting, type SupervisorSpec } from '../supervisors/index.ts';
import type { LogHealth } from '../transport/log/index.ts';
import { logNeed, type ServiceDescriptor, type WorkerContext } from './service.ts';

/** Services do not wait in their turns: one that holds messages up for so long hangs. */
const progressWithin = '10 s';

export function supervision(descriptors: readonly ServiceDescriptor[], context: WorkerContext): SupervisorSpec {
  const own = new Set(descriptors.map(({ name }) => name));
  return {
    strategy: 'one-for-one',
    intensity: { max: 5, within: '1 min' },
    backoff: { min: 100, max: '10 s', jitter: 0.25 },
    children: descriptors.map(({ name, needs, uses, ready, start, inspect }) => ({
      id: name,
      start: (child) => start({ ...context, logger: context.logger.child({ service: name }) }, child),
      needs: needs.filter((need) => need !== logNeed),
      uses,
      shutdown: '15 s',
      progressWithin,
      ...(ready === undefined ? {} : { ready }),
      ...(inspect === undefined ? {} : { inspect }),
    })),
    elsewhere: [...new Set(descriptors.flatMap(({ uses }) => uses))].filter((used) => !own.has(used)),
  };
}

/** Whether no service but edges runs, or could start without an operator. */
export function nothingLeft(descriptors: readonly ServiceDescriptor[], services: readonly ChildStatus[]): boolean {
  const edges = new Set(descriptors.filter(({ edge }) => edge === true).map(({ name }) => name));
  const idle: ReadonlySet<ChildStatus['state']> = new Set(['down', 'stopped', 'waiting']);
  return services.every(({ id, state }) => edges.has(id) || idle.has(state));
}

/** One sentence for each service that waits; the log is told of as if it were a service, since all of them stand on it. */
export function waitingOf(
  services: readonly ChildStatus[],
  shards: readonly ShardStatus[],
  { state, error }: LogHealth,
): readonly string[] {
  const open = shards.filter(({ phase }) => phase === 'running').length;
  const log: ChildStatus = {
    id: logNeed,
    state: state === 'ok' ? 'starting' : 'down',
    waitsOn: [],
    restarts: 0,
    lastFailure: error?.message ?? `${open} of ${shards.length} shards are open`,
  };
  const told = services.map((service) =>
    service.id === 'flow' && service.state === 'starting' ? { ...service, waitsOn: [logNeed] } : service,
  );
  const chains = describeWaiting([...told, log]);
  if (chains.length > 0) return chains;
  return services
    .filter((service) => service.state !== 'ready')
    .map(({ id, state, lastFailure }) => `${id} is ${state}${lastFailure === undefined ? '' : `: ${lastFailure}`}`);
}
