/** A chain of the audit whose shard is no more: it rests with another one, is shown, and leaves after its window. */
import { expect, it, onTestFinished } from 'vitest';
import { entryKey } from '../../../src/actors/flow/audit-keys.ts';
import {
  type AuditRecord,
  auditRecord,
  type ChainPoint,
  chainPoint,
  chainStart,
  entryHash,
} from '../../../src/persistence/index.ts';
import { seededRandom, silentLogger } from '../../../src/ports/index.ts';
import { virtualClock } from '../../../src/testing/index.ts';
import { type LogRecord, memoryCluster, type Publication } from '../../../src/transport/log/index.ts';
import { loopbackTransport } from '../../../src/transport/peer/index.ts';
import { createNode } from '../../../src/worker/index.ts';
import { verified } from './audited.ts';
import { scripted } from './scripts.ts';

const shards = 2;
const resting = 5;
const day = 86_400_000;

/** What fewer shards leave of the chain of shard 5: its head, a mark, and its entries in the partition where it rests. */
function leftover(count: number, at: number): { readonly records: LogRecord[]; readonly publications: Publication[] } {
  let head: ChainPoint = chainStart;
  const publications: Publication[] = [];
  for (let number = 1; number <= count; number++) {
    const about = {
      flowId: 'f',
      flow: 'old',
      version: 1,
      memberName: 'A',
      memberGroup: 'default',
      clientRequestId: 'r',
    };
    const what = {
      act: 'start',
      subject: '',
      principal: 'ada',
      principalKind: 'client' as const,
      reason: '',
      code: '',
    };
    const entry: Omit<AuditRecord, 'hash'> = {
      number,
      at,
      ...about,
      ...what,
      before: null,
      after: null,
      previous: head.hash,
    };
    const hash = entryHash(resting, entry);
    const value = auditRecord.encode({ ...entry, hash });
    publications.push({ topic: 'flow.audit', key: entryKey(resting, number), value });
    head = { number, hash, at };
  }
  const point = chainPoint.encode(head);
  return {
    records: ['head', String(count)].map((name) => ({ key: `r/${resting}/a/${name}`, value: point })),
    publications,
  };
}

it('SM17 WK20 a chain that rests is shown and verified, and leaves after its window', async () => {
  const clock = virtualClock();
  const random = seededRandom(1);
  const cluster = memoryCluster({ clock, random });
  const told = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined);
    await clock.advance(1_000);
    return promise;
  };
  const before = cluster.worker('before');
  const kinds = { events: 'events', state: 'state', status: 'table', audit: 'table' } as const;
  await told(
    before.ensureTopics(
      Object.entries(kinds).map(([name, kind]) => ({ name: `flow.${name}`, partitions: shards, kind })),
    ),
  );
  const claim = await told(before.claim({ topic: 'flow.state', partition: resting % shards }));
  await told(claim.commit(leftover(3, clock.now())));

  const plain = scripted('plain', function* () {});
  const ports = {
    log: cluster.worker('node'),
    clock,
    random,
    logger: silentLogger,
    peer: loopbackTransport({ clock, random }),
  };
  const settings = { members: { A: { flows: [plain] } }, retention: '1 day', audit: '4 days' } as const;
  const node = await told(createNode(settings, ports));
  onTestFinished(() => told(node.stop()));
  expect((await told(node.auditChains())).map(({ chain, head }) => [chain, head?.number])).toEqual([
    [0, 0],
    [1, 0],
    [resting, 3],
  ]);
  expect(await verified(node, told)).toHaveLength(3);
  expect((await told(node.audit({ flow: 'old' }))).entries).toHaveLength(3);
  await told(node.start('A', plain, null));
  await clock.advance(4 * day - 10_000);
  expect((await told(node.audit())).entries).toHaveLength(5);
  await clock.advance(10_000);
  const left = await told(node.audit());
  expect(left.entries.map(({ flow }) => flow)).toEqual(['plain', 'plain']);
  const [, , rested] = await told(node.auditChains());
  expect([rested?.chain, rested?.anchor.number, rested?.head?.number]).toEqual([resting, 3, 3]);
});
