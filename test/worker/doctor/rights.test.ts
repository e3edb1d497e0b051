/** The rights that `weir doctor --acl` prints, on a real broker that checks them: they suffice, and without them nothing runs. */
import { afterEach, beforeAll, expect, it } from 'vitest';
import { type StartedNode, type StartNodeSettings, startNode } from '../../../src/index.ts';
import { silentLogger, systemRandom } from '../../../src/ports/index.ts';
import { capturedLog } from '../../../src/testing/index.ts';
import { type KafkaConnection, openKafkaLog } from '../../../src/transport/log/index.ts';
import {
  type AclRole,
  aclCommands,
  checkup,
  exportLog,
  kafkaNames,
  openOffline,
  type Role,
  reshardLog,
} from '../../../src/worker/index.ts';
import { describeKafka } from '../../rig/describe-kafka.ts';
import type { KafkaRig } from '../../rig/kafka.ts';
import { temporaryDirectory } from '../../transport/log/support/directory.ts';
import { booked, buy, gate, sell } from '../offline/deals.ts';
import { clock, memoryFile } from '../offline/support.ts';

const users = ['worker', 'flows', 'clients', 'operator', 'nobody'] as const;
type User = (typeof users)[number];

const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
const settings = {
  secure: 'SASL_PLAINTEXT',
  settings: {
    'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.secure.plain.sasl.jaas.config': `${login} ${users.map((user) => `user_${user}="secret"`).join(' ')};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The broker itself, and the tools of this test.
    'super.users': 'User:ANONYMOUS',
  },
} as const;

const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function connectionOf(kafka: KafkaRig, username: User): KafkaConnection {
  const sasl = { mechanism: 'plain', username, password: 'secret' } as const;
  return { brokers: kafka.secureBrokers, replication: 1, minInsyncReplicas: 1, sasl };
}

/** Runs the commands as they are printed. */
async function grant(kafka: KafkaRig, role: AclRole, user: User, prefix = 'weir.'): Promise<void> {
  const brokers = kafka.brokers[0] ?? '';
  const ports = { clock, logger: silentLogger, random: systemRandom() };
  const names = await kafkaNames({ ...connectionOf(kafka, 'operator'), prefix, ...ports });
  const commands = aclCommands(role, { principal: `User:${user}`, ...names });
  for (const command of commands) {
    const [tool, ...args] = command.replace('<broker>', brokers).split(' ');
    expect(tool).toBe('kafka-acls.sh');
    await kafka.tool('org.apache.kafka.tools.AclCommand', args);
  }
}

async function newData(): Promise<string> {
  const { path, remove } = await temporaryDirectory();
  closing.push(remove);
  return path;
}

async function nodeAs(
  kafka: KafkaRig,
  user: User,
  { shards = 2, logger = silentLogger, ...more }: Partial<StartNodeSettings> = {},
): Promise<StartedNode> {
  const node = await startNode({
    members: { BUYER: { flows: [buy], actors: [gate] }, SELLER: { flows: [sell] } },
    data: await newData(),
    kafka: connectionOf(kafka, user),
    ...{ shards, logger, ...more },
  });
  closing.push(() => node.stop());
  return node;
}

async function findings(kafka: KafkaRig, user: User) {
  const found: string[] = [];
  const configuration = {
    ...{ file: 'weir.yaml', data: await newData(), kafka: connectionOf(kafka, user), shards: 2 },
    ...{ http: { host: '127.0.0.1', port: 0 }, modules: [], members: [] },
  };
  for await (const { state, check, code } of checkup({ configuration, clock, logger: silentLogger })) {
    if (state !== 'ok') found.push(`${state} ${check} ${code}`);
  }
  return found;
}

describeKafka('rights on a cluster', settings, (kafka) => {
  beforeAll(async () => {
    await grant(kafka(), 'all', 'worker');
    await grant(kafka(), 'operator', 'operator');
  }, 120_000);

  it('DP13 a worker with the rights that are printed runs flows, without one refusal', async () => {
    booked.clear();
    const log = capturedLog();
    const node = await nodeAs(kafka(), 'worker', { logger: log.logger });
    const handle = await node.start('BUYER', buy, { lot: 1, gate: 'g' }, { clientRequestId: 'lot-1' });
    await node.ask('BUYER', gate, 'g', 'open', null);
    expect(await handle.result()).toBe('lot 1');
    await node.stop();
    expect(log.text()).not.toContain('uthorization');

    // What a node does too rarely for a test: consumed events are trimmed.
    const own = await openKafkaLog({
      ...connectionOf(kafka(), 'worker'),
      ...{ clock, random: systemRandom(), logger: silentLogger },
    });
    await own.topics();
    await own.trim('flow.events', 0, 0);
    await own.close();
  });

  it('DP13 DP4 workers of one role each need less, and run flows with that', async () => {
    await grant(kafka(), 'rpc', 'clients', 'parts.');
    await grant(kafka(), 'flow', 'flows', 'parts.');
    const log = capturedLog();
    const given = (roles: readonly Role[]): Partial<StartNodeSettings> => {
      const connection = connectionOf(kafka(), roles[0] === 'rpc' ? 'clients' : 'flows');
      return { logger: log.logger, roles, kafka: { ...connection, prefix: 'parts.', worker: roles.join() } };
    };
    // Clients first: what they need of the topics, they make.
    const clients = await nodeAs(kafka(), 'clients', given(['rpc']));
    const flows = await nodeAs(kafka(), 'flows', given(['flow']));
    const handle = await clients.start('BUYER', buy, { lot: 2, gate: 'h' }, { clientRequestId: 'lot-2' });
    await clients.ask('BUYER', gate, 'h', 'open', null);
    expect(await handle.result()).toBe('lot 2');
    await clients.stop();
    await flows.stop();
    expect(log.text()).not.toContain('uthorization');
    // A worker of clients could not own a shard.
    const both = nodeAs(kafka(), 'clients', given(['rpc', 'flow']));
    await expect(both).rejects.toMatchObject({ message: expect.stringContaining('this user may not see it') });
  }, 120_000);

  it('DP13 an operator with the rights that are printed looks at everything, exports, and gives another number of shards', async () => {
    expect(await findings(kafka(), 'operator')).toEqual(['warn replicas WEIR_CHECK_ONE_DOMAIN']);
    const place = { data: await newData(), kafka: connectionOf(kafka(), 'operator') };
    const log = await openOffline({ configuration: place, clock, logger: silentLogger });
    await exportLog(log, memoryFile().sink, { clock, version: '0.1.0' });
    await reshardLog(log, 3, clock);
    await log.close();
    // Topics have other names now: the rights of workers are printed, and given, anew.
    await expect(nodeAs(kafka(), 'worker', { shards: 3 })).rejects.toMatchObject({
      code: 'WEIR_LOG_ADOPTION',
      message: expect.stringContaining('this user may not see it'),
    });
    await grant(kafka(), 'all', 'worker');
    const node = await nodeAs(kafka(), 'worker', { shards: 3 });
    expect(node.status().shards).toHaveLength(3);
  }, 90_000);

  it('DP13 whoever has no rights is told which are missing, and starts no node', async () => {
    const found = await findings(kafka(), 'nobody');
    expect(found).toContain('warn settings of broker 1 WEIR_CHECK_HIDDEN');
    expect(found).toContain('fail fencing WEIR_LOG_REFUSED');
    expect(found.some((line) => line.startsWith('fail workers'))).toBe(true);
    await expect(nodeAs(kafka(), 'nobody')).rejects.toMatchObject({ code: 'WEIR_LOG_REFUSED' });
  }, 60_000);
});
