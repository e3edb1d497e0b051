/**
 * The model of a Kafka cluster: deterministic, in memory, with the answers that real brokers were measured to give.
 *
 * Owns the clients and everything that can be done to them and to the brokers. All of it follows from the clock, the
 * random stream and the faults that it is given, so that a seed gives the same run again. A suite runs the same
 * sequences against this and real brokers and compares the answers.
 */
import type { KafkaAdmin } from '../admin.ts';
import type { KafkaWire } from '../wire.ts';
import { modelAdmin } from './admin.ts';
import { ModelClient } from './client.ts';
import { Cluster } from './cluster.ts';
import { Line } from './line.ts';
import type { Partition, Replication } from './partition.ts';
import { type ModelBrokerSetup, settingsOf } from './settings.ts';
import type { StoredBatch } from './stored-batch.ts';

export interface ModelBroker {
  /** A connection of this client; several of one client share its fate. After a crash, that of a restarted one. */
  connect(client: string): KafkaWire;
  /** What tools for operators ask; nothing happens to their requests. */
  admin(): KafkaAdmin;

  /**
   * From now on nothing that the client does has effect, and whatever it waits for never settles. What it has on its
   * way is lost, or arrives with `inFlight: 'arrives'`.
   */
  crash(client: string, options?: { readonly inFlight?: 'lost' | 'arrives' }): void;
  /** Stops the client's line: its requests arrive, and answers are heard, after `thaw` (as with SIGSTOP). */
  freeze(client: string): void;
  thaw(client: string): void;
  /** Parts the client from the brokers: its requests fail, and with `late` they arrive after `heal` all the same. */
  cut(client: string, options?: { readonly late?: boolean }): void;
  heal(client: string): void;
  /** Called when a client crashes, by `crash` or by a fault. */
  onCrash(listener: (client: string) => void): void;

  /** No broker can be reached until `up`; what waits for an answer fails. */
  down(): void;
  up(): void;
  /** Restarts all brokers in a moment: connections break, and of each producer one batch is remembered. */
  restart(): void;
  /** Every answer takes so much longer; 0 ends it. */
  slow(extraMs: number): void;

  /** Nobody leads the partition: its clients get no answer, until `changeLeader`. */
  loseLeader(topic: string, partition: number): void;
  /**
   * Another broker leads: clients that know the old one are told so (6) until they refresh. Nothing acknowledged is
   * lost; what was not replicated is. With `unaware` the old leader goes on answering reads of those who have not
   * refreshed, from what it had, and never answers their writes, until `settleLeader`.
   */
  changeLeader(topic: string, partition: number, options?: { readonly unaware?: boolean }): void;
  settleLeader(topic: string, partition: number): void;
  /** A broker leads that lacks the last batches of the log, acknowledged or not. */
  electUncleanly(topic: string, partition: number, batches: number): void;
  setReplication(topic: string, partition: number, replication: Replication): void;
  /** Compacts what ends below `upTo`, by default everything but the newest batch; young batches stay as they are. */
  compact(topic: string, partition: number, upTo?: number): void;
  /** The partition forgets all producers, as after `producer.id.expiration.ms`. */
  expireProducers(topic: string, partition: number): void;
  /** The coordinator forgets the id, as after `transactional.id.expiration.ms`. */
  expireTransactionalId(transactionalId: string): void;
  /** Uses up the epochs of the id's producer: the next claim gets another producer id. */
  exhaustTransactionalId(transactionalId: string): void;
  addPartitions(topic: string, count: number): void;
  deleteTopic(topic: string): void;
  /** Deletes the topic and creates it anew: the same settings, another id, empty. */
  recreateTopic(topic: string): void;

  /** What a partition holds, without a request. */
  log(topic: string, partition: number): ModelLog | undefined;
  /** A group as it stands, without a request. */
  group(name: string): { readonly generation: number; readonly members: readonly string[] } | undefined;
}

export interface ModelLog {
  readonly batches: readonly StoredBatch[];
  readonly highWatermark: number;
  readonly logStart: number;
}

interface Host {
  readonly line: Line;
  readonly open: Set<() => void>;
}

