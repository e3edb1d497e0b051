/**
 * The memory driver: several workers of one process over shared, volatile storage, for tests and simulation.
 *
 * Owns the workers and what can be done to them (crash, restart, freeze, move of a shard). Everything that happens is
 * decided by the clock, the random stream and the faults it is given, so that a seed gives the same run again.
 */
import type { Clock, Random } from '../../../ports/index.ts';
import type { AssignmentListener, Log, Membership } from '../port.ts';
import type { Faults } from './faults.ts';
import { Group, type Member } from './group.ts';
import { Host } from './host.ts';
import { Storage } from './storage.ts';
import { WorkerLog } from './worker-log.ts';

export interface MemoryClusterSetup {
  readonly clock: Clock;
  /** The clock that a worker runs on, where each has its own. Default: `clock`. */
  readonly clockOf?: (worker: string) => Clock;
  /** On which requests travel to the storage, where that is told apart from other time. Default: `clock`. */
  readonly line?: Pick<Clock, 'after'>;
  /** Used for latencies, and for what a crash leaves on its way. */
  readonly random: Random;
  /** What may happen to a commit or an append. Default: nothing. */
  readonly faults?: Faults;
  /** Time from a request to its arrival, uniform in between. Default 0: a later macrotask. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** How long an owner may drain a partition that is revoked from it. Default 10 000. */
  readonly drainDeadlineMs?: number;
  /** Whether the partitions of a crashed worker go to the survivors by themselves. Default true. */
  readonly reassignOnCrash?: boolean;
  /** Odds that what a worker had sent when it crashed still arrives, 0 to 1. Default 0. */
  readonly landOdds?: number;
  /** Time until the group notices a crash. Default 0: a later macrotask. */
  readonly failoverMs?: number;
}

export interface MemoryCluster {
  /** The log of this worker; after a crash or a close, a fresh one (a restart). */
  worker(id: string): Log;
  /**
   * Moves a partition of a group: revoked from its owner, drained (or its deadline passed), then assigned to
   * `worker`. With `rude` it is assigned at once and the old owner is told nothing: only the claim keeps it out.
   */
  move(group: string, partition: number, worker: string, options?: { readonly rude?: boolean }): Promise<void>;
  /** From now on nothing that the worker does has effect, and whatever it waits for never settles. */
  crash(worker: string): void;
  /** Stops the worker's line: its requests arrive, and answers are heard, after `thaw` (as with SIGSTOP). */
  freeze(worker: string): void;
  thaw(worker: string): void;
  /** Called when a worker crashes, by `crash` or by a fault. */
  onCrash(listener: (worker: string) => void): void;
  /** The worker that each partition of a group is assigned to. */
  owners(group: string): ReadonlyArray<string | undefined>;
}

export function memoryCluster(setup: MemoryClusterSetup): MemoryCluster {
  const { clock, random, faults = {}, latencyMs = { min: 0, max: 0 }, drainDeadlineMs = 10_000 } = setup;
  const { reassignOnCrash = true, failoverMs = 0, landOdds = 0 } = setup;
  const storage = new Storage();
  const groups = new Map<string, Group>();
  const workers = new Map<string, { readonly log: WorkerLog; readonly host: Host }>();
  const crashListeners: Array<(worker: string) => void> = [];

  function start(id: string): Log {
    const host = new Host({ clock, line: setup.line ?? clock, worker: setup.clockOf?.(id) ?? clock });
    const log = new WorkerLog({
      ...{ id, clock, random, host, storage, faults, latencyMs },
      crash: () => crash(id),
      join: (group, partitions, listener) => join(id, host, group, partitions, listener),
      onClosed: () => forget(id, host),
    });
    workers.set(id, { log, host });
    return log;
  }

  function join(
    worker: string,
    host: Host,
    name: string,
    partitions: number,
    listener: AssignmentListener,
  ): Membership {
    const group = groups.get(name) ?? new Group({ clock, partitions, drainDeadlineMs });
    groups.set(name, group);
    if (group.partitions !== partitions) throw new Error(`group ${name} has ${group.partitions} partitions`);
    const member: Member = { worker, host, listener };
    group.join(member);
    return { lost: (partition) => group.lost(member, partition), leave: () => group.leave(member) };
  }

  function forget(id: string, host: Host): void {
    if (workers.get(id)?.host !== host) return;
    workers.delete(id);
    for (const group of groups.values()) group.drop(host, true);
  }

  function crash(id: string): void {
    const worker = workers.get(id);
    if (worker === undefined) return;
    worker.host.crash(landOdds > 0 && random.next() < landOdds);
    worker.log.abandon();
    workers.delete(id);
    const drop = (): void => {
      for (const group of groups.values()) group.drop(worker.host, reassignOnCrash);
    };
    if (failoverMs > 0) clock.after(failoverMs, drop);
    else drop();
    for (const listener of crashListeners) listener(id);
  }

  return {
    worker: (id) => workers.get(id)?.log ?? start(id),
    async move(name, partition, worker, { rude = false } = {}) {
      const group = groups.get(name);
      if (group === undefined) throw new Error(`no worker has joined the group ${name}`);
      await group.move(partition, worker, rude);
    },
    crash,
    freeze: (id) => workers.get(id)?.host.freeze(),
    thaw: (id) => workers.get(id)?.host.thaw(),
    onCrash: (listener) => void crashListeners.push(listener),
    owners: (name) => groups.get(name)?.owners() ?? [],
  };
}
