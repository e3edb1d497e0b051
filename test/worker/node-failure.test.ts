import { expect, it, onTestFinished } from 'vitest';
import { silentLogger, systemClock, systemRandom } from '../../src/ports/index.ts';
import { type AssignmentListener, type Log, memoryCluster } from '../../src/transport/log/index.ts';
import { loopbackTransport } from '../../src/transport/peer/index.ts';
import { openHttp } from '../../src/worker/http-service.ts';
import { createNode } from '../../src/worker/index.ts';

it('fails with the chain of causes when nothing but its edge is left', async () => {
  const clock = systemClock();
  const random = systemRandom();
  const worker = memoryCluster({ clock, random }).worker('one');
  let broken = false;
  let listener: AssignmentListener | undefined;
  const join: Log['join'] = (group, partitions, given) => {
    if (broken) return Promise.reject(new Error('the group is gone'));
    listener = given;
    return worker.join(group, partitions, given);
  };
  const log = new Proxy(worker, {
    get(target, name) {
      if (name === 'join') return join;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const http = await openHttp({ port: 0 });
  const node = await createNode(
    { members: { ACME: {} }, shards: 1 },
    { log, clock, random, logger: silentLogger, peer: loopbackTransport({ clock, random }) },
    http.services,
  );
  onTestFinished(() => node.stop());
  const failed = new Promise<Error>((resolve) => node.onFailure(resolve));
  broken = true;
  // Not what a group says: the flow service fails on it, and then each time it wants to join again.
  listener?.assigned(null as never);
  const failure = await failed;
  expect(failure).toMatchObject({
    code: 'WEIR_NOTHING_LEFT',
    cause: { code: 'WEIR_CHILD_DOWN', context: { id: 'flow' }, cause: { message: 'the group is gone' } },
  });
  const ready = await fetch(`${http.url()}/health/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    reasons: [expect.stringContaining('rpc waits on flow (down: the group is gone')],
  });
});
