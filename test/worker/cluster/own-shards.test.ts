/**
 * A service that hangs, or is exhausted, gives up its own shards and nobody else's: real workers with two sharded
 * services each, on a real broker.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { describeKafka } from '../../rig/describe-kafka.ts';
import type { KafkaRig } from '../../rig/kafka.ts';

const script = join(import.meta.dirname, '../../fixtures/two-services-node.ts');
const testMs = 240_000;
const shards = 4;
/** Enough that every shard has some. */
const flowsAtOnce = 16;

const placed = z.object({
  partition: z.number(),
  worker: z.string().optional(),
  phase: z.string(),
  term: z.string().optional(),
});
const answers = {
  shards: z.object({ shards: z.array(placed) }),
  tree: z.object({
    actors: z.array(z.object({ children: z.array(z.object({ path: z.string(), facts: z.unknown().default({}) })) })),
  }),
  status: z.object({ ready: z.boolean(), services: z.array(z.object({ id: z.string(), state: z.string() })) }),
  errors: z.object({ errors: z.array(z.looseObject({ worker: z.string(), service: z.string(), code: z.string() })) }),
};
/** A shard that has not begun tells nothing. */
const facts = z.object({ phase: z.string().default(''), term: z.string().default('') });

class Worker {
  readonly name: string;
  readonly process: ChildProcess;
  #url = '';

  constructor(kafka: KafkaRig, prefix: string, name: string, data: string) {
    this.name = name;
    this.process = spawn(process.execPath, [script, kafka.brokers.join(), prefix, name, data], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void this.process.kill('SIGKILL'));
  }

  async up(): Promise<void> {
    if (this.process.stdout === null) throw new Error('no output to read');
    for await (const line of createInterface({ input: this.process.stdout })) {
      if (!line.startsWith('up ')) continue;
      this.#url = line.slice('up '.length);
      return;
    }
    throw new Error('it ended before it was up');
  }

  async get<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1${path}`);
    return schema.parse(await response.json());
  }

  async post(path: string, body: unknown): Promise<{ readonly status: number; readonly answer: unknown }> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${this.#url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, answer: await response.json() };
  }

  async status(path: string): Promise<number> {
    return (await fetch(`${this.#url}${path}`)).status;
  }

  /** Who has each flow shard, as this worker has heard. */
  async flowShards(): Promise<z.output<typeof placed>[]> {
    return (await this.get(answers.shards, '/shards')).shards;
  }

  /** `shard-0 1.4`: the shards of a service that it runs itself, each with its term. */
  async own(service: string): Promise<string[]> {
    const { actors } = await this.get(answers.tree, `/tree?path=/services/${service}`);
    return (actors[0]?.children ?? []).map(({ path, facts: told }) => {
      const { phase, term } = facts.parse(told);
      return `${path.slice(path.lastIndexOf('/') + 1)} ${phase} ${term}`;
    });
  }

  inject(fault: string): Promise<{ readonly status: number }> {
    return this.post('/chaos', { fault, reason: 'a test' });
  }

  async serviceState(id: string): Promise<string | undefined> {
    return (await this.get(answers.status, '/status')).services.find((service) => service.id === id)?.state;
  }
}

/** Asks again and again until it is so; gives the milliseconds that took. */
async function until(isSo: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await isSo()));
  return Math.round(performance.now() - began);
}

