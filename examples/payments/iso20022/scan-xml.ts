/**
 * The strict gate before any XML is used: one pass that decides whether a text is well-formed XML 1.0 without a DOCTYPE,
 * and tells where each element begins and ends. It is here because fast-xml-parser, which builds the trees, accepts much
 * that is not XML (two roots, text after the root, undefined entities, control characters).
 * It works in constant memory beside the text, and bounds nesting and text, so a hostile file costs one pass at most.
 */
import { PaymentsError } from '../errors.ts';

export interface XmlTag {
  /** As written, with its prefix. */
  readonly name: string;
  /** Without its prefix. */
  readonly localName: string;
  /** 1 for the root. */
  readonly depth: number;
  /** Offset of the `<` of the start tag. */
  readonly start: number;
  /** Values as written: references are checked, not decoded. */
  readonly attributes: ReadonlyMap<string, string>;
}

export interface XmlVisitor {
  opened(tag: XmlTag): void;
  /** `end` is the offset behind the end tag: the element is `text.slice(tag.start, end)`. */
  closed(tag: XmlTag, end: number): void;
}

const maxDepth = 64;
const maxAttributes = 64;
/** Far above anything in a payment message; a signature in an envelope is a few kilobytes. */
const maxTextLength = 1_048_576;

const notXml = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
/** As XML has it, but for U+FEFF: the library drops it, so that two names would become one. */
const name =
  /[:A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFEFE\uFF00-\uFFFD\u{10000}-\u{EFFFF}][-.:\w\u00B7\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u037D\u037F-\u1FFF\u200C-\u200D\u203F\u2040\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFEFE\uFF00-\uFFFD\u{10000}-\u{EFFFF}]{0,255}/uy;
