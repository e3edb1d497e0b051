/** Which part of a node a process is: roles as they are given, and workers of all roles that start in any order. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Logger, type StartedNode, silentLogger, startNode } from '../../src/index.ts';
import { seededRandom, systemClock } from '../../src/ports/index.ts';
import { virtualClock } from '../../src/testing/index.ts';
import { memoryCluster } from '../../src/transport/log/index.ts';
import { loopbackTransport } from '../../src/transport/peer/index.ts';
import { createNode, loadConfiguration, openOffline, type Role } from '../../src/worker/index.ts';
import { nodeFolder } from '../cli/support.ts';
import { double } from '../fixtures/flows.ts';
import { describeKafka } from '../rig/describe-kafka.ts';

const kafkaLines = "driver: kafka, brokers: ['127.0.0.1:1']";

async function load(yaml: string, log: string, flags: { readonly roles?: readonly string[] } = {}, environment = {}) {
  const directory = await nodeFolder(yaml, log);
  return loadConfiguration({ directory, environment, flags });
}

describe('roles', () => {
  it('DP4 stand in the file, the environment and the flags; without them a process is the whole node', async () => {
    expect((await load('', 'warn')).roles).toEqual(['all']);
    expect((await load('roles: [rpc, flow]\n', 'warn')).roles).toEqual(['rpc', 'flow']);
    expect((await load('roles: [rpc]\n', `warn, ${kafkaLines}`)).roles).toEqual(['rpc']);
    const environment = { WEIR_ROLES: 'flow, rpc' };
    expect((await load('roles: [rpc]\n', `warn, ${kafkaLines}`, {}, environment)).roles).toEqual(['flow', 'rpc']);
    const both = await load('roles: [rpc]\n', `warn, ${kafkaLines}`, { roles: ['flow'] }, environment);
    expect(both.roles).toEqual(['flow']);
  });

  it.each([
    ['roles: [data]\n', kafkaLines, 'roles[0]', 'no service of this version has the role "data": leave it out'],
    [
      'roles: [flows]\n',
      kafkaLines,
      'roles[0]',
      'there is no role "flows" (did you mean "flow"?): there are all, flow, rpc',
    ],
    ['roles: [7]\n', kafkaLines, 'roles[0]', 'a role is a name'],
    ['roles: []\n', kafkaLines, 'roles', 'name at least one role'],
    ['roles: flow\n', kafkaLines, 'roles', 'name roles as a list'],
    ['roles: [flow]\n', 'driver: embedded', 'roles', 'one process is the whole node, not only flow'],
  ])('CF1 %s with %s is refused, with what to do', async (yaml, log, path, why) => {
    await expect(load(yaml, `warn, ${log}`)).rejects.toMatchObject({
      code: 'WEIR_CONFIGURATION_INVALID',
      context: { path, why: expect.stringContaining(why) },
    });
  });

  it('CF1 a program that embeds a part of a node with a log of its own is refused as well', async () => {
    const settings = { members: { ACME: { flows: [double] } }, data: './never-made', roles: ['rpc' as const] };
    await expect(startNode(settings)).rejects.toMatchObject({ context: { path: 'roles' } });
  });
});

it('DP10 a start is refused for what is the matter when no worker that runs flows comes within 30 s', async () => {
  const clock = virtualClock();
  const random = seededRandom(1);
  let flowsRun = false;
  const node = await createNode(
    { members: { ACME: { flows: [double] } }, roles: ['rpc'] },
    {
      ...{ clock, random, logger: silentLogger, peer: loopbackTransport({ clock, random }) },
      log: memoryCluster({ clock, random }).worker('front'),
      elsewhere: { available: () => flowsRun, onChange: () => () => undefined },
    },
  );
  onTestFinished(() => node.stop());
  const refused = async (): Promise<unknown> => {
    const starting = node.start('ACME', double, { n: 2 }).catch((error: unknown) => error);
    await clock.advance('31 s');
    return starting;
  };
  expect(await refused()).toMatchObject({
    code: 'WEIR_FLOWS_ABSENT',
    retryable: true,
    remedy: expect.stringContaining('start a worker of role flow or all'),
  });
  flowsRun = true;
  expect(await refused()).toMatchObject({ code: 'WEIR_SHARD_UNAVAILABLE', retryable: true });
});

interface Started {
  readonly prefix: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly logger?: Logger;
}

describeKafka('workers of several roles on a real broker', {}, (kafka) => {
  const worker = async ({ prefix, name, roles, logger = silentLogger }: Started): Promise<StartedNode> => {
    const data = mkdtempSync(join(tmpdir(), 'weir-placement-'));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    const node = await startNode({
      members: { ACME: { flows: [double] } },
      ...{ data, roles, logger, http: { port: 0 } },
      kafka: { brokers: kafka().brokers, prefix, worker: name, replication: 1, minInsyncReplicas: 1 },
    });
    onTestFinished(() => node.stop());
    return node;
  };
  const doubled = { status: 'COMPLETED', result: { doubled: 4 } };

  it('DP10 clients of a worker that was there before the brokers and the topics are answered once flows run', async () => {
    await kafka().stop(0);
    const [seen, waits] = heard('the log waits for its brokers');
    const starting = worker({ prefix: 'first.', name: 'r', roles: ['rpc'], logger: seen });
    await waits;
    await kafka().start(0);
    const rpc = await starting;
    expect(rpc.status()).toMatchObject({ ready: true, shards: [] });
    const lacks = (): readonly string[] | undefined => rpc.status().services.find(({ id }) => id === 'rpc')?.lacks;
    expect(lacks()).toEqual(['flow']);

    // Asked before there is anybody who could do it.
    const early = rpc.start('ACME', double, { n: 2 }, { clientRequestId: 'early' });
    const flows = await worker({ prefix: 'first.', name: 'f', roles: ['flow'] });
    const handle = await early;
    expect(await rpc.settled({ flowId: handle.flowId })).toMatchObject(doubled);
    await expect.poll(lacks).toBeUndefined();
    expect(flows.status().shards).toHaveLength(8);
    // Each does its own part alone.
    expect(flows.url).toBeUndefined();
    await expect(flows.start('ACME', double, { n: 2 })).rejects.toMatchObject({ code: 'WEIR_ROLE_MISSING' });
  }, 120_000);

  it('DP10 a worker that comes after the flows have ended knows them; all at once start as well', async () => {
    const flows = await worker({ prefix: 'second.', name: 'f', roles: ['flow'] });
    const first = await worker({ prefix: 'second.', name: 'r1', roles: ['rpc'] });
    const { flowId } = await first.start('ACME', double, { n: 2 });
    await first.settled({ flowId });
    const second = await worker({ prefix: 'second.', name: 'r2', roles: ['rpc'] });
    expect(await second.get({ flowId })).toMatchObject(doubled);
    await flows.stop();
    expect(await second.get({ flowId })).toMatchObject(doubled);

    const parts: Array<readonly Role[]> = [['rpc'], ['flow'], ['rpc', 'flow'], ['all']];
    const nodes = await Promise.all(
      parts.map((roles, index) => worker({ prefix: 'third.', name: `w${index}`, roles })),
    );
    await expect.poll(() => nodes.map((node) => node.status().shards.length > 0)).toEqual([false, true, true, true]);
    for (const node of nodes.filter((_, index) => index !== 1)) {
      const started = await node.start('ACME', double, { n: 2 });
      expect(await started.result()).toEqual(doubled.result);
    }
  }, 120_000);

  it.each<Role>(['rpc', 'flow', 'all'])(
    'WK20 DP10 tools for a stopped node are refused while a worker of role %s runs, which is named',
    async (role) => {
      const prefix = `still-${role}.`;
      const data = mkdtempSync(join(tmpdir(), 'weir-placement-'));
      onTestFinished(() => rmSync(data, { recursive: true, force: true }));
      const open = () =>
        openOffline({
          configuration: { data, kafka: { brokers: kafka().brokers, prefix } },
          ...{ clock: systemClock(), logger: silentLogger },
        });
      const node = await worker({ prefix, name: `one-${role}`, roles: [role] });
      await expect(open()).rejects.toMatchObject({
        code: 'WEIR_LOG_RUNNING',
        message: expect.stringContaining(`one-${role}`),
      });
      await node.stop();
      const log = await open();
      await log.assertStill();
      await log.close();
    },
    60_000,
  );
});

/** A logger, and a promise that it resolves when it is told this. */
function heard(wanted: string): [Logger, Promise<void>] {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (_fields: unknown, message: string): void => {
    if (message === wanted) resolve();
  };
  const logger: Logger = { ...silentLogger, warn: look, child: () => logger };
  return [logger, promise];
}
