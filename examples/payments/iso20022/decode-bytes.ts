/**
 * From bytes to text. Owns which encoding a file is in: its byte order mark, else what the XML declaration says, else
 * UTF-8. Every byte must be valid in it; nothing is replaced by a question mark, because a name is part of a payment.
 */
import { PaymentsError } from '../errors.ts';

/** What the XML declaration may say, and the decoder for it. */
const decoders: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'iso-8859-1': 'windows-1252',
  'iso-8859-15': 'iso-8859-15',
  'windows-1252': 'windows-1252',
};

/** @throws PaymentsError `PAYMENTS_FILE_ENCODING` */
export function decodeBytes(bytes: Uint8Array): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PaymentsError('PAYMENTS_FILE_ENCODING', `the file is not valid ${encoding.toUpperCase()}`, cause);
  }
}

function encodingOf(bytes: Uint8Array): string {
  const [a, b, c, d] = bytes;
  // UTF-32's little-endian mark begins with UTF-16's, so it is looked for first.
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff)) {
    throw new PaymentsError('PAYMENTS_FILE_ENCODING', 'the file is in UTF-32, which is not read');
  }
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return 'utf-16le';
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return 'utf-16be';
  const declared = declaredEncoding(bytes);
  if (declared === undefined) return 'utf-8';
  const known = decoders[declared.toLowerCase()];
  if (known !== undefined) return known;
  throw new PaymentsError(
    'PAYMENTS_FILE_ENCODING',
    `the file says that it is in ${declared}, which it is not or which is not read`,
  );
}

function declaredEncoding(bytes: Uint8Array): string | undefined {
  // Up to here every encoding that is read agrees with ASCII, so the declaration can be looked at as such.
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 200)).toString('latin1');
  return /^<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][\w.-]*)["']/.exec(head)?.[1];
}