const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])1\.\d\1([ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])[A-Za-z][\w.-]*\3)?([ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(yes|no)\5)?[ \t\r\n]*\?>/;
const reference = /&(?:(amp|lt|gt|quot|apos)|#(?:x([0-9A-Fa-f]{1,8})|(\d{1,10})));/y;
const predefined: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Scans `text` and tells `visitor` each element in document order.
 * @throws PaymentsError `PAYMENTS_FILE_EMPTY`, `PAYMENTS_FILE_INVALID`, `PAYMENTS_FILE_DOCTYPE`
 */
export function scanXml(text: string, visitor: XmlVisitor): void {
  if (text.trim().length === 0) throw new PaymentsError('PAYMENTS_FILE_EMPTY', 'the file is empty');
  const badCharacter = notXml.exec(text);
  if (badCharacter !== null) {
    const code = (badCharacter[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    throw malformed(text, badCharacter.index, `the character U+${code} is not allowed in XML`);
  }
  new Scanner(text, visitor).run();
}

/**
 * Text with its references replaced: the five predefined ones and character numbers, nothing else.
 * Only for text that `scanXml` has passed; a reference that it would refuse is left as written.
 */
export function decodeReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:(amp|lt|gt|quot|apos)|#(?:x([0-9A-Fa-f]{1,8})|(\d{1,10})));/g,
    (whole, named, hex, decimal) =>
      typeof named === 'string' ? (predefined[named] ?? whole) : String.fromCodePoint(codePoint(hex, decimal)),
  );
}

class Scanner {
  readonly #text: string;
  readonly #visitor: XmlVisitor;
  readonly #open: XmlTag[] = [];
  #rootSeen = false;

  constructor(text: string, visitor: XmlVisitor) {
    this.#text = text;
    this.#visitor = visitor;
  }

  run(): void {
    const text = this.#text;
    let at = 0;
    if (/^<\?xml[ \t\r\n]/.test(text.slice(0, 6))) {
      const match = declaration.exec(text.slice(0, 1_000));
      if (match === null) throw malformed(text, 0, 'the XML declaration is wrong');
      at = match[0].length;
    }
    while (at < text.length) {
      const next = text.indexOf('<', at);
      const end = next === -1 ? text.length : next;
      this.#characters(at, end);
      at = next === -1 ? end : this.#markup(next);
    }
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined) throw malformed(text, text.length, `it ends inside <${unclosed.name}>`);
    if (!this.#rootSeen) throw malformed(text, 0, 'it has no element');
  }

  #characters(start: number, end: number): void {
    if (start === end) return;
    if (this.#open.length === 0) {
      const behind = this.#skipSpace(start);
      if (behind >= end) return;
      throw malformed(
        this.#text,
        behind,
        this.#rootSeen ? 'there is text behind the root element' : 'it does not begin with "<"',
      );
    }
    this.#checkText(start, end);
    const close = this.#text.slice(start, end).indexOf(']]>');
    if (close !== -1) throw malformed(this.#text, start + close, '"]]>" is not allowed in text');
  }

  /** Takes the markup at `at` and answers the offset behind it. */
  #markup(at: number): number {
    const text = this.#text;
    if (text.startsWith('<!--', at)) return this.#comment(at);
    if (text.startsWith('<![CDATA[', at)) return this.#cdata(at);
    if (text.startsWith('<!DOCTYPE', at)) {
      throw new PaymentsError('PAYMENTS_FILE_DOCTYPE', `the file has a DOCTYPE (${position(text, at)})`);
    }
    if (text.startsWith('<?', at)) return this.#instruction(at);
    if (text.startsWith('</', at)) return this.#endTag(at);
    return this.#startTag(at);
  }

  #comment(at: number): number {
    const end = this.#text.indexOf('--', at + 4);
    if (end === -1) throw malformed(this.#text, at, 'a comment is not closed');
    if (this.#text[end + 2] !== '>') throw malformed(this.#text, end, '"--" is not allowed in a comment');
    return end + 3;
  }

  #cdata(at: number): number {
    if (this.#open.length === 0) throw malformed(this.#text, at, 'CDATA is only allowed inside the root element');
    const end = this.#text.indexOf(']]>', at + 9);
    if (end === -1) throw malformed(this.#text, at, 'a CDATA section is not closed');
    this.#checkLength(at, end);
    return end + 3;
  }

  #instruction(at: number): number {
    const end = this.#text.indexOf('?>', at + 2);
    const target = this.#nameAt(at + 2);
    if (target === undefined || end === -1) throw malformed(this.#text, at, 'a processing instruction is wrong');
    const behind = at + 2 + target.length;
    if (behind !== end && !isSpace(this.#text.charCodeAt(behind))) {
      throw malformed(this.#text, behind, 'the name of a processing instruction is wrong');
    }
    // The library skips what is quoted, so that behind a lone quote it would not find the end that was found here.
    if (/["']/.test(this.#text.slice(behind, end).replace(/"[^"]*"|'[^']*'/g, ''))) {
      throw malformed(this.#text, at, 'a processing instruction has a quote that is not closed');
    }
    if (target.toLowerCase() === 'xml')
      throw malformed(this.#text, at, 'an XML declaration is only allowed at the very beginning');
    return end + 2;
  }

  #endTag(at: number): number {
    const tagName = this.#nameAt(at + 2);
    const opened = this.#open.pop();
    if (tagName === undefined) throw malformed(this.#text, at, 'an end tag is wrong');
    if (opened?.name !== tagName) {
      throw malformed(this.#text, at, `</${tagName}> closes ${opened === undefined ? 'nothing' : `<${opened.name}>`}`);
    }
    const end = this.#skipSpace(at + 2 + tagName.length);
    if (this.#text[end] !== '>') throw malformed(this.#text, end, `the end tag </${tagName}> is wrong`);
    this.#visitor.closed(opened, end + 1);
    return end + 1;
  }

  #startTag(at: number): number {
    const text = this.#text;
    const tagName = this.#nameAt(at + 1);
    if (tagName === undefined) throw malformed(text, at, '"<" is not followed by the name of an element');
    if (this.#open.length === 0 && this.#rootSeen) throw malformed(text, at, `<${tagName}> is a second root element`);
    if (this.#open.length >= maxDepth) throw malformed(text, at, `elements are nested more than ${maxDepth} deep`);
    const attributes = new Map<string, string>();
    let next = this.#attributes(at + 1 + tagName.length, tagName, attributes);
    const empty = text[next] === '/';
    if (empty) next += 1;
    if (text[next] !== '>') throw malformed(text, next, `the tag <${tagName}> is wrong or not closed`);
    const localName = tagName.slice(tagName.lastIndexOf(':') + 1);
    const tag: XmlTag = { name: tagName, localName, depth: this.#open.length + 1, start: at, attributes };
    this.#rootSeen = true;
    this.#visitor.opened(tag);
    if (empty) this.#visitor.closed(tag, next + 1);
    else this.#open.push(tag);
    return next + 1;
  }

  /** Reads the attributes into `into` and answers the offset of what follows them. */
  #attributes(from: number, tagName: string, into: Map<string, string>): number {
    const text = this.#text;
    let at = from;
    for (;;) {
      const next = this.#skipSpace(at);
      const attribute = this.#nameAt(next);
      if (attribute === undefined) return next;
      if (next === at) throw malformed(text, at, `an attribute of <${tagName}> is not set apart by a space`);
      if (into.has(attribute)) throw malformed(text, next, `<${tagName}> has the attribute ${attribute} twice`);
      if (into.size >= maxAttributes)
        throw malformed(text, next, `<${tagName}> has more than ${maxAttributes} attributes`);
      const equals = this.#skipSpace(next + attribute.length);
      const open = this.#skipSpace(equals + 1);
      const quote = text[open];
      if (text[equals] !== '=' || (quote !== '"' && quote !== "'")) {
        throw malformed(text, next, `the attribute ${attribute} of <${tagName}> has no value in quotes`);
      }
      const close = text.indexOf(quote, open + 1);
      if (close === -1) throw malformed(text, open, `the value of the attribute ${attribute} is not closed`);
      this.#checkText(open + 1, close);
      const value = text.slice(open + 1, close);
      if (value.includes('<')) throw malformed(text, open, `the value of the attribute ${attribute} holds "<"`);
      into.set(attribute, value);
      at = close + 1;
    }
  }

  #checkText(start: number, end: number): void {
    this.#checkLength(start, end);
    // A slice, because a search over the whole text would look at all of it again for each text without "&".
    const text = this.#text.slice(start, end);
    for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) {
      reference.lastIndex = at;
      const match = reference.exec(text);
      if (match === null)
        throw malformed(this.#text, start + at, '"&" does not begin one of the references that XML defines by itself');
      if (match[1] !== undefined) continue;
      const point = codePoint(match[2], match[3]);
      if (point > 0x10ffff || notXml.test(String.fromCodePoint(point))) {
        throw malformed(this.#text, start + at, `${match[0]} is not a character that XML allows`);
      }
    }
  }

  #checkLength(start: number, end: number): void {
    if (end - start <= maxTextLength) return;
    throw malformed(this.#text, start, `a text is longer than ${maxTextLength} characters`);
  }

  #nameAt(at: number): string | undefined {
    name.lastIndex = at;
    return name.exec(this.#text)?.[0];
  }

  #skipSpace(at: number): number {
    let next = at;
    while (isSpace(this.#text.charCodeAt(next))) next += 1;
    return next;
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

function codePoint(hex: string | undefined, decimal: string | undefined): number {
  return hex === undefined ? Number.parseInt(decimal ?? '0', 10) : Number.parseInt(hex, 16);
}

function malformed(text: string, at: number, why: string): PaymentsError {
  return new PaymentsError('PAYMENTS_FILE_INVALID', `the file is not well-formed XML: ${why} (${position(text, at)})`);
}

function position(text: string, at: number): string {
  let line = 1;
  let lineStart = 0;
  for (let next = text.indexOf('\n'); next !== -1 && next < at; next = text.indexOf('\n', next + 1)) {
    line += 1;
    lineStart = next + 1;
  }
  return `line ${line}, column ${at - lineStart + 1}`;
}
