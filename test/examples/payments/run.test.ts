/** The command as a whole, on the shipped files and on files of a user's own: outcomes, reports, proof, second runs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lastOf, type PaymentsEvent, runPayments } from './child.ts';
import { bodyXml, documentXml, transactionXml } from './messages.ts';
import { outcomesIn, shippedPath } from './shipped.ts';

const folders: string[] = [];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'weir-payments-run-'));
  folders.push(path);
  return path;
}

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** Runs the command to its end on files by name (shipped) or by text, and gives the summary. */
async function pay(data: string, files: readonly string[], ...options: string[]) {
  const paths = files.map((file, index) => {
    if (file.endsWith('.xml')) return shippedPath(file);
    const path = join(data, `given-${index}.xml`);
    writeFileSync(path, file);
    return path;
  });
  const finished = await runPayments([...paths, '--data', join(data, 'data'), '--no-serve', ...options]);
  return { ...finished, summary: lastOf(finished, 'summary'), reports: outcomesIn(join(data, 'data', 'reports')) };
}

const ended = (events: readonly PaymentsEvent[]) =>
  Object.fromEntries(events.flatMap(({ type, id, outcome }) => (type === 'ended' ? [[id, outcome]] : [])));

const uetr = '11111111-2222-4333-8444-555555555555';
const withUetr = (id: string, reference = uetr) => `<TxId>${id}</TxId><UETR>${reference}</UETR>`;

