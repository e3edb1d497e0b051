import { describe, expect, it } from 'vitest';
import { decodeBytes } from '../../../examples/payments/iso20022/decode-bytes.ts';
import { parseElement, textAt } from '../../../examples/payments/iso20022/element.ts';
import { scanXml } from '../../../examples/payments/iso20022/scan-xml.ts';

const scan = (text: string): string[] => {
  const names: string[] = [];
  scanXml(text, { opened: ({ localName }) => void names.push(localName), closed: () => undefined });
  return names;
};
const codeOf = (act: () => unknown): unknown => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

describe('the gate in front of the XML library', () => {
  it.each([
    '<a/>',
    '<?xml version="1.0"?><a/>',
    "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<!-- x -->\n<?pi y?><a b='1' c = \"2>\"></a >\n<!-- z -->",
    '<p:a xmlns:p="x"><p:b/><![CDATA[<&>]]></p:a>',
    '<a>&amp;&lt;&gt;&quot;&apos;&#65;&#x1F600;</a>',
    '<ä.b-c·/>',
    '<a>]] ></a>',
  ])('lets %s pass', (text) => expect(scan(text).length).toBeGreaterThan(0));

  it.each([
    ['plain text', 'hello'],
    ['JSON', '{"a": 1}'],
    ['two roots', '<a/><b/>'],
    ['two roots with contents', '<a></a><b></b>'],
    ['text behind the root', '<a/>x'],
    ['a CDATA section behind the root', '<a/><![CDATA[x]]>'],
    ['text before the root', 'x<a/>'],
    ['an entity that nothing defines', '<a>&foo;</a>'],
    ['an entity in an attribute', '<a b="&foo;"/>'],
    ['a bare ampersand', '<a>B & B</a>'],
    ['a reference without its end', '<a>&amp</a>'],
    ['"]]>" in text', '<a>]]></a>'],
    ['a control character', '<a>\u0001</a>'],
    ['a reference to a control character', '<a>&#1;</a>'],
    ['a reference beyond Unicode', '<a>&#x110000;</a>'],
    ['a reference to half a character', '<a>&#xD800;</a>'],
    ['half a character', '<a>\ud800</a>'],
    ['a NUL', '<a>\u0000</a>'],
    ['"<" in an attribute', '<a b="<"/>'],
    ['"--" in a comment', '<a><!-- a -- b --></a>'],
    ['an open comment', '<a></a><!-- x'],
    ['an open CDATA section', '<a><![CDATA[ x</a>'],
    ['an open processing instruction', '<a/><?pi '],
    ['a processing instruction of a wrong name', '<a/><?p=q ?>'],
    [
      'a lone quote in a processing instruction, behind which the library would hide elements',
      '<a><?p "?><b/><?q "?></a>',
    ],
    ['a byte order mark in a name', '<a\ufeff/>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['attributes that touch', '<a b="1"c="2"/>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['an attribute without a value', '<a b/>'],
    ['an open attribute', '<a b="1/>'],
    ['a cut file', '<a><b>1</b>'],
    ['a file cut inside a tag', '<a><b>1</b></a'],
    ['a file cut inside a start tag', '<a><b'],
    ['a wrong name', '<1a/>'],
    ['a space before a name', '< a/>'],
    ['tags that cross', '<a><b></a></b>'],
    ['an end tag too many', '<a/></a>'],
    ['an XML declaration that is not first', ' <?xml version="1.0"?><a/>'],
    ['an XML declaration inside', '<a><?xml version="1.0"?></a>'],
    ['a wrong XML declaration', '<?xml encoding="utf-8"?><a/>'],
    ['an unknown markup', '<a><!foo></a>'],
    ['a CDATA section in lower case', '<a><![cdata[x]]></a>'],
    ['only a comment', '<!-- x -->'],
  ])('refuses %s', (_what, text) => expect(codeOf(() => scan(text))).toBe('PAYMENTS_FILE_INVALID'));

  it.each(['', ' \n\t'])('says that a file of "%s" is empty', (text) => {
    expect(codeOf(() => scan(text))).toBe('PAYMENTS_FILE_EMPTY');
  });

  it.each([
    '<!DOCTYPE a><a/>',
    '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>',
  ])('refuses %s outright', (text) => expect(codeOf(() => scan(text))).toBe('PAYMENTS_FILE_DOCTYPE'));

  it('says where the file is wrong', () => {
    expect(() => scan('<a>\n  <b>\n</a>')).toThrow(
      'the file is not well-formed XML: </a> closes <b> (line 3, column 1)',
    );
  });

  it('refuses huge nesting at once', () => {
    expect(codeOf(() => scan('<a>'.repeat(1_000_000)))).toBe('PAYMENTS_FILE_INVALID');
  });

  it('refuses a text of 100 MB at once', () => {
    const huge = 'x'.repeat(100_000_000);
    expect(codeOf(() => scan(`<a>${huge}</a>`))).toBe('PAYMENTS_FILE_INVALID');
    expect(codeOf(() => scan(`<a b="${huge}"/>`))).toBe('PAYMENTS_FILE_INVALID');
    expect(codeOf(() => scan(`<${huge}/>`))).toBe('PAYMENTS_FILE_INVALID');
    expect(codeOf(() => scan(huge))).toBe('PAYMENTS_FILE_INVALID');
  });

  it('takes time in proportion to the file, not to its square', () => {
    expect(scan(`<a>${'<b c="d">e</b>'.repeat(200_000)}&amp;</a>`)).toHaveLength(200_001);
    expect(scan(`<a>${' '.repeat(1_000_000)}</a>${' '.repeat(5_000_000)}`)).toHaveLength(1);
  });
});

describe('elements', () => {
  it('are found by local name, with references decoded once and CDATA verbatim', () => {
    const element = parseElement('<p:a><p:b> x &amp;amp; &#x41;<![CDATA[&amp;<]]> </p:b><b2/></p:a>');
    expect(textAt(element, 'b')).toBe('x &amp; A&amp;<');
    expect(textAt(element, 'b2')).toBeUndefined();
  });

  it('keep texts that look like numbers', () => {
    const element = parseElement('<a><b>0012.50</b><c>true</c><d>1e3</d></a>');
    expect([textAt(element, 'b'), textAt(element, 'c'), textAt(element, 'd')]).toEqual(['0012.50', 'true', '1e3']);
  });

  it('of names that the library fears are refused, not passed on', () => {
    expect(codeOf(() => parseElement('<a><constructor/></a>'))).toBe('PAYMENTS_FILE_INVALID');
    expect(codeOf(() => parseElement('<a __proto__="x"/>'))).toBe('PAYMENTS_FILE_INVALID');
  });

  it('ignore comments and processing instructions inside a value', () => {
    expect(textAt(parseElement('<a><b>DE<!-- x -->89<?p q?></b></a>'), 'b')).toBe('DE89');
  });
});

describe('encodings', () => {
  const xml = '<?xml version="1.0"?><a>Zürich 東京</a>';
  const utf16 = (text: string, swap: boolean): Uint8Array => {
    const bytes = Buffer.from(text, 'utf16le');
    return new Uint8Array(swap ? bytes.swap16() : bytes);
  };

  it.each([
    ['UTF-8', new Uint8Array(Buffer.from(xml))],
    ['UTF-8 with a mark', new Uint8Array(Buffer.from(`\ufeff${xml}`))],
    ['UTF-16, little-endian, with a mark', utf16(`\ufeff${xml}`, false)],
    ['UTF-16, big-endian, with a mark', utf16(`\ufeff${xml}`, true)],
    ['UTF-16, little-endian, without a mark', utf16(xml, false)],
    ['UTF-16, big-endian, without a mark', utf16(xml, true)],
  ])('reads %s', (_name, bytes) => expect(decodeBytes(bytes)).toBe(xml));

  it('reads what the declaration says', () => {
    const latin = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>Zürich</a>', 'latin1');
    expect(decodeBytes(new Uint8Array(latin))).toContain('Zürich');
  });

  it.each([
    ['invalid UTF-8', Uint8Array.of(0x3c, 0x61, 0x3e, 0xff, 0xfe, 0x3c)],
    ['UTF-8 that is cut', Uint8Array.of(0x3c, 0x61, 0x3e, 0xe6, 0x9d)],
    ['UTF-16 that is cut', utf16(`\ufeff${xml}`, false).slice(0, 21)],
    ['UTF-32', Uint8Array.of(0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0)],
    ['an unknown encoding', new Uint8Array(Buffer.from('<?xml version="1.0" encoding="EBCDIC-1"?><a/>'))],
    [
      'a declaration of UTF-16 that is not true',
      new Uint8Array(Buffer.from('<?xml version="1.0" encoding="UTF-16"?><a/>')),
    ],
  ])('refuses %s', (_name, bytes) => expect(codeOf(() => decodeBytes(bytes))).toBe('PAYMENTS_FILE_ENCODING'));
});
