/** Whether the topics of the log are those that it was made with, set as they must be, and whole. */
import { WeirError } from '../../../../errors/index.ts';
import { counted, type Finding, found, well } from '../../checkup.ts';
import type { AdminTopic } from '../admin.ts';
import { unseen } from '../catalog.ts';
import { probeSpec } from '../probe.ts';
import { topicFaults, transactionFaults, transactionTopic } from '../topic-settings.ts';
import type { KafkaCheckup } from './setup.ts';

export async function* topics(checkup: KafkaCheckup): AsyncGenerator<Finding> {
  const { admin, catalog, settings } = checkup;
  await catalog.load();
  const all = new Map((await admin.topics()).map((topic) => [topic.name, topic]));
  if (!catalog.loaded) {
    yield well('topics', `none begins with ${settings.prefix} yet: a worker makes them when it starts`);
  }
  const onBrokers = await catalog.found();
  for (const { spec, id } of catalog.entries) {
    const name = catalog.nameOf(spec.name);
    const check = `topic ${name}`;
    const topic = onBrokers.get(spec.name);
    if (topic === undefined || (id !== undefined && topic.id !== undefined && id !== topic.id)) {
      const why = topic === undefined ? unseen : 'it was restored, mirrored, or deleted and created anew';
      yield found(check, new WeirError('WEIR_LOG_ADOPTION', { topic: spec.name, why }));
      continue;
    }
    if (topic.partitions !== spec.partitions) {
      const { partitions } = topic;
      yield found(
        check,
        new WeirError('WEIR_LOG_PARTITIONS', { topic: name, found: partitions, expected: spec.partitions }),
      );
      continue;
    }
    yield* catalog.lossesOf(spec.name).map((loss) => found(check, loss));
    const { replication } = topic;
    const config = await catalog.settingsOf(spec.name);
    const faults = topicFaults(name, spec.kind, { config, replication }, settings.topics);
    const findings = [...faults.map((fault) => found(check, fault)), ...wholeness(check, all.get(name), checkup)];
    if (findings.length > 0) yield* findings;
    else yield well(check, sizeOf(spec.partitions, replication));
  }
  yield* transactions(all.get(transactionTopic), checkup);
  yield* leftOver([...all.keys()], checkup);
}

/** Partitions without a leader stand still; those without enough replicas refuse commits. */
function* wholeness(check: string, topic: AdminTopic | undefined, { settings }: KafkaCheckup): Generator<Finding> {
  if (topic === undefined) return;
  const { name, partitions } = topic;
  const least = settings.topics.minInsyncReplicas;
  const headless = partitions.filter(({ leader }) => leader < 0).length;
  const short = partitions.filter(({ leader, inSync }) => leader >= 0 && inSync < least).length;
  const thin = partitions.filter(({ inSync, replicas }) => inSync >= least && inSync < replicas).length;
  const tell = (count: number, what: string, state: 'warn' | 'fail'): Finding =>
    found(check, new WeirError('WEIR_CHECK_PARTITIONS', { topic: name, count, what }), state);
  if (headless > 0) yield tell(headless, 'no leader', 'fail');
  if (short > 0) yield tell(short, `fewer than ${least} replicas in sync, whose commits wait`, 'fail');
  if (thin > 0) yield tell(thin, 'a replica that is behind or gone', 'warn');
}

/** The brokers' own topic of epochs; it is there after a first claim. */
async function* transactions(topic: AdminTopic | undefined, checkup: KafkaCheckup): AsyncGenerator<Finding> {
  const check = `topic ${transactionTopic}`;
  if (topic === undefined) return;
  const { wire, settings } = checkup;
  const config = await wire.topicConfig(transactionTopic);
  if (Object.keys(config).length === 0) {
    yield found(check, new WeirError('WEIR_CHECK_HIDDEN', { what: `settings of ${transactionTopic}` }), 'warn');
    return;
  }
  const replication = topic.partitions[0]?.replicas ?? 0;
  const faults = transactionFaults({ config, replication }, settings.topics).map((fault) => found(check, fault));
  const findings = [...faults, ...wholeness(check, topic, checkup)];
  if (findings.length > 0) yield* findings;
  else yield well(check, sizeOf(topic.partitions.length, replication));
}

function* leftOver(names: readonly string[], { catalog, settings }: KafkaCheckup): Generator<Finding> {
  if (!catalog.loaded) return;
  const own = [catalog.registryName, catalog.nameOf(probeSpec.name)];
  const known = new Set([...catalog.entries.map(({ spec }) => catalog.nameOf(spec.name)), ...own]);
  const strays = names.filter((name) => name.startsWith(settings.prefix) && !known.has(name));
  if (strays.length === 0) return;
  const context = { prefix: settings.prefix, topics: strays.sort().join(', ') };
  yield found('topics', new WeirError('WEIR_CHECK_LEFT_OVER', context), 'warn');
}

function sizeOf(partitions: number, replicas: number): string {
  return `${counted(partitions, 'partition')}, ${counted(replicas, 'replica')} each`;
}
