/** Builders of pacs.008 text for tests: one transaction and one message, each part replaceable. */
export const iban = { debtor: 'DE61209901004410037000', creditor: 'CH7209871620011840000' };

export interface TransactionParts {
  readonly ids?: string;
  readonly amount?: string;
  readonly date?: string;
  readonly debtor?: string;
  readonly creditor?: string;
  readonly extra?: string;
}

export function transactionXml(parts: TransactionParts = {}): string {
  const ids = parts.ids ?? '<TxId>T1</TxId><EndToEndId>E1</EndToEndId><InstrId>I1</InstrId>';
  return [
    `<CdtTrfTxInf><PmtId>${ids}</PmtId>`,
    parts.amount ?? '<IntrBkSttlmAmt Ccy="EUR">10.50</IntrBkSttlmAmt>',
    parts.date ?? '<IntrBkSttlmDt>2026-01-15</IntrBkSttlmDt>',
    parts.extra ?? '',
    parts.debtor ??
      `<Dbtr><Nm>Ada</Nm></Dbtr><DbtrAcct><Id><IBAN>${iban.debtor}</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>HNSBDEHH</BICFI></FinInstnId></DbtrAgt>`,
    parts.creditor ??
      `<CdtrAgt><FinInstnId><BICFI>ALPZCHZZ</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Grace</Nm></Cdtr><CdtrAcct><Id><IBAN>${iban.creditor}</IBAN></Id></CdtrAcct>`,
    '</CdtTrfTxInf>',
  ].join('');
}

export interface MessageParts {
  readonly messageId?: string;
  readonly number?: number | string;
  readonly header?: string;
  readonly transactions?: readonly string[];
}

export function bodyXml(parts: MessageParts = {}): string {
  const transactions = parts.transactions ?? [transactionXml()];
  const header = `<MsgId>${parts.messageId ?? 'M1'}</MsgId><CreDtTm>2026-01-15T08:00:00Z</CreDtTm><NbOfTxs>${parts.number ?? transactions.length}</NbOfTxs>${parts.header ?? ''}`;
  return `<FIToFICstmrCdtTrf><GrpHdr>${header}</GrpHdr>${transactions.join('')}</FIToFICstmrCdtTrf>`;
}

export function documentXml(parts: MessageParts = {}, version = '08'): string {
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.${version}">${bodyXml(parts)}</Document>`;
}
