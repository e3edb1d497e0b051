/** Workers that leave in good order, on a real broker: their clients are not refused, and nothing that ran runs again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { flow, type StartedNode, silentLogger, startNode } from '../../src/index.ts';
import { describeKafka } from '../rig/describe-kafka.ts';

const names = ['one', 'two', 'three'];
const clients = 12;
/** How often the body of each step has run, in whichever worker. */
const ran = new Map<string, number>();
const body = async ({ id }: { readonly id: string }): Promise<number> => {
  const times = (ran.get(id) ?? 0) + 1;
  ran.set(id, times);
  await new Promise((done) => setImmediate(done));
  return times;
};

const work = flow('work', {
  version: 1,
  states: { start: z.null() },
  result: z.number(),
  stages: {
    *start(_, { step, sleep }) {
      const first = yield* step('first', body);
      yield* sleep('20 ms');
      return first + (yield* step('second', body));
    },
  },
});

/** What a client was told that it did not ask for. */
const troubles: string[] = [];

class Market {
  readonly workers = new Map<string, StartedNode>();
  settled = 0;
  readonly #start: (name: string) => Promise<StartedNode>;
  #over = false;
  #progress: () => void = () => undefined;

  constructor(start: (name: string) => Promise<StartedNode>) {
    this.#start = start;
  }

  async up(name: string): Promise<void> {
    this.workers.set(name, await this.#start(name));
  }

  async down(name: string): Promise<void> {
    await this.workers.get(name)?.stop();
    this.workers.delete(name);
  }

  /** Resolves when so many more flows have ended. */
  more(count: number): Promise<void> {
    const wanted = this.settled + count;
    return new Promise((resolve) => {
      this.#progress = () => {
        if (this.settled >= wanted) resolve();
      };
    });
  }

  async client(name: string): Promise<void> {
    for (let n = 0; !this.#over; n++) {
      await this.#settle(name, n);
      this.settled++;
      this.#progress();
    }
  }

  /** Has one flow done. A worker that leaves tells whoever still waits how far it is (202); the next one goes on waiting. */
  async #settle(name: string, n: number): Promise<void> {
    for (let asked = 0; ; asked++) {
      const url = await this.#ready(n + asked);
      try {
        const response = await fetch(`${url}/api/v1/members/ACME/flows?wait=20s`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ flow: 'work', clientRequestId: `${name}-${n}`, input: null }),
        });
        const answer = await response.text();
        if (response.status === 202) continue;
        if (response.status !== 200 || !answer.includes('"COMPLETED"')) troubles.push(`${response.status} ${answer}`);
      } catch (error) {
        troubles.push(String(error instanceof Error ? (error.cause ?? error) : error));
      }
      return;
    }
  }

  end(): void {
    this.#over = true;
  }

  /** Any worker that says that it is ready, as a load balancer asks. */
  async #ready(from: number): Promise<string> {
    for (let n = from; ; n++) {
      const urls = [...this.workers.values()].map(({ url }) => url ?? '');
      const url = urls[n % urls.length] ?? '';
      const healthy = await fetch(`${url}/health/ready`).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (healthy) return url;
    }
  }
}

describeKafka('workers that leave under load', {}, (kafka) => {
  it('WK9 drained, moved and started anew in turn: no client is refused, and no step runs twice', async () => {
    const market = new Market(async (worker) => {
      const data = mkdtempSync(join(tmpdir(), 'weir-hand-over-'));
      onTestFinished(() => rmSync(data, { recursive: true, force: true }));
      const node = await startNode({
        members: { ACME: { flows: [work] } },
        ...{ data, shards: 6, http: { port: 0 }, logger: silentLogger },
        kafka: { brokers: kafka().brokers, prefix: 'hand-over.', worker, replication: 1, minInsyncReplicas: 1 },
      });
      onTestFinished(() => node.stop());
      return node;
    });
    await Promise.all(names.map((name) => market.up(name)));
    const running = Promise.all(Array.from({ length: clients }, (_, n) => market.client(`client-${n}`)));
    await market.more(100);

    const [first, second = ''] = names;
    const ordered = async (path: string, more = {}): Promise<void> => {
      const response = await fetch(`${market.workers.get(first ?? '')?.url}/api/v1${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ reason: 'a try', ...more }),
      });
      expect(response.status).toBe(202);
    };
    const shardsOf = (name: string): number => market.workers.get(name)?.status().shards.length ?? 0;
    await ordered(`/workers/${second}/drain`);
    await expect.poll(() => shardsOf(second), { timeout: 30_000 }).toBe(0);
    await market.more(100);
    await ordered(`/workers/${second}/undrain`);
    await expect.poll(() => shardsOf(second), { timeout: 30_000 }).toBe(2);
    await ordered('/shards/0/move', { worker: second });
    await market.more(100);

    for (const name of names) {
      await market.down(name);
      await market.more(50);
      await market.up(name);
      await market.more(50);
    }
    market.end();
    await running;
    const again = [...ran].filter(([, times]) => times > 1);
    console.log(
      `${market.settled} requests, ${troubles.length} refused, ${again.length} of ${ran.size} steps ran again`,
    );
    expect(troubles).toEqual([]);
    expect(again).toEqual([]);
  }, 180_000);
});
