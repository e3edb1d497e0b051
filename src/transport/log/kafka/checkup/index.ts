/**
 * A checkup of a Kafka cluster, for a node that runs or is to run on it. Owns the order of what is looked at, and that
 * one thing that fails does not hide the others.
 */
import { WeirError } from '../../../../errors/index.ts';
import type { Clock, Logger, Random } from '../../../../ports/index.ts';
import { type Finding, found, type WantedShards, well } from '../../checkup.ts';
import type { KafkaAdmin } from '../admin.ts';
import { Catalog } from '../catalog.ts';
import { Patience } from '../patience.ts';
import { type GivenSettings, settingsOf } from '../settings.ts';
import type { KafkaWire } from '../wire.ts';
import { brokerSettings, cluster, reachable, version } from './brokers.ts';
import type { KafkaCheckup } from './setup.ts';
import { topics } from './topics.ts';
import { clocks, fencing } from './writing.ts';

export interface KafkaCheckupSetup extends GivenSettings {
  readonly wire: KafkaWire;
  readonly admin: KafkaAdmin;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** `host:port` of those that the configuration names. */
  readonly brokers: readonly string[];
  /** Groups that workers are in while they run, without the prefix. */
  readonly groups: readonly string[];
  readonly shards: WantedShards;
}

/** No part of a checkup waits longer for brokers. */
const partWithinMs = 20_000;

export async function* kafkaCheckup(setup: KafkaCheckupSetup): AsyncGenerator<Finding> {
  const { wire, admin, clock, random, logger, brokers } = setup;
  const settings = settingsOf(setup);
  const { prefix, topics: rules, fetchBytes } = settings;
  const parts: ReadonlyArray<readonly [name: string, look: (checkup: KafkaCheckup) => AsyncGenerator<Finding>]> = [
    ['cluster', cluster],
    ['version', version],
    ['settings of brokers', brokerSettings],
    ['workers', (checkup) => workers(checkup, setup.groups)],
    ['topics', topics],
    ['shards', (checkup) => shards(checkup, setup.shards)],
    ['fencing', fencing],
    ['clocks', clocks],
  ];
  const checkupWith = (patience: Patience): KafkaCheckup => {
    const catalog = new Catalog({ wire, clock, patience, prefix, rules, fetchBytes });
    return { wire, admin, clock, random, logger, settings, patience, catalog, brokers };
  };
  try {
    if (!(yield* reachable(checkupWith(new Patience(setup))))) return;
    for (const [name, look] of parts) {
      const patience = new Patience(setup);
      const deadline = clock.after(partWithinMs, () => patience.close());
      try {
        yield* look(checkupWith(patience));
      } catch (error) {
        const why = WeirError.is(error, 'WEIR_LOG_CLOSED') ? error.cause : error;
        yield found(name, why);
      } finally {
        deadline.cancel();
      }
    }
  } finally {
    await Promise.all([wire.close(), admin.close()]);
  }
}

async function* workers(
  { admin, settings, catalog, patience }: KafkaCheckup,
  expected: readonly string[],
): AsyncGenerator<Finding> {
  const names = expected.map((group) => catalog.named(group));
  // A cluster that has never had a group makes a place for them first.
  const groups = await patience.until('reading groups', async () => ({
    done: await admin.groups(settings.prefix, names),
  }));
  const running = [...new Set(groups.flatMap(({ members }) => members))].sort();
  yield well('workers', running.length === 0 ? 'none runs' : `${running.length} run: ${running.join(', ')}`);
}

async function* shards({ catalog }: KafkaCheckup, { topic, wanted }: WantedShards): AsyncGenerator<Finding> {
  await catalog.load();
  const state = catalog.specs.find(({ name }) => name === topic);
  if (state === undefined) return;
  if (wanted !== undefined && wanted !== state.partitions) {
    return yield found('shards', new WeirError('WEIR_CHECK_SHARDS', { wanted, found: state.partitions }));
  }
  yield well('shards', `${state.partitions}, in incarnation ${catalog.incarnation} of the log`);
}
