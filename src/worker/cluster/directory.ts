/**
 * The workers of the node as their heartbeats tell of them. Owns who counts as heard of, and who has a shard when more
 * than one says so. Pure but for what it remembers.
 */
import type { PlacedShard, WorkerStanding } from '../../actors/rpc/index.ts';
import { runsService } from '../roles.ts';
import type { Heartbeat, Order } from './records.ts';

/** A worker that was not heard of for so long is silent: three heartbeats are missing. */
export const silentAfterMs = 6_000;

export interface SilentWorker {
  readonly worker: string;
  /** Tells processes of one name apart. */
  readonly instance: string;
  /** By the clock of the worker: the same for all who have heard it. */
  readonly lastBeatAt: number;
}

interface Heard {
  readonly beat: Heartbeat;
  /** By the own clock, for heartbeats that came while it listened: clocks of hosts may differ. */
  readonly seenAt: number;
}

export class WorkerDirectory {
  readonly #heard = new Map<string, Heard>();
  readonly #drains = new Map<string, Order>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  hear(beat: Heartbeat, seenAt: number): void {
    this.#heard.set(beat.worker, { beat, seenAt });
  }

  forget(worker: string): void {
    this.#heard.delete(worker);
  }

  /** An order to drain, or none any more. */
  drained(worker: string, order: Order | undefined): void {
    if (order === undefined) this.#drains.delete(worker);
    else this.#drains.set(worker, order);
  }

  names(): string[] {
    return [...this.#heard.keys()].sort();
  }

  instanceOf(worker: string): string | undefined {
    return this.#heard.get(worker)?.beat.instance;
  }

  /** Whether this process of a worker is heard of. */
  lives(worker: string, instance: string): boolean {
    const heard = this.#heard.get(worker);
    return heard?.beat.instance === instance && !this.#isSilent(heard.seenAt);
  }

  /** Processes that are silent. */
  silent(): SilentWorker[] {
    return [...this.#heard.values()].flatMap(({ beat: { worker, instance, at }, seenAt }) =>
      this.#isSilent(seenAt) ? [{ worker, instance, lastBeatAt: at }] : [],
    );
  }

  /** Workers that were not heard of for so long. */
  silentFor(ms: number): string[] {
    return [...this.#heard].flatMap(([worker, { seenAt }]) => (this.#now() - seenAt >= ms ? [worker] : []));
  }

  worker(name: string): WorkerStanding | undefined {
    const heard = this.#heard.get(name);
    if (heard === undefined) return undefined;
    const { beat, seenAt } = heard;
    const drain = this.#drainOf(beat);
    return {
      worker: name,
      version: beat.version,
      roles: beat.roles,
      address: beat.address,
      state: this.#stateOf(heard),
      startedAt: beat.startedAt,
      seenAt,
      waiting: beat.waiting,
      shards: beat.shards.length,
      drained: drain === undefined ? undefined : { principal: drain.principal, reason: drain.reason, at: drain.at },
      load: beat.load,
    };
  }

  /** Whether another worker than `self` is ready and runs a service. */
  runsElsewhere(service: string, self: string): boolean {
    return this.workers().some(
      ({ worker, state, roles }) => worker !== self && state === 'ready' && runsService(service, roles),
    );
  }

  workers(): WorkerStanding[] {
    return this.names().flatMap((name) => this.worker(name) ?? []);
  }

  /** Every shard of a service, whoever has it. */
  shards(service: string, partitions: number): PlacedShard[] {
    const placed = Array.from({ length: partitions }, (_, partition) => nobodys(service, partition));
    for (const { beat, seenAt } of this.#heard.values()) {
      const silent = this.#isSilent(seenAt);
      for (const shard of beat.shards) {
        const known = placed[shard.partition];
        if (shard.service !== service || known === undefined) continue;
        const told: PlacedShard = {
          ...{ service, partition: shard.partition, worker: beat.worker, phase: silent ? 'silent' : shard.phase },
          ...{ term: shard.term, lag: shard.lag, position: shard.position },
          ...{ restarts: shard.restarts, lastFailure: shard.lastFailure },
        };
        if (known.worker === undefined || rankOf(told) > rankOf(known)) placed[shard.partition] = told;
      }
    }
    return placed;
  }

  #stateOf({ beat, seenAt }: Heard): WorkerStanding['state'] {
    if (this.#isSilent(seenAt)) return 'silent';
    if (this.#drainOf(beat) !== undefined) return beat.shards.length > 0 ? 'draining' : 'drained';
    return beat.ready ? 'ready' : 'waiting';
  }

  #drainOf({ worker, instance }: Heartbeat): Order | undefined {
    const order = this.#drains.get(worker);
    return order?.instance === instance ? order : undefined;
  }

  #isSilent(seenAt: number): boolean {
    return this.#now() - seenAt >= silentAfterMs;
  }
}

function nobodys(service: string, partition: number): PlacedShard {
  const unknown = { worker: undefined, term: undefined, lag: undefined, position: undefined, lastFailure: undefined };
  return { service, partition, phase: 'unowned', restarts: 0, ...unknown };
}

/** The newest claim counts; one that is being made has no term yet, and stands over all of them. */
function rankOf({ phase, term }: PlacedShard): number {
  if (phase === 'silent') return -1;
  if (term === undefined) return phase === 'claiming' ? Number.MAX_SAFE_INTEGER : 0;
  const [incarnation = 0, counter = 0] = term.split('.').map(Number);
  return incarnation * 2 ** 32 + counter;
}
