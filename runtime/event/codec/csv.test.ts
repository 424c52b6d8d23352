import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileCsv } from './csv.ts';
import { RecordSplitter } from './record-splitter.ts';

type Seen = string;

/** Cuts `bytes`, pushed in pieces of `pieceBytes`, into lines such as `2 record a,b`. */
function cuts(
  bytes: Buffer,
  options: { readonly csv?: boolean; readonly bytesMax?: number; readonly pieceBytes: number },
): readonly Seen[] {
  const splitter = new RecordSplitter({ csv: options.csv ?? true, bytesMax: options.bytesMax ?? 1000 });
  const seen: Seen[] = [];
  const drain = (): void => {
    for (let cut = splitter.next(); cut !== 'more'; cut = splitter.next()) {
      const text = splitter.bytes.toString('utf8', splitter.from, splitter.to);
      const note = cut === 'malformed' ? ` (${splitter.reason})` : cut === 'tooLong' ? ` (${splitter.skippedBytes})` : '';
      seen.push(`${splitter.line} ${cut} ${text}${note}`);
    }
  };
  for (let at = 0; at < bytes.length; at += options.pieceBytes) {
    splitter.push(bytes.subarray(at, at + options.pieceBytes));
    drain();
  }
  splitter.end();
  drain();
  return seen;
}

const OPEN = 'a quote is opened and not closed';
test.each([
  {
    fact: 'lines end with a line feed, with or without a return, or with the file',
    text: 'a,b\r\nc,d\ne,f',
    seen: ['1 record a,b', '2 record c,d', '3 record e,f'],
  },
  { fact: 'empty lines are no records but count as lines', text: '\na\n\r\n\nb\n', seen: ['2 record a', '5 record b'] },
  { fact: 'a byte order mark is passed', text: '\ufeffa,b\n1,2\n', seen: ['1 record a,b', '2 record 1,2'] },
  {
    fact: 'a quoted field may hold line ends, commas and quotes',
    text: '1,"a\n""b"",\r\nc"\n2,d\n',
    seen: ['1 record 1,"a\n""b"",\r\nc"', '4 record 2,d'],
  },
  { fact: 'quotes before a return and at the end of the file', text: '"a","b"\r\n"c"', seen: ['1 record "a","b"', '2 record "c"'] },
  { fact: 'a return at the very end belongs to the line end', text: 'a\n"c"\r', seen: ['1 record a', '2 record "c"'] },
  {
    fact: 'a lone quote spoils only its own line',
    text: 'a\n1,"b,c\n2,d\n3,e\n',
    seen: ['1 record a', `2 malformed 1,"b,c (column 2: ${OPEN} to the end of the file)`, '3 record 2,d', '4 record 3,e'],
  },
  {
    fact: 'a lone quote in the last line',
    text: 'a\n"b',
    seen: ['1 record a', `2 malformed "b (column 1: ${OPEN} to the end of the file)`],
  },
  {
    fact: 'a lone quote before a line with proper ones',
    text: '"a\n"hello",b\nc\n',
    seen: ['1 malformed "a (column 1: text behind the closing quote)', '2 record "hello",b', '3 record c'],
  },
  {
    fact: 'text behind a closing quote',
    text: '"a"b,c\nd\n',
    seen: ['1 malformed "a"b,c (column 1: text behind the closing quote)', '2 record d'],
  },
  {
    fact: 'a quote within a plain field',
    text: 'a,b"c\nd\n',
    seen: ['1 malformed a,b"c (column 2: a quote inside a field that does not begin with one)', '2 record d'],
  },
  {
    fact: 'a line that is too long is skipped, its head is shown',
    text: `a\n${'x'.repeat(50)}\nb\n`,
    bytesMax: 10,
    seen: ['1 record a', `2 tooLong ${'x'.repeat(10)} (50)`, '3 record b'],
  },
  {
    fact: 'a line of exactly the bound passes',
    text: `${'x'.repeat(10)}\nb`,
    bytesMax: 10,
    seen: [`1 record ${'x'.repeat(10)}`, '2 record b'],
  },
  {
    fact: 'a long last line without an end',
    text: `a\n${'x'.repeat(50)}`,
    bytesMax: 10,
    seen: ['1 record a', `2 tooLong ${'x'.repeat(10)} (50)`],
  },
  {
    fact: 'a quote that is not closed within the bound',
    text: `"a\n${'b\n'.repeat(9)}`,
    bytesMax: 10,
    seen: [`1 malformed "a (column 1: ${OPEN} within 10 bytes)`, ...Array.from({ length: 9 }, (_, i) => `${i + 2} record b`)],
  },
  {
    fact: 'a long row with proper quotes',
    text: `"${'y'.repeat(30)}",z\nb\n`,
    bytesMax: 10,
    seen: [`1 tooLong "${'y'.repeat(9)} (34)`, '2 record b'],
  },
  { fact: 'nothing at all', text: '', seen: [] },
  { fact: 'a byte order mark alone', text: '\ufeff', seen: [] },
])('$fact, wherever the chunks end', ({ text, seen, bytesMax }) => {
  const bytes = Buffer.from(text);
  for (const pieceBytes of [1, 2, 3, 5, 7, bytes.length + 1]) {
    expect({ pieceBytes, seen: cuts(bytes, { pieceBytes, bytesMax: bytesMax ?? 1000 }) }).toEqual({ pieceBytes, seen });
  }
});

