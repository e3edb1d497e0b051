/**
 * Small element trees by local name. Owns the use of fast-xml-parser: it gets one element's text at a time, which
 * `scanXml` has found to be well-formed, with every conversion and all entity handling switched off.
 */
import { XMLParser } from 'fast-xml-parser';
import { PaymentsError } from '../errors.ts';
import { decodeReferences } from './scan-xml.ts';

export interface XmlElement {
  /** Without its prefix. */
  readonly name: string;
  /** Values are decoded; names are as written. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** All text of the element itself, without the white space around it. */
  readonly text: string;
}

const textKey = '#text';
const cdataKey = '#cdata';
const attributesKey = ':@';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  textNodeName: textKey,
  cdataPropName: cdataKey,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/** @throws PaymentsError `PAYMENTS_FILE_INVALID` for what the library cannot take, such as an attribute `__proto__`. */
export function parseElement(xml: string): XmlElement {
  try {
    const nodes: unknown = parser.parse(xml);
    for (const node of listOf(nodes)) {
      const element = elementOf(node);
      if (element !== undefined) return element;
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PaymentsError('PAYMENTS_FILE_INVALID', `the file cannot be read: ${why}`, cause);
  }
  throw new PaymentsError('PAYMENTS_FILE_INVALID', 'the file cannot be read: an element is empty');
}

/** The only child of this local name, or undefined if there is none. */
function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((one) => one.name === name);
}

/** Every child of this local name, in document order. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((one) => one.name === name) ?? [];
}

/** The text at a path of local names, or undefined if it is missing or empty. */
export function textAt(element: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  let found = element;
  for (const name of path) found = child(found, name);
  return found === undefined || found.text.length === 0 ? undefined : found.text;
}

/** The shape that the library gives with `preserveOrder`: `{ [name]: nodes, ':@'?: attributes }`, or a text. */
function elementOf(node: unknown): XmlElement | undefined {
  if (!isRecord(node)) return undefined;
  const tagName = Object.keys(node).find((key) => key !== attributesKey);
  if (tagName === undefined || tagName === textKey || tagName === cdataKey) return undefined;
  const nodes = listOf(node[tagName]);
  return {
    name: tagName.slice(tagName.lastIndexOf(':') + 1),
    attributes: attributesOf(node[attributesKey]),
    children: nodes.map(elementOf).filter((one) => one !== undefined),
    text: trimSpace(nodes.map(textOf).join('')),
  };
}

function textOf(node: unknown): string {
  if (!isRecord(node)) return '';
  const text = node[textKey];
  if (typeof text === 'string') return decodeReferences(text);
  const inside = listOf(node[cdataKey])[0];
  const verbatim = isRecord(inside) ? inside[textKey] : undefined;
  return typeof verbatim === 'string' ? verbatim : '';
}

function attributesOf(value: unknown): ReadonlyMap<string, string> {
  if (!isRecord(value)) return new Map();
  return new Map(Object.entries(value).map(([key, one]) => [key, trimSpace(decodeReferences(String(one)))]));
}

/** Only what XML calls white space: a no-break space belongs to the value. */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && ' \t\r\n'.includes(text.charAt(start))) start += 1;
  while (end > start && ' \t\r\n'.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
