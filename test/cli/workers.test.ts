/** `weir up --workers` and what operators do with workers: real processes, a real broker, commands as they are typed. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { describeKafka } from '../rig/describe-kafka.ts';
import type { KafkaRig } from '../rig/kafka.ts';
import { nodeFolder, start, weir } from './support.ts';

const testMs = 300_000;
const event = z.looseObject({
  type: z.string(),
  worker: z.string(),
  pid: z.number().optional(),
  url: z.string().optional(),
});
const shardsAnswer = z.object({
  shards: z.array(z.object({ partition: z.number(), worker: z.string().optional(), phase: z.string() })),
});
const orderMade = z.looseObject({ at: z.string() });
const workersAnswer = z.object({
  workers: z.array(
    z.looseObject({ worker: z.string(), state: z.string(), shards: z.number(), drained: orderMade.optional() }),
  ),
});
const auditValue = z.looseObject({ value: z.unknown() });
const ordersAnswer = z.object({
  entries: z.array(
    z.looseObject({
      ...{ at: z.string(), act: z.string(), subject: z.string(), reason: z.string() },
      ...{ before: auditValue, after: auditValue },
    }),
  ),
});
const listAnswer = z.array(z.looseObject({ clientRequestId: z.string(), status: z.string() }));
const errorsAnswer = z.object({ errors: z.array(z.looseObject({ worker: z.string(), message: z.string() })) });
type Shard = z.output<typeof shardsAnswer>['shards'][number];

/** A parent with its workers, by the lines that it prints. */
class Family {
  readonly parent: ChildProcessWithoutNullStreams;
  readonly #up = new Map<string, { readonly pid: number; readonly url: string }>();
  readonly #ups = new Map<string, number>();
  #check: () => void = () => undefined;

  constructor(directory: string) {
    this.parent = start(['up', '--workers', '2', '--json', '--config', `${directory}/weir.yaml`]);
    // They are processes of their own: a test that fails leaves none behind.
    onTestFinished(() => {
      for (const { pid } of this.#up.values()) killQuietly(pid);
    });
    createInterface({ input: this.parent.stdout }).on('line', (line) => {
      const { type, worker, pid = 0, url = '' } = event.parse(JSON.parse(line));
      if (type === 'up') {
        this.#up.set(worker, { pid, url });
        this.#ups.set(worker, (this.#ups.get(worker) ?? 0) + 1);
      } else this.#up.delete(worker);
      this.#check();
    });
  }

  /** Names of both workers, once both are up. */
  both(): Promise<[string, string]> {
    return this.#until(() => {
      const [one, other] = [...this.#up.keys()].sort();
      return one === undefined || other === undefined ? undefined : [one, other];
    });
  }

  of(worker: string): { readonly pid: number; readonly url: string } {
    const known = this.#up.get(worker);
    if (known === undefined) throw new Error(`${worker} is not up`);
    return known;
  }

  weir(worker: string, ...args: string[]): ReturnType<typeof weir> {
    return weir([...args, '--url', this.of(worker).url]);
  }

  /** Asks `worker` again and again until the shards are as they should be. */
  async shards(worker: string, wanted: (shards: readonly Shard[]) => boolean): Promise<void> {
    for (;;) {
      const { code, out } = await this.weir(worker, 'shards', '--json');
      if (code === 0 && wanted(shardsAnswer.parse(JSON.parse(out)).shards)) return;
    }
  }

  /** Deaths as a worker shows them, once there are so many. */
  async deaths(worker: string, count: number): Promise<z.output<typeof errorsAnswer>['errors']> {
    for (;;) {
      const { out } = await this.weir(worker, 'errors', '--code', 'WEIR_WORKER_DIED', '--json');
      const { errors } = errorsAnswer.parse(JSON.parse(out));
      if (errors.length >= count) return errors;
    }
  }

