/**
 * Several workers of one process over the model of a Kafka cluster, through the driver itself: what `memoryCluster` is
 * to simulation, with every request, fence and rebalance of the real thing.
 *
 * Owns the workers and what can be done to them. Faults of commits and appends become fates of their requests; a worker
 * that dies is made to leave its groups, as its parent process does.
 */
import { type Clock, silentLogger } from '../../../ports/index.ts';
import { forwardingClaim, forwardingLog } from '../forwarding.ts';
import type { AppendInfo, CommitInfo, Fate, MemoryCluster, MemoryClusterSetup } from '../memory/index.ts';
import type { AssignmentListener, Claim, CommitBatch, Log, Membership, TopicName } from '../port.ts';
import { type KafkaLog, type KafkaLogSetup, kafkaLog } from './kafka-log.ts';
import { type ModelBroker, type ModelBrokerSetup, modelBroker, type RequestFate } from './model/index.ts';
import type { GivenSettings } from './settings.ts';
import type { KafkaWire } from './wire.ts';

export interface KafkaModelClusterSetup extends MemoryClusterSetup {
  /** Settings of the model; those of time are short by default, since only the simulation pays for them. */
  readonly brokers?: Partial<Omit<ModelBrokerSetup, 'clock' | 'random'>>;
  readonly settings?: GivenSettings;
  readonly logger?: KafkaLogSetup['logger'];
}

export interface KafkaModelCluster extends MemoryCluster {
  worker(id: string): KafkaLog;
  /** What can be done to the brokers; its clients are the workers. */
  readonly broker: ModelBroker;
}

interface Joined {
  readonly worker: Worker;
}

interface Worker {
  readonly id: string;
  readonly log: KafkaLog;
  readonly clock: Clock;
  /** Member ids by the names that brokers know groups by. */
  readonly memberIds: Map<string, string>;
  /** Fates of the next writes, by topic and partition. */
  readonly fates: Map<string, RequestFate[]>;
}

const parent = 'parent process';

