/**
 * The log of one worker on a Kafka cluster, behind the log port.
 *
 * Owns the worker's appends, tails, tables and memberships, and the end of everything. It stands on the wire port alone, so
 * the same code runs against real brokers and against the model of the simulation.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock, Logger, Random } from '../../../ports/index.ts';
import type {
  AssignmentListener,
  Claim,
  Log,
  LogHealth,
  LogLimits,
  LogRecord,
  Membership,
  ReadOptions,
  ShardId,
  StatePreview,
  StoredRecord,
  Table,
  Tail,
  TailReceiver,
  TopicName,
  TopicSpec,
} from '../port.ts';
import { checkAppend, checkBatch } from '../rules.ts';
import { Appenders } from './appender.ts';
import { Catalog } from './catalog.ts';
import { GroupMember } from './group-member.ts';
import { OwnPublications } from './own-publications.ts';
import { storedKey } from './own-records.ts';
import { readBackwards, readForwards } from './partition-read.ts';
import { type PartitionTail, partitionTail } from './partition-tail.ts';
import { Patience } from './patience.ts';
import { probeFencing, probeSpec } from './probe.ts';
import { ReadAhead } from './read-ahead.ts';
import { nameOf, passes } from './refusals.ts';
import { checkSettings, type GivenSettings, groupSettings, type KafkaLogSettings, settingsOf } from './settings.ts';
import { TopicTable } from './topic-table.ts';
import { type KafkaWire, kafkaError } from './wire.ts';
import { WorkerClaims } from './worker-claims.ts';

export interface KafkaLogSetup extends GivenSettings {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Name of this worker, for operators. */
  readonly worker: string;
  /** Told which id the brokers know this worker by in a group, so that it can be made to leave when it dies. */
  readonly onMemberId?: (group: string, memberId: string) => void;
  /** Told each time that a group of this worker has given out its partitions anew. */
  readonly onRebalance?: (() => void) | undefined;
}

export interface KafkaLog extends Log {
  /** Asks for a partition of a group that this worker has joined: its owner drains it, then it is assigned here. */
  pull(group: string, partition: number): void;
  /** Gives up what runs here in any group and takes nothing more, or takes its part again. Default: it takes part. */
  rest(resting: boolean): void;
  /**
   * Writes to a `table` topic that no shard owns: durable when it resolves. Each key has one writer at a time, or the
   * last one counts; no claim keeps them apart. A record without a value removes its key.
   */
  put(topic: TopicName, records: readonly LogRecord[]): Promise<void>;
  /** The offset that the next record of a partition will have. */
  end(topic: TopicName, partition: number): Promise<number>;
  /** Name of this worker. */
  readonly worker: string;
}

/** Brokers that are silent keep nobody from closing: what is on its way arrives or does not, as from a process that dies. */
const closeWithinMs = 3_000;
/** A reading may go over all partitions at once. */
const readBytes = 256 * 1024;

/**
 * A log on Kafka. Nothing is asked of the brokers before it is used; `close` also closes the wire.
 * @throws WeirError `WEIR_CONFIGURATION_INVALID` when the times of the settings contradict each other
 */
export function kafkaLog(setup: KafkaLogSetup): KafkaLog {
  return new WorkerLog(setup, settingsOf(setup));
}