export function modelBroker(setup: ModelBrokerSetup): ModelBroker {
  const settings = settingsOf(setup);
  const { clock, observe } = settings;
  const cluster = new Cluster(settings);
  const hosts = new Map<string, Host>();
  const crashListeners: Array<(client: string) => void> = [];

  const note = (name: string, about = '', partition?: number): void =>
    observe({ type: 'operation', name, about, partition });

  function hostOf(client: string): Host {
    const known = hosts.get(client);
    if (known !== undefined) return known;
    const host = { line: new Line(clock), open: new Set<() => void>() };
    hosts.set(client, host);
    return host;
  }

  function crash(client: string, host: Host | undefined, draining = false): void {
    if (host === undefined || host.line.crashed) return;
    note('crashed', client);
    host.line.crash(draining);
    host.open.clear();
    if (hosts.get(client) === host) hosts.delete(client);
    for (const listener of crashListeners) listener(client);
  }

  function breakConnections(): void {
    for (const { open, line } of hosts.values()) for (const fail of [...open]) line.hear(fail);
  }

  /** Does something to a partition that is there. */
  const to =
    <Args extends unknown[]>(name: string, act: (partition: Partition, ...args: Args) => void) =>
    (topic: string, partition: number, ...args: Args): void => {
      const at = cluster.partition(topic, partition);
      if (at === undefined) throw new Error(`the model has no partition ${partition} of ${topic}`);
      note(name, topic, partition);
      act(at, ...args);
    };

  return {
    connect(client) {
      const host = hostOf(client);
      return new ModelClient({ id: client, settings, cluster, ...host, crash: () => crash(client, host) });
    },
    admin: () => modelAdmin(cluster, settings),
    crash: (client, { inFlight = 'lost' } = {}) => crash(client, hosts.get(client), inFlight === 'arrives'),
    freeze(client) {
      note('frozen', client);
      hostOf(client).line.freeze();
    },
    thaw(client) {
      note('thawed', client);
      hostOf(client).line.thaw();
    },
    cut(client, { late = false } = {}) {
      note('cut', client);
      hostOf(client).line.cut(late);
    },
    heal(client) {
      note('healed', client);
      hostOf(client).line.heal();
    },
    onCrash: (listener) => void crashListeners.push(listener),

    down() {
      note('down');
      cluster.up = false;
      breakConnections();
    },
    up() {
      note('up');
      cluster.up = true;
    },
    restart() {
      note('restarted');
      breakConnections();
      for (const partition of cluster.partitions()) partition.restart();
    },
    slow(extraMs) {
      note('slow', `${extraMs} ms`);
      cluster.slowMs = extraMs;
    },

    loseLeader: to('leader-lost', (at) => at.loseLeader()),
    changeLeader: to('leader-changed', (at, options?: { readonly unaware?: boolean }) => at.changeLeader(options)),
    settleLeader: to('leader-settled', (at) => at.settleLeader()),
    electUncleanly: to('elected-uncleanly', (at, batches: number) => at.electUncleanly(batches)),
    setReplication: to('replication', (at, replication: Replication) => at.setReplication(replication)),
    compact: to('compacted', (at, upTo?: number) => at.compact(upTo)),
    expireProducers: to('producers-expired', (at) => at.expireProducers()),
    expireTransactionalId(transactionalId) {
      note('transactional-id-expired', transactionalId);
      cluster.transactionalIds.expire(transactionalId);
    },
    exhaustTransactionalId(transactionalId) {
      note('transactional-id-exhausted', transactionalId);
      cluster.transactionalIds.exhaust(transactionalId);
    },
    addPartitions(topic, count) {
      note('partitions-added', topic);
      cluster.addPartitions(topic, count);
    },
    deleteTopic(topic) {
      note('deleted', topic);
      cluster.deleteTopic(topic);
    },
    recreateTopic(topic) {
      note('recreated', topic);
      const deleted = cluster.deleteTopic(topic);
      if (deleted !== undefined) cluster.createTopic(deleted);
    },

    log: (topic, partition) => cluster.partition(topic, partition),
    group: (name) => cluster.group(name),
  };
}
