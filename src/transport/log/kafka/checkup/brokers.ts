/** Whether brokers can be reached, are enough, of a version that will do, and set as claims and groups need them. */
import { messageOf, WeirError } from '../../../../errors/index.ts';
import { inWords } from '../../../../ports/index.ts';
import { counted, type Finding, found, well } from '../../checkup.ts';
import type { AdminBroker } from '../admin.ts';
import { claimTimes } from '../settings.ts';
import type { KafkaCheckup } from './setup.ts';

/** First levels of `metadata.version` of each release that brought a new one. */
const releases: ReadonlyArray<readonly [level: number, release: string]> = [
  ...([
    [1, '3.0'],
    [2, '3.1'],
    [3, '3.2'],
    [4, '3.3'],
    [8, '3.4'],
    [9, '3.5'],
    [12, '3.6'],
    [15, '3.7'],
  ] as const),
  ...([
    [20, '3.8'],
    [21, '3.9'],
    [22, '4.0'],
    [26, '4.1'],
    [28, '4.2'],
    [30, '4.3'],
  ] as const),
];
/** Of 3.6, the first that refuses old timestamps. */
const oldestLevel = 12;

/** The addresses that the configuration names. Without any nothing else can be looked at. */
export async function* reachable({ admin, brokers, clock }: KafkaCheckup): AsyncGenerator<Finding, boolean> {
  let any = false;
  for (const address of brokers) {
    const check = `broker ${address}`;
    const before = clock.monotonic();
    try {
      await admin.reach(address);
      any = true;
      yield well(check, `it answers within ${Math.ceil(clock.monotonic() - before)} ms`);
    } catch (error) {
      yield found(check, new WeirError('WEIR_CHECK_BROKER', { address, why: reasonAt(address, error) }));
    }
  }
  return any;
}

export async function* cluster({ admin, brokers: named, settings }: KafkaCheckup): AsyncGenerator<Finding> {
  const { clusterId, brokers } = await admin.cluster();
  yield well('cluster', `${counted(brokers.length, 'broker')}, cluster id ${clusterId}`);
  for (const { id, address } of brokers) {
    if (named.includes(address)) continue;
    try {
      await admin.reach(address);
      yield well(`broker ${id}`, `it answers at ${address}, where it tells clients to reach it`);
    } catch (error) {
      const context = { broker: id, address, why: reasonAt(address, error) };
      yield found(`broker ${id}`, new WeirError('WEIR_CHECK_ADVERTISED', context));
    }
  }
  const { replication: expected } = settings.topics;
  if (brokers.length < expected) {
    yield found('replicas', new WeirError('WEIR_CHECK_FEW_BROKERS', { found: brokers.length, expected }));
  } else yield domains(brokers, expected);
}

/** A failure of the wire begins with the request and where it went. */
function reasonAt(address: string, error: unknown): string {
  return messageOf(error).split(`${address}: `).at(-1) ?? '';
}

function domains(brokers: readonly AdminBroker[], replicas: number): Finding {
  if (replicas === 1) {
    const where = brokers.length === 1 ? 'there is one broker' : 'each partition is on one broker alone';
    return found('replicas', new WeirError('WEIR_CHECK_ONE_DOMAIN', { where }), 'warn');
  }
  const racks = new Set(brokers.map(({ rack }) => rack));
  const hosts = new Set(brokers.map(({ address }) => address.slice(0, address.lastIndexOf(':'))));
  const [rack] = racks;
  if (hosts.size === 1) {
    return found('replicas', new WeirError('WEIR_CHECK_ONE_DOMAIN', { where: 'all brokers are on one host' }), 'warn');
  }
  if (racks.size === 1 && rack !== undefined) {
    return found(
      'replicas',
      new WeirError('WEIR_CHECK_ONE_DOMAIN', { where: `all brokers are in rack ${rack}` }),
      'warn',
    );
  }
  return well('replicas', `${replicas} of each partition, on ${hosts.size} hosts`);
}

