import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PaymentsError } from '../../../examples/payments/errors.ts';
import {
  type CreditTransfer,
  type CreditTransferMessage,
  creditTransferSchema,
  escapeXml,
  type Refusal,
  readCreditTransfers,
  uetrKey,
} from '../../../examples/payments/iso20022/index.ts';
import { bodyXml, documentXml, iban, type MessageParts, transactionXml } from './messages.ts';

const versions = ['02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12', '13'];

function only(xml: string | Uint8Array): CreditTransferMessage {
  const [message] = readCreditTransfers(xml).messages;
  if (message === undefined) throw new Error('no message');
  return message;
}

function transferOf(xml: string): CreditTransfer {
  const [first] = only(xml).transactions;
  if (first?.type !== 'transfer') throw new Error(`not a transfer: ${JSON.stringify(first)}`);
  return first.transfer;
}

const transfer = (...parts: Parameters<typeof transactionXml>): CreditTransfer =>
  transferOf(documentXml({ transactions: [transactionXml(...parts)] }));

/** What refuses the first transaction of a message, or undefined. */
function refusalOf(...parts: Parameters<typeof transactionXml>): Refusal | undefined {
  const [first] = only(documentXml({ transactions: [transactionXml(...parts), transactionXml()] })).transactions;
  return first?.type === 'refused' ? first.refusal : undefined;
}

const messageRefusal = (parts: MessageParts): Refusal | undefined => only(documentXml(parts)).refusal;

