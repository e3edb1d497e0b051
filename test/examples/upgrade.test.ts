/** A node with a thousand unfinished flows gets new code: processes as an operator runs them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Client, client } from '../actors/rpc/http/support.ts';
import { upWith, weir } from '../cli/support.ts';

const examples = resolve('examples/upgrade');
/** Orders that wait to be paid, orders that wait to be sent, reminders that wait for an answer. */
const counts = { unpaid: 700, unsent: 200, unanswered: 100 };
const atOnce = 32;

async function each<Item>(items: readonly Item[], act: (item: Item) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += atOnce) await Promise.all(items.slice(from, from + atOnce).map(act));
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function signal(api: Client, flowId: string, name: string): Promise<void> {
  const { status } = await api.post(`/api/v1/flows/${flowId}/signals/${name}`, {
    signalId: name,
    body: null,
  });
  expect(status).toBe(202);
}

/** Starts so many flows; resolves with their ids when each waits for a signal. */
async function started(api: Client, flow: string, count: number, input: (n: number) => unknown): Promise<string[]> {
  const ids: string[] = [];
  await each(numbers(count), async (n) => {
    const { body } = await api.post('/api/v1/members/SHOP/flows', {
      ...{ clientRequestId: `${flow}-${count}-${n}`, flow, input: input(n) },
    });
    ids.push(body.flowId);
  });
  await waiting(api, ids);
  return ids;
}

async function waiting(api: Client, ids: readonly string[], stage = 'start'): Promise<void> {
  await each(ids, (id) =>
    expect
      .poll(async () => (await api.get(`/api/v1/flows/${id}/waiting`)).body, { timeout: 20_000 })
      .toMatchObject({ stage, waitingOn: { what: 'signal' } }),
  );
}

it('FE15 a thousand flows in the middle of it go from version 1 to version 2, and all end right', {
  timeout: 120_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'weir-upgrade-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const on = (code: string): string[] => ['--config', join(examples, `${code}.yaml`), '--data', data];

  const before = await upWith([...on('v1'), '--port', '0']);
  const first = client(before.url);
  const unpaid = await started(first, 'order', counts.unpaid, (n) => ({ item: `chair ${n}` }));
  const unsent = await started(first, 'order', counts.unsent, (n) => ({ item: `table ${n}` }));
  await each(unsent, (id) => signal(first, id, 'paid'));
  await waiting(first, unsent, 'ship');
  const unanswered = await started(first, 'reminder', counts.unanswered, (n) => ({ to: `reader ${n}` }));

  const careless = await before.weir('flow', 'compat', ...on('careless'));
  expect(careless.code, careless.error).toBe(1);
  expect(careless.out).toMatch(/^order +1 +RUNNING +700 +would be STUCK$/m);
  expect(careless.out).toMatch(/^order +1 +RUNNING +200 +replays dry, goes on with version 2$/m);
  expect(careless.out).toMatch(
    /^order version 1, stage start: 700 flows, such as \S+\n {2}operation 0 is step "rate the risk", at \S+careless\.ts:\d+:\d+ where step "reserve" was recorded \(WEIR_FLOW_INCOMPATIBLE\)\n {2}to do: put the definition of version 1 into "previous" of version 2/m,
  );
  const asked = await before.weir('flow', 'compat', ...on('v2'));
  expect(asked.code, asked.error).toBe(0);
  before.child.kill('SIGTERM');
  await before.ended;
  // The same is said of the data that it has left.
  const stopped = await weir(['flow', 'compat', ...on('v2')]);
  expect(stopped).toEqual(asked);
  expect(stopped.out).toMatch(/^order +1 +RUNNING +900 +ends its visit on version 1, among "previous"$/m);
  expect(stopped.out).toMatch(/^reminder +1 +RUNNING +100 +replays dry, goes on with version 2$/m);

  const after = await upWith([...on('v2'), '--port', '0']);
  const api = client(after.url);
  await each(unpaid, (id) => signal(api, id, 'paid'));
  await waiting(api, unpaid, 'ship');
  await each([...unpaid, ...unsent], (id) => signal(api, id, 'sent'));
  await each(unanswered, (id) => signal(api, id, 'answered'));
  const results = new Map<string, number>();
  await each([...unpaid, ...unsent, ...unanswered], async (id) => {
    const { body } = await api.get(`/api/v1/flows/${id}/result?wait=30s`);
    const { item, place, ...rest } = body.result;
    if (item !== undefined) expect(place).toBe(`shelf of ${item}`);
    const end = `${body.flow} ${body.version} ${body.status} ${JSON.stringify(rest)}`;
    results.set(end, (results.get(end) ?? 0) + 1);
  });
  expect(Object.fromEntries(results)).toEqual({
    'order 2 COMPLETED {"carrier":"post"}': counts.unpaid,
    'order 1 COMPLETED {}': counts.unsent,
    'reminder 2 COMPLETED {"letters":2}': counts.unanswered,
  });
});
