/** One artefact and one configuration: `--roles` says which part of a node each process is. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { describeKafka } from '../rig/describe-kafka.ts';
import { nodeFolder, start, weir } from './support.ts';

const placed = z.object({ shards: z.array(z.object({ worker: z.string().optional(), phase: z.string() })) });

/** `weir worker`, once it has said that it is up: at which URL, or `without HTTP`. */
function worker(directory: string, name: string, roles: string): Promise<{ at: string; child: ChildProcess }> {
  const child = start(['worker', '--name', name, '--roles', roles, '--config', `${directory}/weir.yaml`]);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} has ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', (line) =>
      resolve({ at: line.replace(/^Worker \S+ is up (?:at )?/, ''), child }),
    );
  });
}

describeKafka('placement by configuration on a real broker', {}, (kafka) => {
  it('DP4 WK9 UX3 flows run on two workers, clients ask a third one, and operators see who does what', async () => {
    const log = `silent, driver: kafka, brokers: ['${kafka().brokers[0]}'], replication: 1, minInsyncReplicas: 1`;
    const directory = await nodeFolder('', log);
    const workers = await Promise.all([
      worker(directory, 'front', 'rpc'),
      worker(directory, 'one', 'flow'),
      worker(directory, 'two', 'flow'),
    ]);
    const urls = workers.map(({ at }) => at);
    expect(urls).toEqual([expect.stringMatching(/^http:/), 'without HTTP', 'without HTTP']);
    const [url = ''] = urls;
    const ask = (...args: string[]) => weir([...args, '--url', url]);
    await expect
      .poll(
        async () => {
          const { out } = await ask('shards', '--json');
          const { shards } = placed.parse(JSON.parse(out));
          return shards.map(({ worker, phase }) => `${worker} ${phase}`).sort();
        },
        { timeout: 30_000 },
      )
      .toEqual(['one running', 'two running']);

    const ran = await ask('flow', 'start', 'ACME', 'double', '--input', '{"n":2}', '--wait', '30s');
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('COMPLETED') });
    const { out } = await ask('workers');
    expect(out).toMatch(/^front +ready +0 .* rpc +http:/m);
    expect(out).toMatch(/^one +ready +1 .* flow +\d{4}-/m);
    expect(out).toMatch(/^two +ready +1 .* flow +\d{4}-/m);
    expect((await ask('status')).out).not.toContain('does without');

    const moved = await ask('shard', 'move', '0', 'front', '--reason', 'a try');
    expect(moved).toMatchObject({ code: 1, error: expect.stringContaining('WEIR_ROLE_MISSING') });
    expect(moved.error).toContain('worker front does not run the service flow: its roles are rpc');
    // The front takes no shards: it is no reason to let the last one go.
    const drains = await Promise.all(['one', 'two'].map((name) => ask('drain', name, '--reason', 'disk')));
    expect(drains.map(({ code }) => code).sort()).toEqual([0, 1]);
    const [drained, last] = drains[0]?.code === 0 ? ['one', 'two'] : ['two', 'one'];
    expect(drains.find(({ code }) => code === 1)?.error).toContain(`WEIR_WORKER_LAST`);

    // Now no shard runs, and none could note what brings them back.
    const ending = workers[last === 'one' ? 1 : 2]?.child;
    if (ending === undefined) throw new Error('three workers were started');
    const exited = once(ending, 'exit');
    ending.kill('SIGTERM');
    await exited;
    expect((await ask('shards')).out).not.toContain('running');
    expect(await ask('undrain', drained, '--reason', 'mended')).toMatchObject({ code: 0 });
    const again = await ask('flow', 'start', 'ACME', 'double', '--input', '{"n":3}', '--wait', '30s');
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('COMPLETED') });
    expect((await ask('audit', 'list', '--act', 'undrain')).out).toContain('mended');
  }, 120_000);
});