function errorOf(xml: string | Uint8Array): PaymentsError {
  try {
    readCreditTransfers(xml);
  } catch (error) {
    if (error instanceof PaymentsError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

describe('a pacs.008 file', () => {
  it('gives plain transfers that a flow can take', () => {
    const expected = {
      clientRequestId: 'M1.T1.0',
      messageId: 'M1',
      index: 0,
      transactionId: 'T1',
      endToEndId: 'E1',
      instructionId: 'I1',
      amount: { currency: 'EUR', minor: 1_050n },
      settlementDate: '2026-01-15',
      debtor: { bank: { id: 'HNSBDEHH', scheme: 'BIC' }, account: { id: iban.debtor, scheme: 'IBAN' }, name: 'Ada' },
      creditor: {
        bank: { id: 'ALPZCHZZ', scheme: 'BIC' },
        account: { id: iban.creditor, scheme: 'IBAN' },
        name: 'Grace',
      },
    };
    expect(transferOf(documentXml())).toEqual(expected);
    expect(creditTransferSchema.parse(transferOf(documentXml()))).toEqual(expected);
  });

  it.each(versions)('is read in version 001.%s', (version) => {
    const message = only(documentXml({}, version));
    expect(message).toMatchObject({ messageId: 'M1', messageName: `pacs.008.001.${version}` });
    expect(message.transactions[0]?.type).toBe('transfer');
  });

  const prefixed = (prefix: string): string => bodyXml().replace(/<(\/?)(\w)/g, `<$1${prefix}:$2`);

  it.each([
    ['without a namespace', `<Document>${bodyXml()}</Document>`],
    ['without a document', bodyXml()],
    [
      'with a prefix',
      `<x:Document xmlns:x="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.10">${prefixed('x')}</x:Document>`,
    ],
    ['with a prefix that nothing declares', `<Document>${prefixed('n0')}</Document>`],
    ['in the namespace of a market', `<D xmlns="urn:swift:xsd:pacs.008.001.08_stp">${bodyXml()}</D>`],
    ['behind a business header', `<Env><AppHdr><BizMsgIdr>X</BizMsgIdr></AppHdr>${documentXml()}</Env>`],
    [
      'in a SWIFT envelope',
      `<Saa:DataPDU xmlns:Saa="urn:swift:saa:xsd:saa.2.0"><Saa:Body>${documentXml()}</Saa:Body></Saa:DataPDU>`,
    ],
    [
      'in the body of a SOAP message',
      `<s:Envelope xmlns:s="x"><s:Body><send>${documentXml()}</send></s:Body></s:Envelope>`,
    ],
    [
      'under the name of version 01',
      `<Document><pacs.008.001.01>${bodyXml().slice(19, -20)}</pacs.008.001.01></Document>`,
    ],
    ['with Windows line ends', `<?xml version="1.0"?>\r\n${documentXml().replaceAll('><', '>\r\n\t<')}\r\n`],
    ['with a byte order mark', `\ufeff${documentXml()}`],
  ])('is read %s', (_how, xml) => {
    expect(transferOf(xml)).toMatchObject({ clientRequestId: 'M1.T1.0', amount: { minor: 1_050n } });
  });

  it('is read from UTF-16 bytes', () => {
    const bytes = new Uint8Array(Buffer.from(`\ufeff${documentXml()}`, 'utf16le'));
    expect(only(bytes).transactions).toHaveLength(1);
  });

  it('may hold several documents', () => {
    const xml = `<All>${documentXml({ messageId: 'A' })}${documentXml({ messageId: 'B' }, '13')}</All>`;
    expect(readCreditTransfers(xml).messages.map(({ messageId }) => messageId)).toEqual(['A', 'B']);
  });

  it('books nothing of a pacs.009 beside it, nor of a cover inside one', () => {
    const transaction = transactionXml();
    const cover = `<Document><FICdtTrf><GrpHdr/>${transaction}<UndrlygCstmrCdtTrf>${transaction}</UndrlygCstmrCdtTrf></FICdtTrf></Document>`;
    const file = readCreditTransfers(`<All>${cover}${documentXml()}${cover}</All>`);
    expect(file.messages.map(({ transactions }) => transactions.length)).toEqual([1]);
    expect(file.ignored).toEqual(['FICdtTrf', 'FICdtTrf']);
    expect(errorOf(cover)).toMatchObject({
      code: 'PAYMENTS_NO_CREDIT_TRANSFER',
      message: expect.stringContaining('FICdtTrf'),
    });
  });

  it('books nothing that stands in a comment, in CDATA, or inside another transaction', () => {
    const nested = transactionXml({ extra: `<SplmtryData>${bodyXml()}</SplmtryData>` });
    const xml = `<A><!--${documentXml()}--><B><![CDATA[${documentXml()}]]></B>${documentXml({ transactions: [nested] })}</A>`;
    const { messages } = readCreditTransfers(xml);
    expect(messages.map(({ transactions }) => transactions.length)).toEqual([1]);
  });

  it.each([
    ['empty', '', 'PAYMENTS_FILE_EMPTY'],
    ['not XML', 'MsgId;Amount\nM1;10', 'PAYMENTS_FILE_INVALID'],
    ['cut', documentXml().slice(0, -30), 'PAYMENTS_FILE_INVALID'],
    ['another root', '<html><body/></html>', 'PAYMENTS_NO_CREDIT_TRANSFER'],
    ['a pain.001', '<Document><CstmrCdtTrfInitn/></Document>', 'PAYMENTS_NO_CREDIT_TRANSFER'],
    ['with a DOCTYPE', `<!DOCTYPE x>${documentXml()}`, 'PAYMENTS_FILE_DOCTYPE'],
    ['with an entity of its own', documentXml().replace('Ada', '&ada;'), 'PAYMENTS_FILE_INVALID'],
    [
      'in an unknown encoding',
      new Uint8Array(Buffer.from('<?xml version="1.0" encoding="x-1"?><a/>')),
      'PAYMENTS_FILE_ENCODING',
    ],
  ])('that is %s is refused with a code and a remedy', (_what, xml, code) => {
    const error = errorOf(xml);
    expect(error.code).toBe(code);
    expect(error.remedy).toMatch(/^\w.{20,}/);
  });

  it('that is too large is refused before it is read', () => {
    expect(() => readCreditTransfers('<a/>', { maxBytes: 3 })).toThrow('the file has 4 bytes, at most 3 are read');
  });
});

describe('a transaction', () => {
  const agent = (inside: string): string => `<FinInstnId>${inside}</FinInstnId>`;
  const debtor = (bank: string, account: string): { debtor: string } => ({
    debtor: `<DbtrAcct>${account}</DbtrAcct><DbtrAgt>${bank}</DbtrAgt>`,
  });
  const anyBank = agent('<BICFI>HNSBDEHH</BICFI>');
  const anyAccount = `<Id><IBAN>${iban.debtor}</IBAN></Id>`;

  it.each([
    ['BICFI', '<BICFI>HNSBDEHH</BICFI>', { id: 'HNSBDEHH', scheme: 'BIC' }],
    ['BIC of version 02', '<BIC>HNSBDEHHXXX</BIC>', { id: 'HNSBDEHHXXX', scheme: 'BIC' }],
    [
      'BIC rather than anything else',
      '<BICFI>HNSBDEHH</BICFI><ClrSysMmbId><MmbId>1</MmbId></ClrSysMmbId>',
      { id: 'HNSBDEHH', scheme: 'BIC' },
    ],
    [
      'clearing member id',
      '<ClrSysMmbId><ClrSysId><Cd>USABA</Cd></ClrSysId><MmbId>026073999</MmbId></ClrSysMmbId><Othr><Id>9</Id></Othr>',
      { id: '026073999', scheme: 'CLEARING' },
    ],
    ['other id', '<Nm>Bank</Nm><Othr><Id>bank-7</Id></Othr>', { id: 'bank-7', scheme: 'OTHER' }],
  ])('names its bank by %s', (_how, inside, bank) => {
    expect(transfer(debtor(agent(inside), anyAccount)).debtor.bank).toEqual(bank);
  });

  it.each([
    ['IBAN', '<Id><IBAN> DE61 2099 </IBAN></Id>', { id: 'DE61 2099', scheme: 'IBAN' }],
    ['other id', '<Id><Othr><Id>00-7/A</Id></Othr></Id>', { id: '00-7/A', scheme: 'OTHER' }],
  ])('names its account by %s, exactly as written', (_how, inside, account) => {
    expect(transfer(debtor(anyBank, inside)).debtor.account).toEqual(account);
  });

  it('with wrong check digits in its IBAN is only warned about', () => {
    const xml = documentXml({
      transactions: [transactionXml(debtor(anyBank, '<Id><IBAN>DE62209901004410037000</IBAN></Id>'))],
    });
    const [first] = only(xml).transactions;
    expect(first?.type).toBe('transfer');
    expect(first?.warnings).toMatchObject([{ path: 'FIToFICstmrCdtTrf/CdtTrfTxInf[1]/DbtrAcct/Id/IBAN' }]);
  });

  it.each([
    ['an amount', { amount: '' }, 'IntrBkSttlmAmt'],
    [
      'an amount, though an instructed one is there',
      { amount: '', extra: '<InstdAmt Ccy="EUR">1</InstdAmt>' },
      'IntrBkSttlmAmt',
    ],
    ['a currency', { amount: '<IntrBkSttlmAmt>10.50</IntrBkSttlmAmt>' }, 'IntrBkSttlmAmt/@Ccy'],
    ['a bank', { debtor: `<DbtrAcct>${anyAccount}</DbtrAcct>` }, 'DbtrAgt'],
    [
      'an id of its bank',
      debtor(agent('<Nm>Bank</Nm><LEI>529900T8BM49AURSDO55</LEI>'), anyAccount),
      'DbtrAgt/FinInstnId',
    ],
    ['an account', { debtor: `<DbtrAgt>${anyBank}</DbtrAgt>` }, 'DbtrAcct'],
    ['an id of its account', debtor(anyBank, '<Id/>'), 'DbtrAcct/Id'],
    ['a creditor', { creditor: '' }, 'CdtrAgt'],
  ])('without %s is refused by itself with the path', (_what, parts, path) => {
    expect(refusalOf(parts)).toMatchObject({ code: 'FF01', path: `FIToFICstmrCdtTrf/CdtTrfTxInf[1]/${path}` });
  });

  it('never takes the instructing or instructed agent for a bank that is missing', () => {
    const agents = `<InstgAgt>${anyBank}</InstgAgt><InstdAgt>${anyBank}</InstdAgt>`;
    const xml = documentXml({ header: agents, transactions: [transactionXml({ extra: agents, creditor: '' })] });
    expect(only(xml).transactions[0]).toMatchObject({ type: 'refused', refusal: { code: 'FF01' } });
  });

  it.each([
    ['1.005', 'EUR', 'FF01'],
    ['1.500', 'EUR', 'FF01'],
    ['1.0', 'JPY', 'FF01'],
    ['1,5', 'EUR', 'FF01'],
    ['1e3', 'EUR', 'FF01'],
    ['-1', 'EUR', 'FF01'],
    ['1', 'eur', 'FF01'],
    ['0.00', 'EUR', 'AM01'],
    ['1', 'XQX', 'AM11'],
    ['1', 'XAU', 'AM11'],
  ])('of %s %s is refused with %s', (amount, currency, code) => {
    expect(refusalOf({ amount: `<IntrBkSttlmAmt Ccy="${currency}">${amount}</IntrBkSttlmAmt>` })).toMatchObject({
      code,
    });
  });

  it.each([
    ['two amounts', { extra: '<IntrBkSttlmAmt Ccy="EUR">1</IntrBkSttlmAmt>' }],
    ['two debtor accounts', { extra: `<DbtrAcct>${anyAccount}</DbtrAcct>` }],
    ['an id that is too long', { ids: `<TxId>${'x'.repeat(36)}</TxId>` }],
    ['an account that is too long', debtor(anyBank, `<Id><Othr><Id>${'1'.repeat(35)}</Id></Othr></Id>`)],
    ['a date that is none', { date: '<IntrBkSttlmDt>15.01.2026</IntrBkSttlmDt>' }],
  ])('with %s is refused', (_what, parts) => expect(refusalOf(parts)).toMatchObject({ code: 'FF01' }));

  it('that is refused leaves the others as they are', () => {
    const transactions = [transactionXml(), transactionXml({ amount: '' }), transactionXml()];
    const message = only(documentXml({ transactions }));
    expect(message.refusal).toBeUndefined();
    expect(message.transactions.map(({ type }) => type)).toEqual(['transfer', 'refused', 'transfer']);
  });

  it('has the settlement date of its message if it has none itself', () => {
    const header = '<IntrBkSttlmDt>2026-02-01</IntrBkSttlmDt>';
    expect(transferOf(documentXml({ header, transactions: [transactionXml({ date: '' })] })).settlementDate).toBe(
      '2026-02-01',
    );
    expect(transferOf(documentXml({ header })).settlementDate).toBe('2026-01-15');
  });

  it('keeps its UETR as written, and is only warned about a strange one', () => {
    const uetr = '8a562c67-ca16-48ba-b074-65581be6f001';
    expect(transfer({ ids: `<TxId>T</TxId><UETR>${uetr}</UETR>` }).uetr).toBe(uetr);
    expect(transfer({ ids: '<TxId>T</TxId><UETR>abc</UETR>' }).uetr).toBe('abc');
    expect(uetrKey(uetr.toUpperCase())).toBe(uetr);
  });

  it('may have names with anything that XML can say', () => {
    const name = 'Ô & <b>"\'\u{1F3E6} 東京';
    const xml = documentXml().replace('Ada', escapeXml(name));
    expect(transferOf(xml).debtor.name).toBe(name);
  });
});

describe('a message', () => {
  const amount = (value: string, currency = 'EUR'): string =>
    transactionXml({ amount: `<IntrBkSttlmAmt Ccy="${currency}">${value}</IntrBkSttlmAmt>` });
  const sum = (value: string): string => `<CtrlSum>${value}</CtrlSum>`;
  const total = (value: string, currency = 'EUR'): string =>
    `<TtlIntrBkSttlmAmt Ccy="${currency}">${value}</TtlIntrBkSttlmAmt>`;
  const two = [amount('0.10'), amount('0.20')];

  it.each([
    ['control sum', { header: sum('0.30'), transactions: two }],
    ['control sum with other zeros', { header: sum('00.3'), transactions: two }],
    [
      'control sum over several currencies',
      { header: sum('100.1'), transactions: [amount('0.10'), amount('100', 'JPY')] },
    ],
    ['total', { header: total('0.3'), transactions: two }],
    [
      'control sum of more digits than one amount may have',
      {
        header: sum('19999999999999999.98'),
        transactions: [amount('9999999999999999.99'), amount('9999999999999999.99')],
      },
    ],
    ['number with zeros', { number: '0002', transactions: two }],
  ])('with a right %s is taken', (_what, parts) => expect(messageRefusal(parts)).toBeUndefined());

  it.each([
    ['number', { number: 3, transactions: two }, 'AM18'],
    ['number that is none', { number: 'two', transactions: two }, 'AM18'],
    ['number that is missing', { number: '', transactions: two }, 'AM18'],
    ['control sum', { header: sum('0.31'), transactions: two }, 'AM10'],
    ['control sum by a hair', { header: sum('0.30000000000000001'), transactions: two }, 'AM10'],
    ['control sum that is none', { header: sum('zero'), transactions: two }, 'AM10'],
    ['total', { header: total('0.29'), transactions: two }, 'AM09'],
    ['total of another currency', { header: total('0.30', 'USD'), transactions: two }, 'AM09'],
    ['message id', { messageId: '', transactions: two }, 'FF01'],
    ['message id that is too long', { messageId: 'x'.repeat(36), transactions: two }, 'FF01'],
    ['count of transactions, namely none', { transactions: [] }, 'FF01'],
  ])('with a wrong %s is refused as a whole', (_what, parts, code) => {
    const message = only(documentXml(parts));
    expect(message.refusal).toMatchObject({ code, path: expect.stringMatching(/^FIToFICstmrCdtTrf\//) });
    for (const one of message.transactions) expect(one).toMatchObject({ type: 'refused', refusal: { code } });
  });

  it('without a group header is refused as a whole', () => {
    const xml = documentXml().replace(/<GrpHdr>.*<\/GrpHdr>/, '');
    expect(only(xml).refusal).toMatchObject({ code: 'FF01', path: 'FIToFICstmrCdtTrf/GrpHdr' });
  });

  it('counts amounts that are refused by themselves', () => {
    const transactions = [amount('0.10'), amount('0.005')];
    expect(messageRefusal({ header: sum('0.105'), transactions })).toBeUndefined();
    expect(messageRefusal({ header: sum('0.1'), transactions })).toMatchObject({ code: 'AM10' });
  });

  it('is not refused for a sum that may hold an amount that is missing, but for one that cannot', () => {
    const transactions = [amount('0.10'), transactionXml({ amount: '' })];
    expect(only(documentXml({ header: sum('5'), transactions })).warnings).toHaveLength(1);
    expect(messageRefusal({ header: sum('5'), transactions })).toBeUndefined();
    expect(messageRefusal({ header: sum('0.05'), transactions })).toMatchObject({ code: 'AM10' });
  });
});

describe('client request ids', () => {
  const idOf = (messageId: string, transactionId: string, before: number): string | undefined => {
    const fillers = Array.from({ length: before }, () => transactionXml());
    const ids = `<TxId>${escapeXml(transactionId)}</TxId>`;
    const xml = documentXml({ messageId: escapeXml(messageId), transactions: [...fillers, transactionXml({ ids })] });
    const last = only(xml).transactions.at(-1);
    return last?.type === 'transfer' ? last.transfer.clientRequestId : last?.ids.clientRequestId;
  };
  const text = fc.stringMatching(/^[A-Za-z0-9./~%+_ äß漢\u{1F3E6}-]{1,17}$/u).filter((one) => one.trim() === one);

  it('are URL-safe, short, the same for the same transaction and different for any other', () => {
    const triple = fc.tuple(text, text, fc.integer({ min: 0, max: 2 }));
    fc.assert(
      fc.property(triple, triple, (a, b) => {
        const [first, second] = [idOf(...a), idOf(...b)];
        expect(first).toMatch(/^[A-Za-z0-9._~-]{1,200}$/);
        expect(first).toBe(idOf(...a));
        expect(first === second).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 60 },
    );
  });

  it('stay short for the longest ids', () => {
    const longest = '漢'.repeat(35);
    expect(idOf(longest, longest, 0)?.length).toBeLessThanOrEqual(200);
    expect(idOf(longest, longest, 0)).not.toBe(idOf(longest, longest, 1));
  });
});

describe('the schema of a transfer', () => {
  it('takes minor units as text, as JSON must send them', () => {
    const whole = transferOf(documentXml());
    const json = { ...whole, amount: { currency: 'EUR', minor: '1050' } };
    expect(creditTransferSchema.parse(json)).toEqual(whole);
  });

  it.each([-1n, '-1', 1.5, '1.5', '1e3'])('refuses %s minor units', (minor) => {
    const wrong = { ...transferOf(documentXml()), amount: { currency: 'EUR', minor } };
    expect(creditTransferSchema.safeParse(wrong).success).toBe(false);
  });
});