export async function* version({ admin }: KafkaCheckup): AsyncGenerator<Finding> {
  const level = await admin.metadataVersion();
  if (level === undefined) {
    const what = 'the version that the brokers have agreed on';
    return yield found('version', new WeirError('WEIR_CHECK_HIDDEN', { what }), 'warn');
  }
  const [newest = 0] = releases.at(-1) ?? [];
  const [, release = 'before 3.0'] = releases.findLast(([first]) => first <= level) ?? [];
  const name = level > newest ? `${release} or later` : release;
  if (level < oldestLevel) yield found('version', new WeirError('WEIR_CHECK_VERSION', { found: name }));
  else yield well('version', `the brokers run as Apache Kafka ${name} (metadata.version ${level})`);
}

interface SettingRule {
  readonly setting: string;
  readonly expected: string;
  readonly accepts: (value: string) => boolean;
  readonly why: string;
  /** Only in the broker's file, with a restart. Default: it can be changed while it runs. */
  readonly static?: true;
  readonly state?: 'warn';
}

export async function* brokerSettings(checkup: KafkaCheckup): AsyncGenerator<Finding> {
  const { admin, settings } = checkup;
  const { brokers } = await admin.cluster();
  for (const { id } of brokers) {
    const check = `settings of broker ${id}`;
    try {
      const config = await admin.brokerConfig(id);
      if (config === undefined) {
        yield found(check, new WeirError('WEIR_CHECK_HIDDEN', { what: check }), 'warn');
        continue;
      }
      const { leaseMs, keepAliveMs } = claimTimes(settings, config);
      const faults = [...faultsOf(id, config, checkup)];
      yield* faults;
      if (faults.length > 0) continue;
      const times = `claims may be silent for ${inWords(leaseMs)}, and are kept alive every ${inWords(keepAliveMs)}`;
      yield well(check, times);
    } catch (error) {
      yield found(check, error);
    }
  }
}

function* faultsOf(
  broker: number,
  config: Readonly<Record<string, string>>,
  { settings }: KafkaCheckup,
): Generator<Finding> {
  for (const { setting, expected, accepts, why, static: fixed, state } of settingRules(settings)) {
    const value = config[setting];
    // A broker that does not know the setting is of a version that has no use for it.
    if (value === undefined || accepts(value)) continue;
    const command =
      fixed === true
        ? `set ${setting}=${expected} in server.properties of broker ${broker}, and restart it`
        : `kafka-configs.sh --bootstrap-server <broker> --alter --entity-type brokers --entity-default --add-config ${setting}=${expected}`;
    const context = { broker, setting, found: value, expected, why, command };
    yield found(`settings of broker ${broker}`, new WeirError('WEIR_CHECK_BROKER_SETTING', context), state);
  }
}

const dayMs = 86_400_000;

function settingRules({ group, topics }: KafkaCheckup['settings']): readonly SettingRule[] {
  const { sessionTimeoutMs: session } = group;
  const atLeast = (least: number) => (value: string) => Number(value) >= least;
  const atMost = (most: number) => (value: string) => Number(value) <= most;
  return [
    {
      ...{
        setting: 'log.cleaner.enable',
        expected: 'true',
        accepts: (value: string) => value === 'true',
        static: true,
      },
      why: 'compacted topics grow for ever without it',
    },
    {
      ...{ setting: 'group.min.session.timeout.ms', expected: String(session), accepts: atMost(session), static: true },
      why: 'workers could not join their groups',
    },
    {
      ...{
        setting: 'group.max.session.timeout.ms',
        expected: String(session),
        accepts: atLeast(session),
        static: true,
      },
      why: 'workers could not join their groups',
    },
    {
      ...{ setting: 'transactional.id.expiration.ms', expected: String(7 * dayMs), accepts: atLeast(dayMs) },
      ...{ static: true, state: 'warn' },
      why: 'each claim after that gets another producer id, and only the last 16 of a shard are remembered',
    },
    {
      setting: 'transaction.state.log.replication.factor',
      ...{ expected: String(topics.replication), accepts: atLeast(topics.replication), static: true },
      why: 'epochs that are lost with a disk would be given out twice',
    },
    {
      setting: 'transaction.state.log.min.isr',
      ...{ expected: String(topics.minInsyncReplicas), accepts: atLeast(topics.minInsyncReplicas), static: true },
      why: 'epochs that are lost with a disk would be given out twice',
    },
    {
      setting: 'socket.request.max.bytes',
      ...{ expected: '104857600', accepts: atLeast(topics.maxMessageBytes * 1.1), static: true },
      why: 'the largest commits would be refused',
    },
  ];
}
