import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import {
  type CreditTransferMessage,
  type Outcome,
  readCreditTransfers,
  writeStatusReport,
} from '../../../examples/payments/iso20022/index.ts';
import { scanXml } from '../../../examples/payments/iso20022/scan-xml.ts';
import { documentXml, type MessageParts, transactionXml } from './messages.ts';

const createdAt = '2026-01-15T09:30:00Z';
const settled: Outcome = { type: 'settled' };
const uetr = '8a562c67-ca16-48ba-b074-65581be6f001';

function messageOf(parts: MessageParts = {}): CreditTransferMessage {
  const [message] = readCreditTransfers(documentXml(parts)).messages;
  if (message === undefined) throw new Error('no message');
  return message;
}

const three = messageOf({
  transactions: [
    transactionXml({ ids: `<InstrId>I&amp;1</InstrId><EndToEndId>E1</EndToEndId><TxId>T1</TxId><UETR>${uetr}</UETR>` }),
    transactionXml({ ids: '<TxId>T2</TxId>' }),
    transactionXml({ ids: '<TxId>T3</TxId>' }),
  ],
});

function report(message: CreditTransferMessage, outcomes: readonly Outcome[]): string {
  const ids = message.transactions.map((one) => (one.type === 'transfer' ? one.transfer.clientRequestId : ''));
  const byId = new Map(outcomes.map((outcome, index) => [ids[index] ?? '', outcome]));
  const xml = writeStatusReport({ message, outcomes: byId, createdAt });
  scanXml(xml, { opened: () => undefined, closed: () => undefined });
  return xml;
}

const valuesOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '');

describe('a status report', () => {
  it('says of each payment how it ended, and of the message that some did', () => {
    const xml = report(three, [settled, { type: 'refused', code: 'AC01', info: 'account unknown' }, settled]);
    expect(xml).toMatchSnapshot();
    expect(valuesOf(xml, 'GrpSts')).toEqual(['PART']);
    expect(valuesOf(xml, 'TxSts')).toEqual(['ACSC', 'RJCT', 'ACSC']);
    expect(valuesOf(xml, 'OrgnlUETR')).toEqual([uetr]);
  });

  it('is settled if all are, and refused if none is', () => {
    const refusal: Outcome = { type: 'refused', code: 'AM04' };
    expect(valuesOf(report(three, [settled, settled, settled]), 'GrpSts')).toEqual(['ACSC']);
    expect(valuesOf(report(three, [refusal, refusal, refusal]), 'GrpSts')).toEqual(['RJCT']);
  });

  it('takes refusals of the file from the message itself', () => {
    const message = messageOf({ transactions: [transactionXml(), transactionXml({ amount: '' })] });
    const xml = report(message, [settled]);
    expect(valuesOf(xml, 'Cd')).toEqual(['FF01']);
    expect(valuesOf(xml, 'AddtlInf')[0]).toContain('CdtTrfTxInf[2]/IntrBkSttlmAmt');
  });

  it('gives the reason once more for a message that is refused as a whole', () => {
    const xml = report(messageOf({ messageId: '', number: 5 }), []);
    expect(valuesOf(xml, 'OrgnlMsgId')).toEqual(['NOTPROVIDED']);
    expect(valuesOf(xml, 'GrpSts')).toEqual(['RJCT']);
    expect(valuesOf(xml, 'Cd')).toEqual(['FF01', 'FF01']);
  });

  it('escapes what it is told, and cuts it into lines of 105 characters', () => {
    const info = `<b>&"'\u0001 ${'\u{1F3E6}'.repeat(230)}`;
    const lines = valuesOf(report(three, [settled, { type: 'refused', code: 'AC01', info }, settled]), 'AddtlInf');
    expect(lines).toHaveLength(3);
    const parser = new XMLParser({ htmlEntities: true });
    const text = lines.map((line) => String(parser.parse(`<a>${line}</a>`).a));
    expect(text.join('')).toBe(info.replace('\u0001', '?'));
    for (const line of text) expect([...line].length).toBeLessThanOrEqual(105);
  });

  it('leaves out what would make it invalid: long ids are cut, a strange UETR is not given', () => {
    const long = messageOf({
      messageId: 'm'.repeat(40),
      transactions: [transactionXml({ ids: '<TxId>T</TxId><UETR>abc</UETR>' })],
    });
    const xml = report(long, []);
    expect(valuesOf(xml, 'OrgnlMsgId')).toEqual(['m'.repeat(35)]);
    expect(xml).not.toContain('OrgnlUETR');
  });

  it('is the same for the same input, and has another id for another time', () => {
    const outcomes = [settled, settled, settled];
    expect(report(three, outcomes)).toBe(report(three, outcomes));
    const [id] = valuesOf(report(three, outcomes), 'MsgId');
    expect(id?.length).toBeLessThanOrEqual(35);
  });

  it('is not written while an outcome is missing, nor at a time that is none', () => {
    expect(() => report(three, [settled])).toThrow('M1.T2.1 has no outcome');
    expect(() => writeStatusReport({ message: three, outcomes: new Map(), createdAt: 'today' })).toThrow(
      'not an ISO date',
    );
  });
});
