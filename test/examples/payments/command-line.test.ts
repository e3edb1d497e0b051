/** What the command answers to mistakes: one sentence with code, cause and remedy, and an exit code that says so. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lastOf, runPayments } from './child.ts';
import { documentXml } from './messages.ts';
import { shippedPath } from './shipped.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-payments-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let directories = 0;
const data = (): string => join(folder, `data-${directories++}`);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const pacs009 =
  '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.009.001.08"><FICdtTrf><GrpHdr/></FICdtTrf></Document>';

describe('a file that cannot be taken', () => {
  it.each([
    ['missing', () => join(folder, 'nowhere.xml'), 'PAYMENTS_FILE_UNREADABLE', 'there is no such file'],
    ['a folder', () => folder, 'PAYMENTS_FILE_UNREADABLE', 'it is not a file'],
    ['not XML', () => file('note.xml', 'Dear bank, please pay.'), 'PAYMENTS_FILE_INVALID', ''],
    ['with a DOCTYPE', () => file('d.xml', `<!DOCTYPE a>${documentXml()}`), 'PAYMENTS_FILE_DOCTYPE', 'DOCTYPE'],
    ['another message', () => file('9.xml', pacs009), 'PAYMENTS_NO_CREDIT_TRANSFER', 'FICdtTrf'],
    ['empty', () => file('empty.xml', ''), 'PAYMENTS_FILE_EMPTY', 'empty'],
  ])('%s: says what is wrong and what helps; the other files still run', async (_name, path, code, why) => {
    const given = path();
    const finished = await runPayments([given, shippedPath('06-beside-a-pacs009.xml'), '--data', data(), '--no-serve']);
    const problems = finished.events.filter(({ type }) => type === 'problem');
    expect(problems).toEqual([
      { type: 'problem', code, message: expect.stringContaining(why), remedy: expect.stringMatching(/\w+/) },
    ]);
    expect(problems[0]?.message).toContain(given);
    expect(lastOf(finished, 'summary')).toMatchObject({ balanced: true, settled: 2 });
    expect(finished.code).toBe(2);
  });

  it('alone: nothing is started', async () => {
    const finished = await runPayments([join(folder, 'nowhere.xml'), '--data', data(), '--no-serve']);
    expect(finished.events.map(({ type }) => type)).toEqual(['problem']);
    expect(finished.code).toBe(2);
  });
});

describe('an option that is wrong', () => {
  it.each([
    [['--port', 'high'], 'whole number'],
    [['--open-accounts', 'lots'], 'amount'],
    [['--colour'], 'unknown option'],
  ])('%j is refused before anything is started', async (options, why) => {
    const finished = await runPayments([...options, '--data', data()]);
    expect({ code: finished.code, events: finished.events }).toEqual({ code: 2, events: [] });
    expect(finished.stderr).toContain(why);
  });

  it('--open-accounts with more digits than a currency has', async () => {
    const args = [shippedPath('04-datapdu-jpy.xml'), '--open-accounts', '10.50', '--data', data(), '--no-serve'];
    const yen = file(
      'yen.xml',
      documentXml()
        .replace(/Ccy="EUR">10.50/, 'Ccy="JPY">10')
        .replace('DE61209901004410037000', 'NEW'),
    );
    const finished = await runPayments([yen, ...args]);
    expect(finished.code).toBe(2);
    expect(finished.events).toMatchObject([{ type: 'problem', code: 'PAYMENTS_AMOUNT_INVALID' }]);
  });

  it('--accounts that are none', async () => {
    const path = file('accounts.json', '{"banks": 3}');
    const finished = await runPayments(['--accounts', path, '--data', data(), '--no-serve']);
    expect(finished.code).toBe(2);
    expect(finished.events).toMatchObject([{ type: 'problem', code: 'PAYMENTS_ACCOUNTS_INVALID' }]);
    expect(finished.events[0]?.message).toContain('banks');
  });
});

describe('what somebody else uses', () => {
  it('a data directory: refused while the other process lives, and the other one is not disturbed', async () => {
    const directory = data();
    const args = [shippedPath('01-suppliers-eur.xml'), '--data', directory];
    let second: ReturnType<typeof runPayments> | undefined;
    const first = await runPayments([...args, '--port', '0'], ({ type }, child) => {
      if (type !== 'serving') return;
      second = runPayments([...args, '--no-serve']);
      void second.finally(() => child.kill('SIGTERM'));
    });
    const refused = await second;
    expect(refused?.code).toBe(2);
    expect(refused?.events).toMatchObject([{ type: 'problem', code: 'WEIR_LOG_IN_USE' }]);
    expect(first.code).toBe(0);
    expect(first.events.at(-1)?.type).toBe('stopped');
  });

  it('the place of a data directory: refused', async () => {
    const path = file('not-a-folder', '');
    const finished = await runPayments([shippedPath('01-suppliers-eur.xml'), '--data', path, '--no-serve']);
    expect(finished.code).toBe(2);
    expect(finished.events).toMatchObject([{ type: 'problem', code: 'WEIR_LOG_DIRECTORY' }]);
  });

  it('the place of the reports: said, with what was paid kept', async () => {
    const args = [shippedPath('01-suppliers-eur.xml'), '--data', data(), '--no-serve'];
    const finished = await runPayments([...args, '--reports', join(file('not-a-folder-either', ''), 'reports')]);
    expect(finished.code).toBe(1);
    expect(lastOf(finished, 'problem')).toMatchObject({ code: 'PAYMENTS_WRITE_FAILED' });
    expect(lastOf(await runPayments(args), 'summary')).toMatchObject({ balanced: true, thereAlready: 4 });
  });

  it('a port that was asked for: refused', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const finished = await runPayments([shippedPath('01-suppliers-eur.xml'), '--data', data(), '--port', String(port)]);
    server.close();
    expect(finished.code).toBe(2);
    expect(finished.events).toMatchObject([{ type: 'problem', code: 'WEIR_HTTP_PORT_IN_USE' }]);
  });
});

describe('the node that stays up', () => {
  it('answers over HTTP with the payments, and ends at SIGTERM', async () => {
    let flows: Promise<unknown> | undefined;
    const finished = await runPayments(
      [shippedPath('01-suppliers-eur.xml'), '--data', data(), '--port', '0'],
      ({ type, url }, child) => {
        if (type !== 'serving') return;
        flows = fetch(`${url}/api/v1/flows?flow=pay`).then((answer) => answer.json());
        void flows.finally(() => child.kill('SIGTERM'));
      },
    );
    expect(Object(await flows).flows).toHaveLength(4);
    expect(finished.code).toBe(0);
  });

  it('takes payments over HTTP too, and the next proof is over them', async () => {
    const directory = data();
    const args = [shippedPath('01-suppliers-eur.xml'), '--data', directory];
    const party = (bank: string, account: string) => ({
      bank: { id: bank, scheme: 'BIC' },
      account: { id: account, scheme: 'IBAN' },
    });
    const input = {
      clientRequestId: 'by-hand-1',
      messageId: 'BY-HAND',
      index: 0,
      amount: { currency: 'EUR', minor: '1' },
      debtor: party('HNSBDEHH', 'DE61209901004410037000'),
      creditor: party('ALPZCHZZ', 'CH7209871620011840000'),
    };
    let answer: Promise<unknown> | undefined;
    await runPayments([...args, '--port', '0'], ({ type, url }, child) => {
      if (type !== 'serving') return;
      answer = fetch(`${url}/api/v1/members/HNSBDEHH/flows?wait=30s`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ clientRequestId: 'by-hand-1', flow: 'pay', input }),
      }).then((response) => response.json());
      void answer.finally(() => child.kill('SIGTERM'));
    });
    expect(await answer).toMatchObject({ status: 'COMPLETED', result: { outcome: { type: 'settled' } } });
    const summary = lastOf(await runPayments([...args, '--no-serve']), 'summary');
    expect(summary).toMatchObject({ balanced: true, others: 1, proved: 5 });
  });
});