test('quotes mean nothing outside of CSV', () => {
  expect(cuts(Buffer.from('{"a":"b"}\n"\n'), { csv: false, pieceBytes: 3 })).toEqual(['1 record {"a":"b"}', '2 record "']);
});

test('records are cut alike wherever the chunks end, whatever the bytes', () => {
  const soup = fc
    .array(fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', 'a', 'bc', 'x'.repeat(9)), { maxLength: 40 })
    .map((parts) => Buffer.from(parts.join('')));
  fc.assert(
    fc.property(soup, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 24 }), (bytes, pieceBytes, bytesMax) => {
      expect(cuts(bytes, { pieceBytes, bytesMax })).toEqual(cuts(bytes, { pieceBytes: bytes.length + 1, bytesMax }));
    }),
    { numRuns: 3000 },
  );
});

test('what is written by RFC 4180 comes back', () => {
  const cell = fc
    .oneof(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.constantFrom('', '"', ',', '\n', '\r\n', 'a"b', ' '))
    .map((text) => text.replaceAll('\0', '').replaceAll('\ufeff', ''));
  const table = fc
    .integer({ min: 1, max: 5 })
    .chain((columns) => fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n'), fc.integer({ min: 1, max: 20 }), (rows, lineEnd, pieceBytes) => {
      const quote = (text: string): string => (text === '' || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const bytes = Buffer.from(rows.map((row) => row.map(quote).join(',') + lineEnd).join(''));
      expect(readAll(bytes, rows[0]?.length ?? 0, pieceBytes)).toEqual(rows);
    }),
    { numRuns: 1000 },
  );
});

function readAll(bytes: Buffer, columns: number, pieceBytes: number): readonly (readonly unknown[])[] {
  const header = Array.from({ length: columns }, (_, i) => `c${i}`);
  const decode = compileCsv(header, { schema: undefined, nulls: [] });
  const splitter = new RecordSplitter({ csv: true, bytesMax: 10_000 });
  const rows: unknown[][] = [];
  const drain = (): void => {
    for (let cut = splitter.next(); cut !== 'more'; cut = splitter.next()) {
      expect(cut).toBe('record');
      const row = decode(splitter.bytes.toString('utf8', splitter.from, splitter.to), splitter.quoted);
      if ('issues' in row) throw new Error(row.issues.join());
      rows.push(header.map((name) => row.value[name]));
    }
  };
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    splitter.push(bytes.subarray(at, at + pieceBytes));
    drain();
  }
  splitter.end();
  drain();
  return rows;
}

test.each([
  {
    fact: 'null texts, in quotes or not',
    header: ['a', 'b', 'c'],
    text: '"NA",NA,x',
    quoted: true,
    gives: { value: { a: null, b: null, c: 'x' } },
  },
  {
    fact: 'too few columns',
    header: ['a', 'b', 'c'],
    text: '1,2',
    quoted: false,
    gives: { issues: ['found 2 columns, expected 3'], texts: null },
  },
  { fact: 'too many columns', header: ['a'], text: '1,2', quoted: false, gives: { issues: ['found 2 columns, expected 1'], texts: null } },
  { fact: 'a NUL byte', header: ['a', 'b'], text: '1,\0', quoted: false, gives: { issues: ['a NUL byte at character 2'], texts: null } },
  {
    fact: 'violations come with the texts of the row',
    header: ['a', 'n'],
    text: 'x,y',
    quoted: false,
    gives: { issues: ['n: found "y", expected a whole number'], texts: { a: 'x', n: 'y' } },
  },
])('$fact', ({ header, text, quoted, gives }) => {
  expect(compileCsv(header, { schema: header.includes('n') ? { n: 'int' } : undefined, nulls: ['NA'] })(text, quoted)).toEqual(gives);
});

test('a column named __proto__ is a field and changes no prototype', () => {
  const row = compileCsv(['__proto__', 'constructor'], { schema: undefined, nulls: [] })('1,2', false) as {
    value: Record<string, unknown>;
  };
  expect(Object.getPrototypeOf(row.value)).toBe(Object.prototype);
  expect(Object.entries(row.value)).toEqual([
    ['__proto__', '1'],
    ['constructor', '2'],
  ]);
});