/** Two workers, each with half of the shards of each service. */
async function pair(kafka: KafkaRig, prefix: string): Promise<[Worker, Worker]> {
  const data = await mkdtemp(join(tmpdir(), 'weir-own-shards-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const a = new Worker(kafka, prefix, 'a', data);
  await a.up();
  const b = new Worker(kafka, prefix, 'b', data);
  await b.up();
  await until(async () => {
    const sides = [await a.own('side'), await b.own('side')];
    const flows = [await a.own('flow'), await b.own('flow')];
    return [...sides, ...flows].every(
      (own) => own.length === shards / 2 && own.every((one) => one.includes(' running ')),
    );
  });
  await until(async () => placedOn(await b.flowShards()).join() === 'a,a,b,b');
  return [a, b];
}

function placedOn(list: readonly z.output<typeof placed>[]): string[] {
  return list.map(({ worker = '', phase }) => (phase === 'running' ? worker : phase)).sort();
}

/** Starts flows by a worker under ids of their own, each until it is answered with its result. */
async function runFlows(worker: Worker, ids: string): Promise<void> {
  const run = async (clientRequestId: string): Promise<void> => {
    const start = { flow: 'double', clientRequestId, input: { n: 2 } };
    for (;;) {
      const { status, answer } = await worker.post('/members/ACME/flows?wait=30s', start);
      if (status !== 200) {
        expect([status, answer]).toMatchObject([expect.any(Number), status === 202 ? {} : { retryable: true }]);
        continue;
      }
      expect(answer).toMatchObject({ status: 'COMPLETED', result: { doubled: 4 } });
      return;
    }
  };
  await Promise.all(Array.from({ length: flowsAtOnce }, (_, flow) => run(`${ids}-${flow}`)));
}

describeKafka('workers with two sharded services on a real broker', {}, (kafka) => {
  it(
    'WK14 MO11 a service past its budget is down: the other worker runs its shards, and each keeps all others',
    async () => {
      const [a, b] = await pair(kafka(), 'exhausted.');
      const before = [await a.own('side'), await b.own('side'), await b.own('flow')];
      await runFlows(b, 'before');
      const flows = runFlows(b, 'meanwhile');
      const began = performance.now();
      // It cannot be struck between two incarnations; that is refused, and asked again.
      await until(async () => {
        await a.inject('crash /services/flow');
        return (await a.serviceState('flow')) === 'down';
      });
      await until(async () => placedOn(await b.flowShards()).every((worker) => worker === 'b'));
      const tookMs = Math.round(performance.now() - began);
      console.log(`from the first crash to all shards on the other worker: ${tookMs} ms`);
      await flows;
      await runFlows(b, 'afterwards');
      const [ofA, ofB] = [await a.own('side'), await b.own('side')];
      const flowsOfB = await b.own('flow');
      expect([ofA, ofB, before[2]?.filter((shard) => flowsOfB.includes(shard))]).toEqual(before);
      // It lives on, says what is down, and takes nothing in.
      expect([await a.status('/health/live'), await a.status('/health/ready')]).toEqual([200, 503]);
      expect(await a.serviceState('side')).toBe('ready');
      expect(
        (await a.post('/members/ACME/flows', { flow: 'double', clientRequestId: 'x', input: { n: 1 } })).status,
      ).toBe(503);
      await until(async () => {
        const { errors } = await b.get(answers.errors, '/errors?worker=a&service=flow');
        return errors.some(({ code }) => code === 'WEIR_CHILD_DOWN');
      });
    },
    testMs,
  );

  it(
    'WK14 a service that hangs gives up only its own shards, and every flow goes on',
    async () => {
      const [a, b] = await pair(kafka(), 'hung.');
      const before = [await a.own('side'), await b.own('side')];
      const wanted = (await b.flowShards()).find(({ worker }) => worker === 'a')?.partition ?? -1;
      const old = (await a.own('flow')).map((shard) => shard.replace(/ running /, ' '));
      expect((await a.inject('hang /services/flow')).status).toBe(200);
      const flows = runFlows(b, 'meanwhile');
      // Only now it has something to do: it hangs, and does not give the shard up.
      await b.post(`/shards/${wanted}/move`, { worker: 'b', reason: 'a test' });
      const tookMs = await until(async () => {
        const now = await b.flowShards();
        return now[wanted]?.worker === 'b' && now.every(({ phase }) => phase === 'running');
      });
      console.log(`the shard of a service that hangs runs elsewhere after ${tookMs} ms`);
      await flows;
      await runFlows(b, 'afterwards');
      expect([await a.own('side'), await b.own('side')]).toEqual(before);
      await until(async () => (await a.serviceState('flow')) === 'ready');
      // Whatever it has now, when the group has shared them out again, it has claimed anew.
      expect((await a.own('flow')).filter((shard) => old.includes(shard.replace(/ \w+ /, ' ')))).toEqual([]);
    },
    testMs,
  );

  it(
    'WK14 a shard that hangs is claimed anew, and no other shard of its service stands still',
    async () => {
      const [a, b] = await pair(kafka(), 'hung-shard.');
      const before = [...(await a.own('flow')), ...(await b.own('flow'))].sort();
      const [hung = ''] = (await a.own('flow'))[0]?.split(' ') ?? [];
      expect((await a.inject(`hang /services/flow/${hung}`)).status).toBe(200);
      // Some of them wait in its mailbox, and are answered when it runs again.
      await runFlows(a, 'meanwhile');
      const after = [...(await a.own('flow')), ...(await b.own('flow'))].sort();
      expect(after.filter((shard) => !shard.startsWith(hung))).toEqual(
        before.filter((shard) => !shard.startsWith(hung)),
      );
      expect(after.filter((shard) => shard.startsWith(hung))).not.toEqual(
        before.filter((shard) => shard.startsWith(hung)),
      );
    },
    testMs,
  );
});
