/**
 * An operator at a running payments node: actors are suspended, crashed and hung from the command line while payments go
 * on, and at the end the books balance.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { generateMessage } from '../../../examples/payments/generate.ts';
import { weir } from '../../cli/support.ts';
import { lastOf, runPayments } from './child.ts';
import { shippedBook as book } from './shipped.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-payments-steering-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const payments = 600;
const done = { code: 0, error: '' };

/** What the operator does; each act is done when the node has said so. */
async function operate(url: string): Promise<void> {
  const command = (...args: string[]) => weir([...args, '--url', url]);
  const act = async (...args: string[]): Promise<void> =>
    expect(await command(...args, '--reason', 'a test')).toMatchObject(done);
  const untilAnswered = async (wanted: RegExp, ...args: string[]): Promise<void> => {
    while (!wanted.test((await command(...args)).out));
  };
  // The first of them all: while it hangs the payments cannot come to their end.
  await act('chaos', 'hang', '/services/flow/shard-2');
  await act('actor', 'suspend', '/services/flow/shard-0');
  await untilAnswered(/shard-0 +suspended +\d+ +0 +[1-9]/, 'tree', '/services/flow', '--depth', '2');
  await act('actor', 'resume', '/services/flow/shard-0');
  await act('chaos', 'crash', '/services/flow/shard-1');
  await act('chaos', 'crash', '/services/rpc');
  await untilAnswered(/WEIR_ACTOR_STALLED .*\/services\/flow\/shard-2/, 'errors', '--service', 'flow');
  const events = (await command('actor', 'events')).out;
  for (const told of ['suspended +/services/flow/shard-0', 'failed +/services/flow/shard-1', 'failed +/services/rpc']) {
    expect(events).toMatch(new RegExp(told));
  }
}

it('AK13 AK12 WK8 actors are suspended, crashed and hung by command while payments go on, each once', async () => {
  const file = join(folder, 'generated.xml');
  writeFileSync(file, generateMessage({ book, transactions: payments, seed: 7 }));
  let url = '';
  let ended = 0;
  let operating: Promise<void> | undefined;
  const args = [file, '--data', join(folder, 'data'), '--port', '0', '--allow-chaos'];
  const finished = await runPayments(args, (event, child) => {
    if (event.type === 'node') url = event.url ?? '';
    if (event.type === 'ended') ended += 1;
    // Enough are under way, and enough are still to come.
    if (ended === 20) operating ??= operate(url);
    if (event.type === 'serving') void operating?.finally(() => child.kill('SIGTERM'));
  });
  await operating;
  expect(lastOf(finished, 'summary')).toMatchObject({ balanced: true, open: [] });
  expect(ended).toBe(lastOf(finished, 'paying')?.payments);
}, 240_000);