  #until<T>(found: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      this.#check = () => {
        const value = found();
        if (value !== undefined) resolve(value);
      };
      this.#check();
    });
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function folder(kafka: KafkaRig, prefix: string): Promise<string> {
  const log = `driver: kafka, brokers: ['${kafka.brokers[0]}'], prefix: ${prefix}., replication: 1, minInsyncReplicas: 1`;
  return nodeFolder('', `silent, ${log}`);
}

/** Both workers run one shard each. */
function shared(shards: readonly Shard[]): boolean {
  const owners = new Set(shards.map(({ worker }) => worker));
  return owners.size === 2 && shards.every(({ phase }) => phase === 'running');
}

/** Starts a flow under its id until it is answered with its result. */
async function run(url: string, clientRequestId: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/api/v1/members/ACME/flows?wait=60s`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ flow: 'double', clientRequestId, input: { n: 2 } }),
    });
    const answer: unknown = await response.json();
    if (response.status === 200) {
      expect(answer).toMatchObject({ status: 'COMPLETED', result: { doubled: 4 } });
      return;
    }
    expect(answer).toMatchObject({ retryable: true });
  }
}

/** What the survivor tells of the shards, each state once, until it has all of them. */
async function toldOfTakeover(url: string, survivor: string): Promise<string[]> {
  const told = new Set<string>();
  for (;;) {
    const response = await fetch(`${url}/api/v1/shards`);
    const { shards } = shardsAnswer.parse(await response.json());
    told.add(shards.map(({ partition, worker = '', phase }) => `${partition} ${worker} ${phase}`).join('; '));
    if (shards.every(({ worker, phase }) => worker === survivor && phase === 'running')) return [...told];
  }
}

const rounds = 10;
/** Enough that some of them belong to the shard of the worker that was killed. */
const flowsARound = 8;

describeKafka('several workers with a parent on a real broker', {}, (kafka) => {
  it(
    'FE13 UX3 MO11 a worker is killed ten times: its shards run elsewhere, clients get every flow, each once',
    async () => {
      const family = new Family(await folder(kafka(), 'killed'));
      const names = await family.both();
      const stalls: number[] = [];
      for (let round = 0; round < rounds; round++) {
        // By turns: each has a budget of restarts.
        const [victim = '', survivor = ''] = round % 2 === 0 ? names : [...names].reverse();
        await family.both();
        await family.shards(survivor, shared);
        const { url } = family.of(survivor);
        const began = performance.now();
        process.kill(family.of(victim).pid, 'SIGKILL');
        const flows = Array.from({ length: flowsARound }, (_, flow) => run(url, `round-${round}-${flow}`));
        const told = round === 0 ? await toldOfTakeover(url, survivor) : [];
        await Promise.all(flows);
        stalls.push(Math.round(performance.now() - began));
        if (told.length > 0) console.log(`shards while ${survivor} takes over from ${victim}:\n${told.join('\n')}`);
      }
      console.log(`SIGKILL to the last result, ms: ${stalls.join(' ')}; longest ${Math.max(...stalls)}`);
      const [one] = await family.both();
      const { out } = await family.weir(one, 'flow', 'list', '--all', '--json');
      const list: unknown = JSON.parse(out);
      const flows = listAnswer.parse(z.object({ flows: z.unknown() }).parse(list).flows);
      expect(flows.map(({ status }) => status)).toEqual(Array(rounds * flowsARound).fill('COMPLETED'));
      expect(new Set(flows.map(({ clientRequestId }) => clientRequestId)).size).toBe(rounds * flowsARound);
      // Its parent tells of each death, and whichever worker is asked shows all of them.
      const deaths = await family.deaths(one, rounds);
      expect(deaths.map(({ worker }) => worker)).toEqual(
        Array.from({ length: rounds }, (_, round) => names[round % 2]),
      );
      expect(deaths.map(({ message }) => message)).toEqual(Array(rounds).fill(expect.stringContaining('SIGKILL')));
      family.parent.kill('SIGTERM');
      expect(await once(family.parent, 'close')).toEqual([0, null]);
    },
    testMs,
  );

  it(
    'WK9 UX3 SM17 a shard moves, and a worker is drained and takes part again, and the audit tells of it',
    async () => {
      const family = new Family(await folder(kafka(), 'moved'));
      const [one, other] = await family.both();
      await family.shards(one, shared);
      const moved = await family.weir(one, 'shard', 'move', '0', other, '--reason', 'a try');
      expect(moved).toMatchObject({ code: 0, out: `Shard 0 moves to ${other}.\n` });
      await family.shards(one, (shards) => shards[0]?.worker === other && shards[0].phase === 'running');

      expect(await family.weir(one, 'drain', other, '--reason', 'disk')).toMatchObject({ code: 0 });
      await family.shards(other, (shards) =>
        shards.every(({ worker, phase }) => worker === one && phase === 'running'),
      );
      const { out } = await family.weir(one, 'workers', '--json');
      expect(workersAnswer.parse(JSON.parse(out)).workers).toMatchObject([
        { worker: one, state: 'ready', shards: 2 },
        { worker: other, state: 'drained', shards: 0, drained: { principal: 'local:operator', reason: 'disk' } },
      ]);
      // It runs nothing, and answers for what the other one runs.
      await run(family.of(other).url, 'through the drained one');
      const refused = await family.weir(one, 'shard', 'move', '0', other, '--reason', 'a try');
      expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('WEIR_WORKER_DRAINED') });
      const last = await family.weir(one, 'drain', '--reason', 'a try');
      expect(last).toMatchObject({ code: 1, error: expect.stringContaining('WEIR_WORKER_LAST') });

      expect(await family.weir(one, 'undrain', other, '--reason', 'mended')).toMatchObject({ code: 0 });
      await family.shards(one, shared);
      const unknown = await family.weir(one, 'drain', 'nobody', '--reason', 'a try');
      expect(unknown).toMatchObject({ code: 1, error: expect.stringContaining('WEIR_WORKER_UNKNOWN') });
      const beyond = await family.weir(one, 'shard', 'move', '2', one, '--reason', 'a try');
      expect(beyond).toMatchObject({ code: 1, error: expect.stringContaining('WEIR_SHARD_UNKNOWN') });

      // No order was given before it was in the audit; what was refused is not there.
      const audit: unknown = await (await fetch(`${family.of(one).url}/api/v1/audit?principal=local:operator`)).json();
      const drained = workersAnswer.parse(JSON.parse(out)).workers.find(({ worker }) => worker === other)?.drained;
      const told = ordersAnswer.parse(audit).entries.toSorted((a, b) => (a.at < b.at ? -1 : 1));
      expect(told.map(({ act, subject, reason }) => [act, subject, reason])).toEqual([
        ['move shard', '0', 'a try'],
        ['drain', other, 'disk'],
        ['undrain', other, 'mended'],
      ]);
      expect(told.map(({ after }) => after.value)).toEqual([{ worker: other }, { drained: true }, { drained: false }]);
      expect(told.map(({ before }) => before.value)).toEqual([
        { worker: expect.any(String) },
        { drained: false, shards: expect.any(Number) },
        { drained: true, shards: 0 },
      ]);
      expect([told[1]?.at, drained?.at].toSorted()[0]).toBe(told[1]?.at);
      expect(await family.weir(one, 'audit', 'verify')).toMatchObject({ code: 0 });
    },
    testMs,
  );

  it(
    'workers whose parent is killed finish what runs and end',
    async () => {
      const family = new Family(await folder(kafka(), 'orphans'));
      await family.both();
      family.parent.kill('SIGKILL');
      // They have its standard output: it closes when the last of them has ended.
      await once(family.parent, 'close');
    },
    testMs,
  );
});

describe('workers on the embedded log', () => {
  it.each([['worker'], ['up', '--workers', '2']])('UX3 weir %s refuses with what to do', async (...args) => {
    const directory = await nodeFolder();
    const outcome = await weir([...args, '--config', `${directory}/weir.yaml`]);
    expect(outcome).toMatchObject({ code: 2, out: '', error: expect.stringContaining('WEIR_WORKERS_NEED_KAFKA') });
    expect(outcome.error).toContain('driver: kafka');
  });
});
