/** Real processes that run one node on a real broker: each is a worker, and one is killed or stopped in the middle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, expect, it } from 'vitest';
import { describeKafka } from '../../../rig/describe-kafka.ts';
import type { KafkaRig } from '../../../rig/kafka.ts';

const script = join(import.meta.dirname, '../../../fixtures/kafka-node.ts');
const data = mkdtempSync(join(tmpdir(), 'weir-workers-'));
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

interface Summary {
  readonly flows: readonly string[];
  readonly ids: readonly string[];
  readonly paid: readonly [string, number];
  readonly sold: readonly [string, number];
}

/** Processes that a test that failed has left behind. */
const running = new Set<ChildProcess>();

class Worker {
  readonly accepted = new Set<string>();
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #check: () => void = () => undefined;

  constructor(kafka: KafkaRig, prefix: string, name: string, trades: number) {
    const args = [script, kafka.brokers.join(), prefix, name, join(data, name), String(trades)];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(this.#child);
    this.#child.once('exit', () => running.delete(this.#child));
    if (this.#child.stdout === null) throw new Error('no output to read');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      if (line.startsWith('accepted ')) this.accepted.add(line.slice('accepted '.length));
      this.#check();
    });
  }

  /** Resolves once so many lines begin with `start`. */
  reach(start: string, count = 1): Promise<string> {
    return new Promise((resolve) => {
      this.#check = () => {
        const found = this.#lines.filter((line) => line.startsWith(start));
        if (found.length >= count) resolve(found.at(-1) ?? '');
      };
      this.#check();
    });
  }

  async end(): Promise<Summary> {
    this.#child.stdin?.end('end\n');
    const line = await this.reach('summary ');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    return JSON.parse(line.slice('summary '.length));
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** Every flow has ended well, each once, and the money of both accounts is that of the trades. */
function expectBalanced({ flows, ids, paid, sold }: Summary, accepted: Iterable<string>): void {
  const trades = flows.filter((flow) => flow.startsWith('buy')).length;
  expect(new Set(flows)).toEqual(new Set(['buy COMPLETED', 'sell COMPLETED']));
  expect(flows.length).toBe(2 * trades);
  expect([paid, sold]).toEqual([
    [String(7 * trades), trades],
    [String(7 * trades), trades],
  ]);
  // Whatever a client was told is there, and there once.
  expect(new Set(ids).size).toBe(trades);
  for (const id of accepted) expect(ids).toContain(id);
}

describeKafka('several processes on a real broker', {}, (kafka) => {
  it('FE13 WK2 W8 one of two is killed with SIGKILL: the other finishes every flow, each once', async () => {
    const [a, b] = ['a', 'b'].map((name) => new Worker(kafka(), 'killed.', name, 150));
    if (a === undefined || b === undefined) throw new Error('two workers were started');
    await Promise.all([a.reach('ready'), b.reach('ready')]);
    await Promise.all([a.reach('done', 30), b.reach('done', 30)]);
    await b.kill();
    expectBalanced(await a.end(), [...a.accepted, ...b.accepted]);
    expect(b.accepted.size).toBeLessThan(150);
  }, 240_000);

  it('WK5 RP9 one is stopped with SIGSTOP past its session: it does no harm when it goes on', async () => {
    const [a, b] = ['a', 'b'].map((name) => new Worker(kafka(), 'stopped.', name, 150));
    if (a === undefined || b === undefined) throw new Error('two workers were started');
    await Promise.all([a.reach('ready'), b.reach('ready')]);
    await Promise.all([a.reach('done', 20), b.reach('done', 20)]);
    b.signal('SIGSTOP');
    // All of its own trades are done only when it has taken over the shards of the one that stands still.
    await a.reach('done', 150);
    b.signal('SIGCONT');
    await b.reach('done', 150);
    // Both run shards now: either one knows of all that was done on both.
    const accepted = [...a.accepted, ...b.accepted];
    expectBalanced(await b.end(), accepted);
    expectBalanced(await a.end(), accepted);
  }, 240_000);
});