export function kafkaModelCluster(setup: KafkaModelClusterSetup): KafkaModelCluster {
  const { clock, random, faults = {}, latencyMs = { min: 0, max: 0 }, reassignOnCrash = true, failoverMs = 0 } = setup;
  const workers = new Map<string, Worker>();
  const groups = new Map<string, { readonly members: Set<Joined>; readonly owners: Array<Joined | undefined> }>();
  const crashListeners: Array<(worker: string) => void> = [];
  const settled: Array<() => void> = [];

  const given = setup.brokers?.faults;
  const broker = modelBroker({
    ...{ latencyMs, initialRebalanceDelayMs: 0, requestTimeoutMs: 500 },
    ...setup.brokers,
    ...{ clock, random },
    faults: {
      request: (info) => {
        const fates = info.api === 'produce' ? workers.get(info.client)?.fates : undefined;
        return fates?.get(`${info.about}/${info.partition}`)?.shift() ?? given?.request?.(info) ?? 'ok';
      },
    },
  });
  broker.onCrash((id) => buried(id));

  const changed = (): void => {
    for (const wake of settled.splice(0)) wake();
  };

  function start(id: string): Worker {
    const own = setup.clockOf?.(id) ?? clock;
    const memberIds = new Map<string, string>();
    const log = kafkaLog({
      waitMs: 3_600_000,
      ...setup.settings,
      group: { heartbeatMs: 2_000, drainDeadlineMs: setup.drainDeadlineMs ?? 10_000, ...setup.settings?.group },
      ...{ random, clock: own, worker: id, logger: setup.logger ?? silentLogger },
      wire: setup.clockOf === undefined ? broker.connect(id) : heardOn(own, broker.connect(id)),
      onMemberId: (group, memberId) => void memberIds.set(group, memberId),
    });
    const worker: Worker = { id, log, clock: own, memberIds, fates: new Map() };
    workers.set(id, worker);
    return worker;
  }

  /** The worker is dead: its parent tells the groups, after the time that it takes to see it. */
  function buried(id: string): void {
    const worker = workers.get(id);
    if (worker === undefined) return;
    workers.delete(id);
    for (const { members, owners } of groups.values()) {
      for (const joined of members) if (joined.worker === worker) members.delete(joined);
      for (const [partition, owner] of owners.entries()) if (owner?.worker === worker) owners[partition] = undefined;
    }
    const leave = (): void => {
      for (const group of worker.memberIds.keys()) expel(worker, group);
    };
    if (reassignOnCrash) {
      if (failoverMs > 0) clock.after(failoverMs, leave);
      else leave();
    }
    changed();
    for (const listener of crashListeners) listener(id);
  }

  function expel(worker: Worker, group: string): void {
    const memberId = worker.memberIds.get(group);
    // Nobody hears it while brokers are away: then its session runs out.
    if (memberId !== undefined)
      broker
        .connect(parent)
        .leaveGroup(group, memberId)
        .catch(() => undefined);
  }

  function groupOf(name: string) {
    const group = groups.get(name) ?? { members: new Set<Joined>(), owners: [] };
    groups.set(name, group);
    return group;
  }

  function own(group: string, partition: number, joined: Joined | undefined): void {
    groupOf(group).owners[partition] = joined;
    changed();
  }

  async function join(
    worker: Worker,
    group: string,
    partitions: number,
    listener: AssignmentListener,
    state: TopicName | undefined,
  ): Promise<Membership> {
    const joined: Joined = { worker };
    const { members, owners } = groupOf(group);
    members.add(joined);
    owners.length = partitions;
    const heard: AssignmentListener = {
      ...listener,
      assigned(given) {
        for (const partition of given) own(group, partition, joined);
        listener.assigned(given);
      },
      async revoked(taken) {
        await listener.revoked(taken);
        for (const partition of taken) if (owners[partition] === joined) own(group, partition, undefined);
      },
    };
    const membership = await worker.log.join(group, partitions, heard, state);
    return {
      lost: (partition) => membership.lost(partition),
      leave: async () => {
        await membership.leave();
        members.delete(joined);
        changed();
      },
    };
  }

  /** The fate of a write: what its request meets, once it has waited for as long as the fate says. */
  async function meet(worker: Worker, at: string, fate: Fate): Promise<void> {
    if (typeof fate === 'object') {
      await new Promise<void>((resolve) => void worker.clock.after(fate.delayMs, resolve));
      await fate.held;
    }
    const what = typeof fate === 'object' ? (fate.what ?? 'ok') : fate;
    if (what === 'ok') return;
    const fates = worker.fates.get(at) ?? [];
    worker.fates.set(at, fates);
    fates.push(what === 'lost-ack' ? 'lost-answer' : what);
  }

  function faultyClaim(worker: Worker, claim: Claim): Claim {
    let sequence = 0;
    const { shard } = claim;
    return forwardingClaim(claim, {
      commit: (batch) => {
        sequence += 1;
        const info: CommitInfo = { worker: worker.id, shard, sequence };
        const fate = faults.commit?.(info) ?? 'ok';
        if (fate === 'ok') return claim.commit(batch);
        const kept = copied(batch);
        return meet(worker, `${prefixed(shard.topic)}/${shard.partition}`, fate).then(() => claim.commit(kept));
      },
    });
  }

  const prefixed = (topic: string): string => `${setup.settings?.prefix ?? 'weir.'}${topic}`;

  function logOf(worker: Worker): KafkaLog {
    const { log, id } = worker;
    const own: Partial<Log> = {
      claim: async (shard, preview) => faultyClaim(worker, await log.claim(shard, preview)),
      append: async (topic, partition, records) => {
        const info: AppendInfo = { worker: id, topic, partition, records: records.length };
        const fate = faults.append?.(info) ?? 'ok';
        // Awaited only when there is something to meet, so that appends keep their order.
        if (fate !== 'ok') await meet(worker, `${prefixed(topic)}/${partition}`, fate);
        await log.append(topic, partition, records);
      },
      join: (group, partitions, listener, state) => join(worker, group, partitions, listener, state),
      health: () => faults.health?.(id) ?? log.health(),
      close: async () => {
        await log.close();
        if (workers.get(id) !== worker) return;
        workers.delete(id);
        changed();
      },
    };
    return {
      ...forwardingLog(log, own),
      worker: id,
      pull: (group, partition) => log.pull(group, partition),
      rest: (resting) => log.rest(resting),
      put: (topic, records) => log.put(topic, records),
      end: (topic, partition) => log.end(topic, partition),
    };
  }

  const logs = new WeakMap<Worker, KafkaLog>();

  return {
    broker,
    worker(id) {
      const worker = workers.get(id) ?? start(id);
      const log = logs.get(worker) ?? logOf(worker);
      logs.set(worker, log);
      return log;
    },
    async move(name, partition, id, { rude = false } = {}) {
      const { members, owners } = groupOf(name);
      const target = [...members].find(({ worker }) => worker.id === id);
      if (target === undefined) throw new Error(`${id} has not joined the group ${name}`);
      // As when its session ran out: the group gives away what it has, and it finds out when it asks the next time.
      const owner = owners[partition];
      if (rude && owner !== undefined && owner !== target) expel(owner.worker, prefixed(name));
      target.worker.log.pull(name, partition);
      while (owners[partition] !== target && members.has(target)) {
        await new Promise<void>((resolve) => void settled.push(resolve));
      }
    },
    crash: (id) => broker.crash(id, random.next() < (setup.landOdds ?? 0) ? { inFlight: 'arrives' } : {}),
    freeze: (id) => broker.freeze(id),
    thaw: (id) => broker.thaw(id),
    onCrash: (listener) => void crashListeners.push(listener),
    owners: (name) => Array.from(groupOf(name).owners, (owner) => owner?.worker.id),
  };
}

