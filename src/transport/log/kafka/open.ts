/** Opens the log on a Kafka cluster: certificates, connection, name of the worker. Owns their defaults. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { messageOf, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger, Random } from '../../../ports/index.ts';
import type { Finding, WantedShards } from '../checkup.ts';
import type { OfflineLog } from '../offline.ts';
import type { LogRecord, TopicName } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';
import { Catalog } from './catalog.ts';
import { type KafkaLog, kafkaLog } from './kafka-log.ts';
import { kafkaOffline } from './offline.ts';
import { storedKey } from './own-records.ts';
import { Patience } from './patience.ts';
import { nameOf } from './refusals.ts';
import { type GivenSettings, settingsOf } from './settings.ts';
import type { KafkaWireSetup, Sasl } from './wire/index.ts';
import { type KafkaWire, kafkaError } from './wire.ts';

/** How to reach a cluster, and what its topics are to be like. */
export interface KafkaConnection {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  /** In front of the names of topics, groups and transactional ids: two nodes on one cluster need two. Default `weir.` */
  readonly prefix?: string;
  /** Replicas of each topic. Default 3; the brokers must be as many. */
  readonly replication?: number;
  /** Replicas that must have a commit before it is acknowledged. Default 2. */
  readonly minInsyncReplicas?: number;
  /** TLS: `true` trusts the usual authorities; else files in PEM form. Default: none. */
  readonly tls?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: Sasl;
  /** How operators and brokers see this worker. Default: host name and process id. */
  readonly worker?: string;
}

