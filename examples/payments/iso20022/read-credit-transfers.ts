/**
 * Reads pacs.008 credit transfers out of any file: whatever the envelope, prefixes, namespace or version, each element
 * that is called `FIToFICstmrCdtTrf` (or, before version 02, `pacs.008.001.01`) is a message. Nothing else is read, so
 * a pacs.009 beside it is never booked. The file is scanned once, and only one transaction at a time is held as a tree.
 */
import { PaymentsError } from '../errors.ts';
import { given, type ReadTransfer, readTransfer } from './credit-transfer.ts';
import { decodeBytes } from './decode-bytes.ts';
import { parseElement, textAt, type XmlElement } from './element.ts';
import { checkMessage } from './message-checks.ts';
import { scanXml, type XmlTag } from './scan-xml.ts';
import type { CreditTransferMessage, Refusal, Transaction, TransferIds } from './types.ts';

export interface CreditTransferFile {
  /** In document order; at least one. */
  readonly messages: readonly CreditTransferMessage[];
  /** Other messages in the file that were left alone, by the name of their body: `FICdtTrf`. */
  readonly ignored: readonly string[];
}

export interface ReadOptions {
  /** Files beyond this are refused before they are decoded. Default 256 MiB. */
  readonly maxBytes?: number;
}

const bodyName = /^(?:FIToFICstmrCdtTrf|pacs\.008\.\d{3}\.\d{2})$/;
const version = /pacs\.008\.\d{3}\.\d{2}/;
const defaultMaxBytes = 268_435_456;

/**
 * The messages of a file. What is wrong with one message or transaction is in the result.
 * @throws PaymentsError `PAYMENTS_FILE_*` or `PAYMENTS_NO_CREDIT_TRANSFER` if the file as a whole cannot be taken.
 */
export function readCreditTransfers(xml: string | Uint8Array, options: ReadOptions = {}): CreditTransferFile {
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  if (xml.length > maxBytes) {
    throw new PaymentsError(
      'PAYMENTS_FILE_TOO_LARGE',
      `the file has ${xml.length} bytes, at most ${maxBytes} are read`,
    );
  }
  if (xml.length === 0) throw new PaymentsError('PAYMENTS_FILE_EMPTY', 'the file is empty');
  const decoded = typeof xml === 'string' ? xml : decodeBytes(xml);
  const text = decoded.charCodeAt(0) === 0xfeff ? decoded.slice(1) : decoded;
  const collector = new Collector(text);
  scanXml(text, collector);
  if (collector.messages.length > 0) return { messages: collector.messages, ignored: collector.ignored };
  const found = collector.ignored.length > 0 ? collector.ignored.join(', ') : `<${collector.root}>`;
  throw new PaymentsError('PAYMENTS_NO_CREDIT_TRANSFER', `the file holds no pacs.008 message, only ${found}`);
}

/** The message that is being read. */
interface OpenBody {
  readonly tag: XmlTag;
  readonly messageName: string;
  header?: XmlElement;
  headers: number;
  readonly transfers: ReadTransfer[];
}

class Collector {
  readonly messages: CreditTransferMessage[] = [];
  readonly ignored: string[] = [];
  root = '';
  readonly #text: string;
  /** The elements that are open, without those inside a body. */
  readonly #path: XmlTag[] = [];
  #body: OpenBody | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  opened(tag: XmlTag): void {
    if (tag.depth === 1) this.root = tag.name;
    // A body inside a body would be booked twice; inside one, only its children matter.
    if (this.#body !== undefined) return;
    const parent = this.#path.at(-1);
    this.#path.push(tag);
    if (bodyName.test(tag.localName)) {
      this.#body = { tag, messageName: versionOf(this.#path), headers: 0, transfers: [] };
    } else if (parent?.localName === 'Document') {
      this.ignored.push(tag.localName);
    }
  }

  closed(tag: XmlTag, end: number): void {
    const body = this.#body;
    if (body === undefined) {
      this.#path.pop();
    } else if (tag === body.tag) {
      this.messages.push(messageOf(body));
      this.#body = undefined;
      this.#path.pop();
    } else if (tag.depth === body.tag.depth + 1) {
      this.#child(body, tag, end);
    }
  }

  #child(body: OpenBody, tag: XmlTag, end: number): void {
    if (tag.localName === 'GrpHdr') {
      body.headers += 1;
      body.header ??= parseElement(this.#text.slice(tag.start, end));
    } else if (tag.localName === 'CdtTrfTxInf') {
      const index = body.transfers.length;
      const settlementDate = textAt(body.header, 'IntrBkSttlmDt');
      const path = `${body.tag.localName}/CdtTrfTxInf[${index + 1}]`;
      const messageId = textAt(body.header, 'MsgId') ?? '';
      const context = { messageId, index, path, ...given('settlementDate', settlementDate) };
      body.transfers.push(readTransfer(parseElement(this.#text.slice(tag.start, end)), context));
    }
  }
}

function messageOf(body: OpenBody): CreditTransferMessage {
  const { header, headers, transfers, messageName } = body;
  const { refusal, warnings } = checkMessage({ bodyName: body.tag.localName, header, headers, transfers });
  const transactions = transfers.map(({ transaction }) =>
    refusal === undefined ? transaction : refused(transaction, refusal),
  );
  return {
    messageId: textAt(header, 'MsgId') ?? '',
    messageName,
    ...given('createdAt', textAt(header, 'CreDtTm')),
    transactions,
    warnings,
    ...given('refusal', refusal),
  };
}

/** A message that is refused takes all of its transactions with it, those that are wrong by themselves too. */
function refused(transaction: Transaction, refusal: Refusal): Transaction {
  const { warnings } = transaction;
  return { type: 'refused', ids: idsOf(transaction), refusal, warnings };
}

/** The ids of a transaction, whether it can be booked or not. */
export function idsOf(transaction: Transaction): TransferIds {
  if (transaction.type === 'refused') return transaction.ids;
  const { clientRequestId, messageId, index, transactionId, endToEndId, instructionId, uetr } = transaction.transfer;
  return {
    clientRequestId,
    messageId,
    index,
    ...given('transactionId', transactionId),
    ...given('endToEndId', endToEndId),
    ...given('instructionId', instructionId),
    ...given('uetr', uetr),
  };
}

/** The innermost namespace that names a version of pacs.008, or the body's own name. */
function versionOf(path: readonly XmlTag[]): string {
  for (const { localName, attributes } of path.toReversed()) {
    const own = version.exec(localName)?.[0];
    if (own !== undefined) return own;
    for (const [name, value] of attributes) {
      const found = /^xmlns(?::|$)/.test(name) ? version.exec(value)?.[0] : undefined;
      if (found !== undefined) return found;
    }
  }
  return 'pacs.008';
}