class WorkerLog implements KafkaLog {
  readonly driver = 'kafka';
  readonly limits: LogLimits;
  readonly worker: string;
  readonly #setup: KafkaLogSetup;
  readonly #settings: KafkaLogSettings;
  readonly #patience: Patience;
  readonly #catalog: Catalog;
  readonly #claims: WorkerClaims;
  readonly #appenders: Appenders;
  readonly #own = new OwnPublications();
  /** What is read of shards that are to come, by state topic. */
  readonly #ahead = new Map<TopicName, ReadAhead>();
  readonly #members = new Map<string, Set<GroupMember>>();
  readonly #open = new Set<{ close(): void }>();
  /** Of each partition the newest. */
  readonly #tails = new Map<string, PartitionTail>();
  readonly #inFlight = new Set<Promise<unknown>>();
  #resting = false;
  #probed: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(setup: KafkaLogSetup, settings: KafkaLogSettings) {
    checkSettings(settings);
    this.#setup = setup;
    this.worker = setup.worker;
    this.#settings = settings;
    this.limits = settings.limits;
    this.#patience = new Patience(setup);
    const { wire, clock } = setup;
    const { maxBatchBytes } = settings.limits;
    this.#appenders = new Appenders({ wire, clock, patience: this.#patience, maxBatchBytes });
    const { prefix, topics: rules, fetchBytes } = settings;
    this.#catalog = new Catalog({ wire, clock, patience: this.#patience, prefix, rules, fetchBytes });
    this.#claims = new WorkerClaims({
      ...setup,
      ...{ settings, patience: this.#patience, catalog: this.#catalog, own: this.#own },
      ahead: ({ topic, partition }) => this.#ahead.get(topic)?.take(partition),
      condemn: (shard, why) => this.condemn(shard, why),
      finish: (run) => void this.#tracked(run).catch(() => undefined),
    });
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.#tracked(async () => {
      await this.#claims.times();
      await this.#catalog.ensure(this.#settings.probe ? [...specs, probeSpec] : specs);
      if (this.#settings.probe) await this.#probe();
    });
  }

  topics(): Promise<readonly TopicSpec[]> {
    return this.#tracked(async () => {
      await this.#catalog.load();
      return this.#catalog.specs.filter(({ name }) => name !== probeSpec.name);
    });
  }

  claim(shard: ShardId, preview?: StatePreview): Promise<Claim> {
    return this.#tracked(() => this.#claims.claim({ ...shard }, preview));
  }

  condemn(shard: ShardId, why: string): Promise<void> {
    return this.#tracked(() => this.#catalog.registerLoss(shard, why));
  }

  async append(topic: TopicName, partition: number, records: readonly LogRecord[]): Promise<void> {
    this.#assertOpen();
    if (!this.#catalog.loaded) await this.#catalog.load();
    this.#catalog.expect(topic, 'events', partition);
    checkAppend(topic, records, this.limits);
    await this.#appenders.to(this.#catalog.nameOf(topic), partition).append(records);
  }

  tail(topic: TopicName, partition: number, from: number, receive: TailReceiver): Tail {
    this.#assertOpen();
    this.#catalog.expect(topic, 'events', partition);
    const { wire, logger } = this.#setup;
    const { fetchBytes: maxBytes, waitMs } = this.#settings;
    const tail = partitionTail(
      {
        ...{ wire, logger, partition, from, maxBytes, waitMs },
        topic: this.#catalog.nameOf(topic),
        patience: this.#patience,
        onClosed: (closed) => this.#open.delete(closed),
      },
      receive,
    );
    this.#open.add(tail);
    this.#tails.set(`${topic}/${partition}`, tail);
    return tail;
  }

  table(topic: TopicName): Promise<Table> {
    return this.#tracked(async () => {
      await this.#catalog.load();
      const { partitions } = this.#catalog.expect(topic, 'table');
      const { wire, clock, logger } = this.#setup;
      const { fetchBytes: maxBytes, waitMs } = this.#settings;
      const table = new TopicTable({
        ...{ wire, clock, logger, partitions, maxBytes, waitMs, own: this.#own },
        topic: this.#catalog.nameOf(topic),
        patience: this.#patience,
        onClosed: (closed) => this.#open.delete(closed),
      });
      this.#open.add(table);
      await table.load();
      return table;
    });
  }

  async *read(
    topic: TopicName,
    partition: number,
    { after, under = '', backwards = false }: ReadOptions = {},
  ): AsyncIterable<readonly StoredRecord[]> {
    this.#assertOpen();
    await this.#catalog.load();
    this.#catalog.expect(topic, 'table', partition);
    await this.#claims.published(topic, partition);
    const read = backwards ? readBackwards : readForwards;
    yield* read({
      ...{ wire: this.#setup.wire, patience: this.#patience, partition, topic: this.#catalog.nameOf(topic) },
      maxBytes: Math.min(readBytes, this.#settings.fetchBytes),
      after: after === undefined ? undefined : Number(after),
      under,
      ended: () => {
        this.#assertOpen();
        return false;
      },
    });
  }

  trim(topic: TopicName, partition: number, before: number): Promise<void> {
    return this.#tracked(async () => {
      this.#catalog.expect(topic, 'events', partition);
      const name = this.#catalog.nameOf(topic);
      await this.#patience.until(`trimming ${name}/${partition}`, async () => {
        const { error } = await this.#setup.wire.deleteRecords(name, partition, before);
        // Beyond the end, or trimmed further already: there is nothing to forget.
        if (error === kafkaError.none || error === kafkaError.offsetOutOfRange) return { done: undefined };
        if (passes(error)) return { again: nameOf(error) };
        throw new WeirError('WEIR_LOG_REFUSED', { what: `trimming ${name}/${partition}`, why: nameOf(error) });
      });
    });
  }

  async join(group: string, partitions: number, listener: AssignmentListener, state?: TopicName): Promise<Membership> {
    this.#assertOpen();
    const { wire, clock, logger, worker, onMemberId, onRebalance } = this.#setup;
    if (state !== undefined) await this.#catalog.load();
    const readAhead = state === undefined ? undefined : this.#readAhead(state);
    const member = new GroupMember({
      ...{ wire, clock, logger, worker, partitions, listener, readAhead },
      patience: this.#patience,
      settings: groupSettings(this.#settings, partitions),
      about: this.#settings.about,
      group: this.#catalog.named(group),
      onMemberId: (memberId) => onMemberId?.(this.#catalog.named(group), memberId),
      onExpelled: () => this.#claims.prove(),
      onLeft: (left) => this.#members.get(group)?.delete(left),
      resting: this.#resting,
      onRebalance: () => {
        if (partitions > 0) onRebalance?.();
      },
    });
    const members = this.#members.get(group) ?? new Set();
    this.#members.set(group, members.add(member));
    member.start();
    return member;
  }

  /** Of one state topic at a time there is one group. */
  #readAhead(state: TopicName): ReadAhead {
    const { wire, clock, logger } = this.#setup;
    const { fetchBytes: maxBytes, waitMs, group } = this.#settings;
    const ahead = new ReadAhead({
      ...{ wire, clock, logger, maxBytes, waitMs, patience: this.#patience },
      topic: this.#catalog.nameOf(state),
      withinMs: group.readAheadMs,
    });
    this.#ahead.get(state)?.close();
    this.#ahead.set(state, ahead);
    return ahead;
  }

  pull(group: string, partition: number): void {
    for (const member of this.#members.get(group) ?? []) member.pull(partition);
  }

  rest(resting: boolean): void {
    this.#resting = resting;
    for (const member of [...this.#members.values()].flatMap((group) => [...group])) member.rest(resting);
  }

  async put(topic: TopicName, records: readonly LogRecord[]): Promise<void> {
    this.#assertOpen();
    await this.#catalog.load();
    this.#catalog.expect(topic, 'table');
    checkBatch({ records, publications: [] }, this.limits);
    const appender = this.#appenders.to(this.#catalog.nameOf(topic), 0);
    await appender.append(records.map(({ key, value }) => ({ key: storedKey(key), value })));
  }

  end(topic: TopicName, partition: number): Promise<number> {
    return this.#tracked(async () => {
      this.#catalog.expect(topic, 'events', partition);
      const known = this.#tails.get(`${topic}/${partition}`)?.end;
      if (known !== undefined) return known;
      const name = this.#catalog.nameOf(topic);
      return this.#patience.until(`the end of ${name}/${partition}`, async () => {
        const { error, offset } = await this.#setup.wire.offset(name, partition, 'latest');
        return error === kafkaError.none ? { done: offset } : { again: nameOf(error) };
      });
    });
  }

  health(): LogHealth {
    return this.#patience.health;
  }

  onHealth(listener: (health: LogHealth) => void): void {
    this.#patience.onHealth(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // What is on its way may still arrive; what fails from now on is not tried again.
    this.#patience.close();
    for (const open of [...this.#open, ...this.#ahead.values()]) open.close();
    const { wire, clock } = this.#setup;
    await new Promise<void>((resolve, reject) => {
      const deadline = clock.after(closeWithinMs, resolve);
      this.#settle()
        .finally(() => deadline.cancel())
        .then(resolve, reject);
    });
    await wire.close();
  }

  async #settle(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
    await this.#appenders.settle();
    await this.#claims.close();
    const members = [...this.#members.values()].flatMap((group) => [...group]);
    await Promise.allSettled(members.map((member) => member.abandon()));
  }

  #probe(): Promise<void> {
    const { wire, clock } = this.#setup;
    const topic = this.#catalog.nameOf(probeSpec.name);
    this.#probed ??= probeFencing({ wire, clock, patience: this.#patience, topic }).then(() =>
      this.#catalog.checkTransactions(),
    );
    return this.#probed;
  }

  /** A call that `close` waits for. */
  async #tracked<Outcome>(run: () => Promise<Outcome>): Promise<Outcome> {
    this.#assertOpen();
    const running = run();
    this.#inFlight.add(running);
    try {
      return await running;
    } finally {
      this.#inFlight.delete(running);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new WeirError('WEIR_LOG_CLOSED');
  }
}
