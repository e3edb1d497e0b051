/** Flows that end their process, in real ones: started again like a supervisor of services would, until they hold. */
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { type Answer, type Client, client } from '../actors/rpc/http/support.ts';
import { nodeFolder, type Up, upWith } from './support.ts';

const deadly = resolve('test/fixtures/deadly-flows.ts');
/** Little memory, so that it is soon used up. */
const environment = { NODE_OPTIONS: '--max-old-space-size=96 --report-exclude-env' };
const walkers = 5;

it.each([
  ['exits', 0],
  ['spins', 5],
  ['hogs', null],
])(
  'FE17 a flow that %s is STUCK after at most three ends of its process, and takes nobody with it',
  { timeout: 240_000 },
  async (name, code) => {
    const watchdog = name === 'spins' ? 'watchdog: { loop: 2 s, contain: "off" }\n' : '';
    const folder = await nodeFolder(`${watchdog}modules: ['${deadly}']\n`, 'silent');
    let deaths = 0;
    const run = async (): Promise<Up> => {
      for (;;) {
        try {
          return await upWith(['--config', join(folder, 'weir.yaml')], environment);
        } catch (error) {
          // It has ended before it could say that it is up.
          deaths += 1;
          expect(deaths, String(error)).toBeLessThanOrEqual(3);
        }
      }
    };
    let node = await run();
    const start = (id: string, flow: string) => client(node.url).start(id, flow, {});
    for (let walker = 0; walker < walkers; walker++) await start(`walker-${walker}`, 'walks');
    // It may be the end of whoever would have answered.
    await start('killer', name).catch(() => undefined);
    for (;;) {
      const end = await Promise.race([node.ended, fault(client(node.url))]);
      if (typeof end === 'string') {
        expect(end).toBe('WEIR_FLOW_CRASHED');
        break;
      }
      deaths += 1;
      expect(end.code).toBe(code);
      expect(deaths, end.error).toBeLessThanOrEqual(3);
      node = await run();
    }
    expect(deaths).toBeGreaterThanOrEqual(2);
    const api = client(node.url);
    for (let walker = 0; walker < walkers; walker++) {
      const { body } = await api.get(`/api/v1/members/ACME/requests/walker-${walker}`);
      const ended = await api.get(`/api/v1/flows/${body.flowId}/result?wait=30s`);
      expect(ended.body).toMatchObject({ status: 'COMPLETED', result: 20 });
    }
    const errors = (await api.get('/api/v1/errors?code=WEIR_WORKER_DIED')).body.errors;
    expect(errors).toHaveLength(deaths);
    if (name !== 'hogs') return;
    // Whoever looks for the cause finds it, and no secret of the environment beside it.
    expect(errors[0].message).toContain('JavaScript heap out of memory');
    const reports = join(folder, 'data', 'reports');
    const [file = ''] = (await readdir(reports)).filter((one) => one.startsWith('fatal-'));
    expect(JSON.parse(await readFile(join(reports, file), 'utf8'))).not.toHaveProperty('environmentVariables');
  },
);

/** Resolves with the code of the error when the killer is STUCK; never when its node ends before. */
async function fault(api: Client): Promise<string> {
  for (;;) {
    const { flowId } = await answered(api, '/api/v1/members/ACME/requests/killer');
    const { status, error } = await answered(api, `/api/v1/flows/${flowId}/result?wait=1min`);
    if (status === 'STUCK') return error.code;
  }
}

async function answered(api: Client, path: string): Promise<Answer['body']> {
  try {
    return (await api.get(path)).body;
  } catch {
    return new Promise(() => undefined);
  }
}