/** The same wire, whose answers are heard on this clock: a worker has its own. */
function heardOn(clock: Clock, wire: KafkaWire): KafkaWire {
  const heard = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      answer.then(
        (value) => clock.soon(() => resolve(value)),
        (error: unknown) => clock.soon(() => reject(error)),
      );
    });
  return {
    initProducerId: (id) => heard(wire.initProducerId(id)),
    produce: (request) => heard(wire.produce(request)),
    fetch: (request) => heard(wire.fetch(request)),
    offset: (topic, partition, at) => heard(wire.offset(topic, partition, at)),
    deleteRecords: (topic, partition, before) => heard(wire.deleteRecords(topic, partition, before)),
    topics: () => heard(wire.topics()),
    createTopics: (topics) => heard(wire.createTopics(topics)),
    topicConfig: (topic) => heard(wire.topicConfig(topic)),
    brokerConfig: () => heard(wire.brokerConfig()),
    joinGroup: (request) => heard(wire.joinGroup(request)),
    syncGroup: (request) => heard(wire.syncGroup(request)),
    heartbeat: (group, member, generation) => heard(wire.heartbeat(group, member, generation)),
    leaveGroup: (group, member) => heard(wire.leaveGroup(group, member)),
    refresh: () => wire.refresh(),
    close: () => heard(wire.close()),
  };
}

/** A commit that has to wait: its caller may use the buffers again meanwhile. */
function copied({ records, publications }: CommitBatch): CommitBatch {
  const copy = (value: Uint8Array | null): Uint8Array | null => (value === null ? null : Uint8Array.from(value));
  return {
    records: records.map(({ key, value }) => ({ key, value: copy(value) })),
    publications: publications.map(({ topic, key, value }) => ({ topic, key, value: copy(value) })),
  };
}