describe('the shipped files', () => {
  it.each([
    ['01-suppliers-eur.xml', 3, { AC01: 1 }],
    ['02-clearing-usd-prefixed.xml', 2, { AM04: 1 }],
    ['03-header-chf.xml', 2, { AC04: 1, RC01: 1 }],
    ['04-datapdu-jpy.xml', 2, { AM05: 1 }],
    ['05-no-namespace-gbp.xml', 2, { AM04: 1, FF01: 2 }],
    ['06-beside-a-pacs009.xml', 2, {}],
    ['07-wrong-control-sum.xml', 0, { AM10: 2 }],
    ['08-two-documents.xml', 3, {}],
  ])('%s: outcome of each payment, in the summary and in the reports', async (name, settled, refused) => {
    const { code, stderr, summary, reports } = await pay(folder(), [name]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(summary).toMatchObject({ balanced: true, settled, refused, open: [] });
    const reported = Object.fromEntries([...reports].filter(([result]) => result !== 'settled'));
    expect({ settled: reports.get('settled') ?? 0, refused: reported }).toEqual({ settled, refused });
  });

  it('all together balance, with every reason there is', async () => {
    const { code, summary, events } = await pay(folder(), [], '--port', '0');
    expect(code).toBe(0);
    expect(summary).toMatchObject({ balanced: true, transactions: 1_026, proved: 1_026, open: [] });
    const reasons = ['AC01', 'AC04', 'AM03', 'AM04', 'AM05', 'AM10', 'FF01', 'RC01'];
    expect(Object.keys(Object(summary?.refused))).toEqual(reasons);
    expect(events.filter(({ type }) => type === 'account')).toHaveLength(48);
  });

  it('06: the pacs.009 beside it is left alone', async () => {
    const { summary } = await pay(folder(), ['06-beside-a-pacs009.xml']);
    expect(summary?.ignored).toEqual([{ file: '06-beside-a-pacs009.xml', message: 'FICdtTrf' }]);
    // 500,000.00 USD of the pacs.009 would show here.
    const amounts = [{ currency: 'USD', minor: '574737670' }];
    const totals = Object(summary?.proof).totals;
    expect(totals).toContainEqual({ currency: 'USD', opening: amounts[0], closing: amounts[0] });
  });
});

describe('a file that is given again', () => {
  it('starts nothing new, and its payments end as they had', async () => {
    const data = folder();
    const first = await pay(data, ['03-header-chf.xml', '04-datapdu-jpy.xml']);
    const second = await pay(data, ['03-header-chf.xml', '04-datapdu-jpy.xml']);
    expect(second.summary).toMatchObject({ balanced: true, thereAlready: 7, paid: 0 });
    expect(second.events.filter(({ type, created }) => type === 'accepted' && created === true)).toEqual([]);
    expect(ended(second.events)).toEqual(ended(first.events));
    expect(second.reports).toEqual(first.reports);
  });

  it('under another name is the same file', async () => {
    const data = folder();
    const text = readFileSync(shippedPath('01-suppliers-eur.xml'), 'utf8');
    await pay(data, ['01-suppliers-eur.xml']);
    const { summary } = await pay(data, [text]);
    expect(summary).toMatchObject({ balanced: true, thereAlready: 4, paid: 0 });
    expect(readdirSync(join(data, 'data', 'given', 'files'))).toHaveLength(1);
  });

  it('with a payment changed under its old ids is refused for that one, as a duplicate of its own kind', async () => {
    const data = folder();
    const of = (amount: string) =>
      documentXml({
        transactions: [transactionXml({ amount: `<IntrBkSttlmAmt Ccy="EUR">${amount}</IntrBkSttlmAmt>` })],
      });
    await pay(data, [of('10.50')]);
    const { code, summary, reports } = await pay(data, [of('99.00')]);
    expect(code).toBe(0);
    expect(summary).toMatchObject({ balanced: true, conflicts: 1, settled: 0, refused: { AM05: 1 }, proved: 1 });
    expect(reports).toEqual(
      new Map([
        ['settled', 1],
        ['AM05', 1],
      ]),
    );
  });

  it('may use its ids again when its file alone had refused it', async () => {
    const data = folder();
    const wrong = await pay(data, [documentXml({ number: 7 })]);
    expect(wrong.summary).toMatchObject({ balanced: true, refused: { AM18: 1 } });
    const corrected = await pay(data, [documentXml()]);
    expect(corrected.summary).toMatchObject({ balanced: true, settled: 1, conflicts: 0 });
  });
});

describe('a UETR that was seen before', () => {
  it('refuses the second payment with AM05, in another message, file, run and case', async () => {
    const data = folder();
    const one = documentXml({ messageId: 'A', transactions: [transactionXml({ ids: withUetr('A1') })] });
    const other = documentXml({
      messageId: 'B',
      transactions: [transactionXml({ ids: withUetr('B1', uetr.toUpperCase()) })],
    });
    const first = await pay(data, [one]);
    const second = await pay(data, [other]);
    expect(ended(first.events)).toEqual({ 'A.A1.0': { type: 'settled' } });
    expect(ended(second.events)).toMatchObject({ 'B.B1.0': { type: 'refused', code: 'AM05' } });
    expect(second.summary).toMatchObject({ balanced: true });
  });

  it('lets exactly one through between different banks at both ends', async () => {
    const back = {
      debtor:
        '<DbtrAcct><Id><IBAN>CH7209871620011840000</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>ALPZCHZZ</BICFI></FinInstnId></DbtrAgt>',
      creditor:
        '<CdtrAcct><Id><IBAN>DE61209901004410037000</IBAN></Id></CdtrAcct><CdtrAgt><FinInstnId><BICFI>HNSBDEHH</BICFI></FinInstnId></CdtrAgt>',
    };
    const transactions = [transactionXml({ ids: withUetr('1') }), transactionXml({ ids: withUetr('2'), ...back })];
    const { summary } = await pay(folder(), [documentXml({ transactions })]);
    expect(summary).toMatchObject({ balanced: true, settled: 1, refused: { AM05: 1 } });
  });
});

describe("files of one's own", () => {
  const strangers = documentXml({
    transactions: [
      transactionXml({
        debtor:
          '<DbtrAcct><Id><Othr><Id>1</Id></Othr></Id></DbtrAcct><DbtrAgt><FinInstnId><Othr><Id>My bank/1</Id></Othr></FinInstnId></DbtrAgt>',
        creditor:
          '<CdtrAcct><Id><Othr><Id>2</Id></Othr></Id></CdtrAcct><CdtrAgt><FinInstnId><Othr><Id>Your bank</Id></Othr></FinInstnId></CdtrAgt>',
      }),
    ],
  });

  it('are refused with RC01 when nobody knows their banks', async () => {
    const { code, summary } = await pay(folder(), [strangers]);
    expect(code).toBe(0);
    expect(summary).toMatchObject({ balanced: true, refused: { RC01: 1 } });
  });

  it('settle when banks and accounts are opened at first sight', async () => {
    const data = folder();
    const { summary } = await pay(data, [strangers], '--open-accounts', '1000');
    expect(summary).toMatchObject({ balanced: true, settled: 1 });
    const again = await pay(data, [strangers], '--open-accounts', '1000');
    expect(again.summary).toMatchObject({ balanced: true, thereAlready: 1, paid: 0 });
  });

  it('keep the outcome of the day: a bank that is opened later does not revive a payment', async () => {
    const data = folder();
    await pay(data, [strangers]);
    const { summary } = await pay(data, [strangers, bodyXml({ messageId: 'M2' })], '--open-accounts', '1000');
    expect(summary).toMatchObject({ balanced: true, settled: 1, refused: { RC01: 1 } });
  });

  it('that were given to a run that was killed are finished by a run with other files', async () => {
    const data = folder();
    const path = join(data, 'one.xml');
    writeFileSync(path, documentXml());
    const killed = await runPayments([path, '--data', join(data, 'data'), '--no-serve'], ({ type }, child) => {
      if (type === 'accounts') child.kill('SIGKILL');
    });
    expect(killed.signal).toBe('SIGKILL');
    const { summary, reports } = await pay(data, ['07-wrong-control-sum.xml']);
    expect(summary).toMatchObject({ balanced: true, proved: 3 });
    expect(reports.get('settled')).toBe(1);
  });
});
