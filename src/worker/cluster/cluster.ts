/**
 * This worker among the workers of its node: it hears of the others, gives out the orders of operators, and obeys those
 * that are for it. Owns the two tables that this goes through; the groups move the shards.
 */
import { flowTopics } from '../../actors/flow/protocol.ts';
import type { ClusterDesk, Noting, PlacedShard, WorkerStanding } from '../../actors/rpc/index.ts';
import { messageOf, namesHint, WeirError } from '../../errors/index.ts';
import type { Authority, Clock, Logger, Random } from '../../ports/index.ts';
import type { Elsewhere } from '../../supervisors/index.ts';
import type { KafkaLog, LogRecord, Membership, Table } from '../../transport/log/index.ts';
import { runsService } from '../roles.ts';
import { type SilentWorker, silentAfterMs, WorkerDirectory } from './directory.ts';
import { Proposals } from './proposals.ts';
import {
  clusterTopics,
  decodeHeartbeat,
  decodeOrder,
  drainKey,
  encode,
  type Heartbeat,
  isProposal,
  moveKey,
  moveOf,
  type Order,
} from './records.ts';

export interface ClusterSetup {
  readonly log: KafkaLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told once, each time that a process is not heard of any more and has not said that it ends. */
  readonly onSilent?: (silent: SilentWorker) => void;
}

/** The sharded service of a worker; its group has this name too. */
export const flowGroup = 'flow';
/**
 * Every worker is in this group until its log closes, whatever its roles and however its services fare: it shares nothing
 * out, and shows who runs to whoever needs to know that nobody does.
 */
const presenceGroup = 'workers';
/** The groups that a worker may be in. */
export const workerGroups: readonly string[] = [flowGroup, presenceGroup];
/** An order that no shard notes in this time, in milliseconds, may be what they all wait for. */
export const notedWithinMs = 3_000;
/** Heartbeats of workers that are gone for good are removed after so long. */
const forgottenAfterMs = 60 * 60_000;

export class Cluster implements ClusterDesk {
  readonly self: string;
  readonly instance: string;
  readonly startedAt: number;
  readonly #setup: ClusterSetup;
  readonly #directory: WorkerDirectory;
  readonly #proposals: Proposals;
  readonly #listeners = new Set<() => void>();
  #partitions = 0;
  #tables: readonly Table[] = [];
  #presence: Promise<Membership> | undefined;
  #rivalTold = false;
  /** The last heartbeats of those that were told to be silent. */
  readonly #silentTold = new Map<string, number>();

