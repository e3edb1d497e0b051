/** The feed of a node of several workers on a real broker: where a client follows makes no difference. */
import { expect, it } from 'vitest';
import { describeKafka } from '../../../rig/describe-kafka.ts';
import { feedOf } from './feed-client.ts';
import { type Served, served } from './support.ts';

const testMs = 120_000;

describeKafka('the feed of several workers', { brokers: 1 }, (kafka) => {
  const worker = (name: string): Promise<Served> =>
    served({
      shards: 4,
      kafka: {
        ...{ brokers: kafka().brokers, prefix: 'feeds.', worker: name },
        ...{ replication: 1, minInsyncReplicas: 1 },
      },
    });

  it(
    'RP4, RP9 tells at any worker what becomes of every flow, and goes on at another one',
    async () => {
      const one = await worker('one');
      const other = await worker('other');
      const requests = Array.from({ length: 12 }, (_, n) => `r${n}`);
      // For each of the two some flows run on shards of the other one.
      const atOne = await feedOf(one.url);
      const atOther = await feedOf(other.url);
      for (const request of requests) expect((await one.api.start(request, 'broken', {})).status).toBe(202);
      for (const feed of [atOne, atOther]) await Promise.all(requests.map((request) => feed.flow(request, 'STUCK')));

      const position = atOne.position();
      const stopped = one.node.stop();
      expect(await atOne.closed).toMatchObject({ code: 1012 });
      await stopped;
      for (const request of requests) {
        const { flowId } = await atOther.flow(request, 'STUCK');
        const skipped = { reason: 'done by hand', result: 'by hand' };
        // The shards come over one after the other.
        const skip = async () => (await other.api.post(`/api/v1/flows/${flowId}/skip`, skipped)).status;
        await expect.poll(skip, { timeout: 60_000 }).toBe(200);
      }
      const resumed = await feedOf(other.url, { from: position });
      for (const feed of [atOther, resumed]) {
        await Promise.all(requests.map((request) => feed.flow(request, 'COMPLETED')));
        expect(feed.messages.some(({ type }) => type === 'reset')).toBe(false);
      }
    },
    testMs,
  );
});