export interface OpenKafkaSettings extends KafkaConnection {
  /** Told which id the brokers know this worker by in a group, so that it can be made to leave when it dies. */
  readonly onMemberId?: (group: string, memberId: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told each time that a group of this worker has given out its partitions anew. */
  readonly onRebalance?: (() => void) | undefined;
  /** Whether it claims shards: then it finds out at its start that the brokers fence. Default true. */
  readonly claims?: boolean;
  /** What operators see of this worker in its groups, beside its name. Default: nothing. */
  readonly about?: Readonly<Record<string, string | number>>;
  /** Stands between the driver and the brokers. Default: nothing does. */
  readonly decorate?: (wire: KafkaWire) => KafkaWire;
}

/**
 * A log on real brokers. Resolves without having reached them: the first use waits until they can be, and health says
 * why it waits.
 * @throws WeirError `WEIR_CONFIGURATION_INVALID` when a file of `tls` cannot be read
 */
export async function openKafkaLog(settings: OpenKafkaSettings): Promise<KafkaLog> {
  const { onMemberId, clock, random, logger, claims = true, about = {}, onRebalance } = settings;
  const { worker = `${hostname()}-${process.pid}`, decorate = (wire) => wire } = settings;
  const wire = await connect(settings, worker);
  return kafkaLog({
    ...{ wire: decorate(wire), clock, random, logger, worker, about, onRebalance, probe: claims, ...givenOf(settings) },
    ...(onMemberId === undefined ? {} : { onMemberId }),
  });
}

export interface OpenKafkaOfflineSettings extends KafkaConnection {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Groups that workers are in while they run, without the prefix. */
  readonly groups: readonly string[];
  /** Whether a prefix without a log is one to write into. Default: it is refused. */
  readonly create?: boolean;
}

/**
 * The log on a cluster while no worker runs on it.
 * @throws WeirError `WEIR_LOG_NONE` when there is none, `WEIR_LOG_RUNNING`, `WEIR_CONFIGURATION_INVALID`
 */
export async function openKafkaOffline(settings: OpenKafkaOfflineSettings): Promise<OfflineLog> {
  const { clock, random, logger, groups, brokers, create = false } = settings;
  const { wire, admin } = await connectAdmin(settings, settings.worker ?? `${hostname()}-${process.pid}`);
  const cluster = brokers.join(', ');
  return kafkaOffline({ ...{ wire, admin, clock, random, logger, groups, cluster, create }, ...givenOf(settings) });
}

/** A checkup of a cluster; each finding as soon as it is there. */
export async function* openKafkaCheckup(
  settings: Omit<OpenKafkaOfflineSettings, 'create'> & { readonly shards: WantedShards },
): AsyncGenerator<Finding> {
  const { kafkaCheckup } = await import('./checkup/index.ts');
  const { clock, random, logger, groups, brokers, shards } = settings;
  const ports = await connectAdmin(settings, settings.worker ?? `${hostname()}-doctor-${process.pid}`);
  yield* kafkaCheckup({ ...ports, ...{ clock, random, logger, groups, brokers, shards }, ...givenOf(settings) });
}

/** What nobody waits longer for, where an answer without it will do. */
const namesWithinMs = 5_000;

/** How the things of a log are called on the brokers. */
export interface KafkaNames {
  readonly prefix: string;
  /** Names of topics by their own; empty when they cannot be had. */
  readonly topics: ReadonlyMap<TopicName, string>;
}

export async function kafkaNames(
  settings: KafkaConnection & Pick<OpenKafkaOfflineSettings, 'clock' | 'random' | 'logger'>,
): Promise<KafkaNames> {
  const { clock } = settings;
  const { prefix, topics: rules, fetchBytes } = settingsOf(givenOf(settings));
  const wire = await connect(settings, `${hostname()}-doctor-${process.pid}`);
  const patience = new Patience({ ...settings, wire });
  const deadline = clock.after(namesWithinMs, () => patience.close());
  try {
    const catalog = new Catalog({ wire, clock, patience, prefix, rules, fetchBytes });
    await catalog.load();
    return { prefix, topics: new Map(catalog.entries.map(({ spec: { name } }) => [name, catalog.nameOf(name)])) };
  } catch {
    // Whoever asks prints the rights that are still to be given.
    return { prefix, topics: new Map() };
  } finally {
    deadline.cancel();
    await wire.close();
  }
}

function givenOf({ prefix, replication, minInsyncReplicas }: KafkaConnection): GivenSettings {
  return {
    ...(prefix === undefined ? {} : { prefix }),
    topics: {
      ...(replication === undefined ? {} : { replication }),
      ...(minInsyncReplicas === undefined ? {} : { minInsyncReplicas }),
    },
  };
}

/** Does for a process that died what it cannot do itself any more. Each act is tried until the brokers have answered. */
export interface KafkaUndertaker {
  /**
   * Makes a member leave its group.
   * @param group its name on the brokers
   * @throws WeirError `WEIR_LOG_REFUSED` when no broker has answered within 10 s: by then its session has run out by itself
   */
  leave(group: string, memberId: string): Promise<void>;
  /**
   * Removes a key from a table of one partition that no shard owns.
   * @param topic its name without the prefix
   * @throws WeirError `WEIR_LOG_REFUSED` as above
   */
  remove(topic: TopicName, key: string): Promise<void>;
  /**
   * Appends to a topic of one partition.
   * @param topic its name without the prefix
   * @throws WeirError `WEIR_LOG_REFUSED` as above
   */
  append(topic: TopicName, records: readonly LogRecord[]): Promise<void>;
  close(): Promise<void>;
}

const undertakenWithinMs = 10_000;
const undertakerPauseMs = 50;

/** @throws WeirError `WEIR_CONFIGURATION_INVALID` when a file of `tls` cannot be read */
export async function openKafkaUndertaker(
  connection: KafkaConnection & { readonly clock: Clock },
): Promise<KafkaUndertaker> {
  const { clock } = connection;
  const { prefix } = settingsOf(connection.prefix === undefined ? {} : { prefix: connection.prefix });
  const wire = await connect(connection, connection.worker ?? `${hostname()}-${process.pid}`);

  /** `settled` are the answers after which nothing is left to do. */
  async function until(what: string, settled: readonly number[], act: () => Promise<{ readonly error: number }>) {
    const deadline = clock.monotonic() + undertakenWithinMs;
    for (;;) {
      const error = await act().then(
        (answer) => answer.error,
        (failure: unknown) => messageOf(failure),
      );
      if (typeof error === 'number' && settled.includes(error)) return;
      const why = typeof error === 'number' ? nameOf(error) : error;
      if (clock.monotonic() >= deadline) throw new WeirError('WEIR_LOG_REFUSED', { what, why });
      wire.refresh();
      await new Promise<void>((resolve) => void clock.after(undertakerPauseMs, resolve));
    }
  }

  return {
    leave: (group, memberId) =>
      // A member that the brokers do not know has left.
      until(`leaving ${group}`, [kafkaError.none, kafkaError.unknownMember], () => wire.leaveGroup(group, memberId)),
    remove(name, key) {
      const topic = `${prefix}${name}`;
      const records = [{ key: storedKey(key), value: null }];
      return until(`removing ${key} from ${topic}`, [kafkaError.none], () =>
        wire.produce({ topic, partition: 0, records, timestampMs: clock.now() }),
      );
    },
    append(name, records) {
      const topic = `${prefix}${name}`;
      return until(`an append to ${topic}`, [kafkaError.none], () =>
        wire.produce({ topic, partition: 0, records, timestampMs: clock.now() }),
      );
    },
    close: () => wire.close(),
  };
}

async function connect(connection: KafkaConnection, clientId: string): Promise<KafkaWire> {
  // Only a worker on Kafka pays for the client.
  const { kafkaWire } = await import('./wire/index.ts');
  return kafkaWire(await wireSetup(connection, clientId));
}

async function connectAdmin(
  connection: KafkaConnection,
  clientId: string,
): Promise<{ readonly wire: KafkaWire; readonly admin: KafkaAdmin }> {
  const { kafkaWire, kafkaAdmin } = await import('./wire/index.ts');
  const setup = await wireSetup(connection, clientId);
  return { wire: kafkaWire(setup), admin: kafkaAdmin(setup) };
}

async function wireSetup({ brokers, tls, sasl }: KafkaConnection, clientId: string): Promise<KafkaWireSetup> {
  const secured = tls === undefined || tls === false ? undefined : await certificates(tls === true ? {} : tls);
  return {
    ...{ brokers, clientId },
    ...(secured === undefined ? {} : { tls: secured }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

async function certificates(files: Readonly<Record<string, string>>): Promise<ConnectionOptions> {
  const read = async ([name, file]: [string, string]): Promise<[string, Buffer]> => {
    try {
      return [name, await readFile(file)];
    } catch (thrown) {
      const why = `${file} cannot be read: ${messageOf(thrown)}`;
      throw new WeirError('WEIR_CONFIGURATION_INVALID', { path: `log.tls.${name}`, why }, thrown);
    }
  };
  return Object.fromEntries(await Promise.all(Object.entries(files).map(read)));
}