  /** Services of the other workers, as their heartbeats tell. */
  readonly elsewhere: Elsewhere = {
    available: (service) => this.#directory.runsElsewhere(service, this.self),
    onChange: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  constructor(setup: ClusterSetup) {
    this.#setup = setup;
    this.self = setup.log.worker;
    this.instance = Buffer.from(setup.random.bytes(8)).toString('hex');
    this.startedAt = setup.clock.now();
    this.#directory = new WorkerDirectory(() => setup.clock.now());
    this.#proposals = new Proposals({
      ...setup,
      self: { by: this.self, instance: this.instance },
      lives: ({ by, instance }) => this.#directory.lives(by, instance),
    });
  }

  /** Begins to listen. Orders for an earlier process of this name are void. */
  async open(partitions: number): Promise<void> {
    const { log, clock } = this.#setup;
    this.#partitions = partitions;
    this.close();
    this.#presence ??= log.join(presenceGroup, 0, { assigned: () => undefined, revoked: () => Promise.resolve() });
    await this.#presence;
    const beats = await log.table(clusterTopics.heartbeats);
    for (const [worker, value] of beats.entries()) this.#heard(worker, value, (beat) => beat.at);
    beats.onChange((worker, value) => this.#heard(worker, value, () => clock.now()));
    const orders = await log.table(clusterTopics.orders);
    for (const [key, value] of orders.entries()) this.#ordered(key, value);
    this.#proposals.loaded();
    orders.onChange((key, value) => {
      this.#ordered(key, value);
      this.#proposals.heard(key);
    });
    this.#tables = [beats, orders];
  }

  close(): void {
    for (const table of this.#tables) table.close();
    this.#tables = [];
  }

  /** Tells the others of this worker, and clears away what workers that are long gone have left. */
  async beat(beat: Heartbeat): Promise<void> {
    const gone = this.#directory.silentFor(forgottenAfterMs).filter((worker) => worker !== this.self);
    await this.#setup.log.put(clusterTopics.heartbeats, [
      { key: this.self, value: encode(beat) },
      ...gone.map((key) => ({ key, value: null })),
    ]);
  }

  /** The last word of this worker: it ends. */
  async bye(): Promise<void> {
    await this.#setup.log.put(clusterTopics.heartbeats, [{ key: this.self, value: null }]);
  }

  workers(): readonly WorkerStanding[] {
    return this.#directory.workers();
  }

  shards(): readonly PlacedShard[] {
    return this.#directory.shards(flowGroup, this.#partitions);
  }

  async move(partition: number, worker: string, authority: Authority, noting: Noting): Promise<void> {
    if (!(partition >= 0 && partition < this.#partitions)) {
      throw new WeirError('WEIR_SHARD_UNKNOWN', { shard: partition, last: this.#partitions - 1 });
    }
    const { drained } = this.#taker(worker);
    if (drained !== undefined) throw new WeirError('WEIR_WORKER_DRAINED', { worker });
    const owner = this.shards().find((shard) => shard.partition === partition)?.worker ?? null;
    await noting({ act: 'move shard', subject: `${partition}`, before: { worker: owner }, after: { worker } });
    await this.#order(moveKey(flowGroup, partition), worker, authority);
  }

  async drain(worker: string, authority: Authority, noting: Noting): Promise<void> {
    const before = standsAs(this.#taker(worker));
    const judge = (others: ReadonlySet<string>): void => {
      const takes = ({ worker: name, drained, state, roles }: WorkerStanding): boolean =>
        name !== worker && !others.has(name) && drained === undefined && state !== 'silent' && runsFlows(roles);
      if (!this.workers().some(takes)) throw new WeirError('WEIR_WORKER_LAST', { worker });
    };
    await this.#proposals.make(worker, judge, async (done) => {
      await noting({ act: 'drain', subject: worker, before, after: { drained: true } });
      await this.#order(drainKey(worker), worker, authority, done);
    });
  }

  async undrain(worker: string, authority: Authority, noting: Noting): Promise<void> {
    const before = standsAs(this.#known(worker));
    const noted = noting({ act: 'undrain', subject: worker, before, after: { drained: false } });
    // Its entry needs a shard that runs, and where none does it is this order that brings one back.
    const late = await this.#late(noted);
    const { log, logger } = this.#setup;
    const { principal, reason } = authority;
    logger.info({ worker, principal: principal.name, reason }, 'a worker is to take shards again');
    await log.put(clusterTopics.orders, [{ key: drainKey(worker), value: null }]);
    if (late) await noted;
  }

  /** Whether the promise has not settled within a while. */
  #late(promise: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = this.#setup.clock.after(notedWithinMs, () => resolve(true));
      promise
        .finally(() => timer.cancel())
        .then(
          () => resolve(false),
          (error: unknown) => reject(error),
        );
    });
  }

  async #order(key: string, worker: string, by: Authority, ...more: readonly LogRecord[]): Promise<void> {
    const { log, clock, logger } = this.#setup;
    const { principal, reason } = by;
    const instance = this.#directory.instanceOf(worker) ?? '';
    const order: Order = { worker, instance, principal: principal.name, reason, at: clock.now() };
    logger.info({ order: key, ...order }, 'an operator gives an order to a worker');
    await log.put(clusterTopics.orders, [{ key, value: encode(order) }, ...more]);
  }

  #known(worker: string): WorkerStanding {
    const standing = this.#directory.worker(worker);
    if (standing !== undefined) return standing;
    const hint = namesHint(worker, this.#directory.names(), 'there are');
    throw new WeirError('WEIR_WORKER_UNKNOWN', { worker, hint });
  }

  #present(worker: string): WorkerStanding {
    const standing = this.#known(worker);
    if (standing.state !== 'silent') return standing;
    throw new WeirError('WEIR_WORKER_SILENT', { worker, since: new Date(standing.seenAt).toISOString() });
  }

  /** A worker that is there and may have shards. */
  #taker(worker: string): WorkerStanding {
    const standing = this.#present(worker);
    const { roles } = standing;
    if (runsFlows(roles)) return standing;
    throw new WeirError('WEIR_ROLE_MISSING', { worker: `worker ${worker}`, service: flowGroup, roles: roles.join() });
  }

  #heard(worker: string, value: Uint8Array | undefined, seenAt: (beat: Heartbeat) => number): void {
    this.#take(worker, value, seenAt);
    for (const listener of this.#listeners) listener();
  }

  #take(worker: string, value: Uint8Array | undefined, seenAt: (beat: Heartbeat) => number): void {
    const beat = value === undefined ? undefined : decodeHeartbeat(value);
    if (beat === undefined) {
      this.#directory.forget(worker);
      return;
    }
    this.#directory.hear(beat, seenAt(beat));
    // What was written before its own has been read by now: whoever is still silent is so for all, not for it alone.
    if (worker === this.self && beat.instance === this.instance) this.#tellSilent();
    const { clock, logger } = this.#setup;
    const rival = worker === this.self && beat.instance !== this.instance;
    if (!rival || this.#rivalTold || beat.startedAt < this.startedAt || clock.now() - beat.at >= silentAfterMs) return;
    this.#rivalTold = true;
    logger.error({ worker }, 'another process has the name of this worker: operators cannot tell them apart');
  }

  #tellSilent(): void {
    for (const silent of this.#directory.silent()) {
      const { worker, lastBeatAt } = silent;
      if (worker === this.self || this.#silentTold.get(worker) === lastBeatAt) continue;
      this.#silentTold.set(worker, lastBeatAt);
      this.#setup.onSilent?.(silent);
    }
  }

  #ordered(key: string, value: Uint8Array | undefined): void {
    if (isProposal(key)) {
      this.#proposals.take(key, value);
      return;
    }
    const order = value === undefined ? undefined : decodeOrder(value);
    const { log, logger } = this.#setup;
    const mine = order !== undefined && order.worker === this.self && order.instance === this.instance;
    if (mine) logger.info({ order: key, ...order }, 'obeys an order');
    const move = moveOf(key);
    if (move !== undefined) {
      if (mine) log.pull(move.service, move.partition);
      return;
    }
    const worker = order?.worker ?? key.slice(drainKey('').length);
    this.#directory.drained(worker, order);
    if (worker === this.self) log.rest(mine);
  }

  /** How far the log lane of a shard is ahead of `position`; undefined when nobody can say. */
  async lagOf(partition: number, position: number): Promise<number | undefined> {
    try {
      return Math.max(0, (await this.#setup.log.end(flowTopics.events, partition)) - position);
    } catch (error) {
      // A figure for operators alone: the next heartbeat tries again.
      this.#setup.logger.debug({ partition, error: messageOf(error) }, 'the end of a log lane is not known');
      return undefined;
    }
  }
}

function runsFlows(roles: readonly string[]): boolean {
  return runsService(flowGroup, roles);
}

/** A worker as the audit tells of it. */
function standsAs({ drained, shards }: WorkerStanding) {
  return { drained: drained !== undefined, shards };
}
