import { expect, it } from 'vitest';
import { seededRandom, silentLogger } from '../../src/ports/index.ts';
import { virtualClock } from '../../src/testing/index.ts';
import { type Log, memoryCluster } from '../../src/transport/log/index.ts';
import { loopbackTransport } from '../../src/transport/peer/index.ts';
import { createNode } from '../../src/worker/index.ts';

it('AK11 a node that is not ready in time says what waits on what, as it was then', async () => {
  const clock = virtualClock();
  const random = seededRandom(1);
  const worker = memoryCluster({ clock, random }).worker('one');
  const claim: Log['claim'] = () => new Promise(() => undefined);
  const log = new Proxy(worker, {
    get(target, name) {
      if (name === 'claim') return claim;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const started = createNode(
    { members: { ACME: {} }, shards: 1 },
    { log, clock, random, logger: silentLogger, peer: loopbackTransport({ clock, random }) },
  );
  const failed = started.catch((error: unknown) => error);
  await clock.advance('5 min');
  expect(await failed).toMatchObject({
    code: 'WEIR_START_TIMEOUT',
    context: {
      path: 'the node',
      waitsOn: expect.stringMatching(/^flow waits on log \(starting: 0 of 1 shards are open\); rpc waits on flow/),
    },
  });
});
